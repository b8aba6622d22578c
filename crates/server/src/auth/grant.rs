//! Caller and path → the handle that an operation of the public API needs.

use jackfield_model::{AmazonId, RequestId};

use super::{Caller, Group, Organization, Profile, Provider, authorize};
use crate::app::App;
use crate::error::{ApiError, Unauthorized};
use crate::router::{
    AssociationOperation, FamilyOperation, Operation, OrganizationOperation, ProfileOperation,
    ProviderOperation,
};

/// An operation with the handle that it may use.
pub(crate) enum Granted<'a> {
    /// On associations of a service provider of the caller's organization.
    Association(AssociationOperation, Provider<'a>),
    /// On the caller's organization.
    Organization(OrganizationOperation, Organization<'a>),
    /// On such a service provider itself.
    Provider(ProviderOperation, Provider<'a>),
    /// On a communication profile of it.
    Profile(ProfileOperation, Profile<'a>),
}

impl Granted<'_> {
    /// Whether the caller gets the kindness that can be switched off, as far as the operation knows any.
    pub(crate) const fn is_lenient(&self) -> bool {
        match self {
            Self::Association(_, provider) => provider.is_lenient(),
            Self::Organization(..) | Self::Provider(..) | Self::Profile(..) => true,
        }
    }
}

/// The handle for an operation. `parameter` is that of the path, where it has one.
pub(crate) async fn grant<'a>(
    app: &'a App,
    caller: &Caller,
    operation: Operation,
    parameter: &str,
    request_id: RequestId,
) -> Result<Granted<'a>, ApiError> {
    match operation {
        Operation::Association(operation) => {
            Ok(Granted::Association(operation, authorize(app, caller, parameter, request_id)?))
        }
        Operation::Family(FamilyOperation::Organization(operation)) => {
            let group = Group::of(operation);
            caller.check_rate_and_scope(app, group)?;
            let organization = &caller.check_place(group)?.id;
            let own = Organization::new(&*app.store, &app.ids, organization, caller.origin(request_id));
            Ok(Granted::Organization(operation, own))
        }
        Operation::Family(FamilyOperation::Provider(operation)) => {
            Ok(Granted::Provider(operation, authorize(app, caller, parameter, request_id)?))
        }
        Operation::Family(FamilyOperation::Profile(operation)) => {
            Ok(Granted::Profile(operation, profile(app, caller, parameter, request_id).await?))
        }
        other => {
            Err(ApiError::Internal { cause: format!("{} is not for bearers of access tokens", other.name()) })
        }
    }
}

/// The profile of the path, when the caller may use it now: rate, scope, profile known, profile owned, availability.
async fn profile<'a>(
    app: &'a App,
    caller: &Caller,
    id: &str,
    request_id: RequestId,
) -> Result<Profile<'a>, ApiError> {
    caller.check_rate_and_scope(app, Group::Profiles)?;
    let known = match id.parse::<AmazonId>() {
        Ok(id) => app.store.find_profile(&id).await?,
        Err(_) => None,
    };
    let profile = known.ok_or_else(Profile::unknown)?;
    if profile.organization != caller.client.organization {
        return Err(ApiError::Unauthorized(Unauthorized::OtherProfile));
    }
    caller.check_place(Group::Profiles)?;
    Ok(Profile::new(&*app.store, profile, caller.origin(request_id)))
}
