//! The handle of operations on one communication profile: bound to a profile of the caller's organization.

use jackfield_model::{AmazonId, RequestId};
use jackfield_store::{DeleteProfileOutcome, Origin, Store, StoreError, UpdateOutcome, registry};

use super::{Caller, Grant};
use crate::error::{ApiError, Unauthorized};
use crate::group::Group;
use crate::state::State;

/// A profile that the caller may use, and on whose behalf.
pub(crate) struct Profile<'a> {
    store: &'a dyn Store,
    profile: registry::Profile,
    origin: Origin,
}

/// Grants the communication profile of the path.
pub(crate) enum OfProfile {}

impl Grant for OfProfile {
    type Handle<'a> = Profile<'a>;

    /// The checks are in the order of the contract: profile known, profile owned, availability.
    async fn grant<'a>(
        state: &'a State,
        caller: &Caller,
        group: Group,
        parameter: &str,
        request_id: RequestId,
    ) -> Result<Profile<'a>, ApiError> {
        let known = match parameter.parse::<AmazonId>() {
            Ok(id) => state.store.find_profile(&id).await?,
            Err(_) => None,
        };
        let profile = known.ok_or_else(Profile::unknown)?;
        if profile.organization != caller.client().organization {
            return Err(ApiError::Unauthorized(Unauthorized::OtherProfile));
        }
        caller.check_organization_access(group)?;
        Ok(Profile { store: &*state.store, profile, origin: caller.origin(request_id) })
    }
}

impl Profile<'_> {
    /// The profile as of the admission of the request.
    pub(crate) fn into_record(self) -> registry::Profile {
        self.profile
    }

    pub(crate) async fn rename(self, name: String) -> Result<UpdateOutcome, StoreError> {
        let registry::Profile { id, organization, .. } = &self.profile;
        let _step = super::store_step();
        self.store.rename_profile(organization, id, Some(name), self.origin).await
    }

    pub(crate) async fn delete(self) -> Result<DeleteProfileOutcome, StoreError> {
        let registry::Profile { id, organization, .. } = &self.profile;
        let _step = super::store_step();
        self.store.delete_profile(organization, id, self.origin).await
    }

    /// The refusal where there is no such profile.
    pub(crate) fn unknown() -> ApiError {
        ApiError::NotFound("There is no such communication profile.".to_owned())
    }
}
