//! The operations of the public API, one file each: those on account associations, and those on service providers, their
//! network mapping and communication profiles.
//!
//! An operation is a static value beside its handler: what is known of it, what it is granted on, and how it is run.

pub(crate) mod address_book;
pub(crate) mod association;
pub(crate) mod contact;
pub(crate) mod contact_setting;
pub(crate) mod network;
mod outcome;
pub(crate) mod profile;
pub(crate) mod provider;
pub(crate) mod reciprocal_association;
mod resource;
pub(crate) mod signaling;
pub(crate) mod unit;
pub(crate) mod unit_association;

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::auth::{self, Grant, OfOrganization, OfProfile, OfProvider};
use crate::description::{BAD_REQUEST, Description, INTERNAL, Status, Tag};
use crate::endpoint::{Endpoint, Incoming, Outcome};
use crate::error::ApiError;
use crate::group::Group;
use crate::router::Operation;

/// An operation for the bearer of an access token, granted on what `G` grants.
pub(crate) struct BearerOperation<G: Grant + 'static> {
    operation: Operation,
    group: Group,
    run: for<'a> fn(Context<'a, G::Handle<'a>>) -> BoxFuture<'a, Outcome>,
}

/// An operation on the caller's organization.
pub(crate) type OrganizationOperation = BearerOperation<OfOrganization>;
/// An operation on the service provider of the path.
pub(crate) type ProviderOperation = BearerOperation<OfProvider>;
/// An operation on the communication profile of the path.
pub(crate) type ProfileOperation = BearerOperation<OfProfile>;

/// What a handler gets.
struct Context<'a, H> {
    handle: H,
    /// The second parameter of the path; empty where it has none.
    second_parameter: &'a str,
    query_string: Option<&'a str>,
    body: Bytes,
}

impl<G: Grant> BearerOperation<G> {
    const fn new(
        operation: Operation,
        group: Group,
        run: for<'a> fn(Context<'a, G::Handle<'a>>) -> BoxFuture<'a, Outcome>,
    ) -> Self {
        Self { operation, group, run }
    }
}

impl<G: Grant> fmt::Debug for BearerOperation<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt(f)
    }
}

impl<G: Grant + 'static> Endpoint for BearerOperation<G> {
    fn operation(&self) -> &Operation {
        &self.operation
    }

    fn serve<'a>(&'static self, mut incoming: Incoming<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let admitted = auth::admit::<G>(&mut incoming, &self.operation, self.group).await?;
            let query_string = incoming.call.head.uri.query();
            let second_parameter = incoming.second_parameter;
            let context =
                Context { handle: admitted.handle, second_parameter, query_string, body: admitted.body };
            (self.run)(context).await
        })
    }
}

/// The description of an operation that needs an access token.
const fn describe(tag: Tag, summary: &'static str) -> Description {
    Description { security: &["accessToken"], common_errors: COMMON_ERRORS, ..Description::new(tag, summary) }
}

const COMMON_ERRORS: &[Status] = &[
    BAD_REQUEST,
    (
        401,
        "The access token is missing, unknown, expired or revoked, or the service provider belongs to another \
         organization.",
    ),
    (
        403,
        "The token is valid, the operation not allowed: the scope is missing, the WebRTC add-on is off, the country and \
         vertical have no account association, or the organization has as many of these objects as its quota allows.",
    ),
    LIMITED,
    INTERNAL,
    UNAVAILABLE,
];

const LIMITED: Status = (429, "The client's rate is used up.");
const UNAVAILABLE: Status = (
    503,
    "Maintenance, overload, or a store that cannot be read or written. Nothing was changed, unless the message says that \
     this is not known.",
);

const NO_PROVIDER: Status = (404, "No such service provider.");

/// The service provider of the request's own path, for links.
const SAME_PROVIDER: (&str, &str) = ("path.serviceProviderId", "$request.path.serviceProviderId");

/// A parameter of the query string, which may stand once.
fn query_parameter(query_string: Option<&str>, name: &str) -> Result<Option<String>, ApiError> {
    let mut values = form_urlencoded::parse(query_string.unwrap_or_default().as_bytes())
        .filter(|(candidate, _)| candidate == name)
        .map(|(_, value)| value.into_owned());
    let value = values.next();
    if values.next().is_some() {
        return Err(ApiError::BadRequest(format!(
            "{name} stands more than once in the query string; it may stand once."
        )));
    }
    Ok(value)
}

fn no_such_provider() -> ApiError {
    ApiError::NoSuchProvider
}

fn no_such_profile() -> ApiError {
    ApiError::NotFound("The organization has no communication profile with this amazonId.".to_owned())
}

fn no_such_association() -> ApiError {
    ApiError::NotFound("The service provider has no association with this externalUserId.".to_owned())
}
