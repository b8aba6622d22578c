//! DELETE /v1/communications/serviceProviders/{serviceProviderId}: removes a service provider.
//!
//! 200 means removed durably. While it has associations that is a 409, unless `?cascade=true` asks to remove them with
//! it: all of that is one commit, in which each association has its own change record.

use http::StatusCode;

use super::super::{NO_PROVIDER, ProviderOperation, describe, query_parameter};
use crate::auth::Provider;
use crate::description::{CascadeQuery, DELETED, Tag};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static DELETE: ProviderOperation = ProviderOperation::new(
    Operation::for_clients(
        "deleteServiceProvider",
        "delete_provider",
        describe(Tag::Providers, "Delete a service provider")
            .text("It must have no associations, or `cascade` takes them with it.")
            .query::<CascadeQuery>()
            .successes(DELETED)
            .errors(&[
                NO_PROVIDER,
                (409, "It has associations and `cascade` is not `true`, or it has too many of them."),
            ]),
    ),
    Group::Associations,
    |context| Box::pin(handle(context.handle, context.query_string)),
);

async fn handle(provider: Provider<'_>, query_string: Option<&str>) -> Result<Reply, ApiError> {
    let cascade = match query_parameter(query_string, "cascade")?.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(ApiError::BadRequest("cascade must be \"true\" or \"false\".".to_owned())),
    };
    super::super::outcome::outcome_to_error(provider.remove(cascade).await?)?;
    Ok(response::empty(StatusCode::OK))
}
