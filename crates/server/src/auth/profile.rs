//! The handle of operations on one communication profile: bound to a profile of the caller's organization.

use jackfield_store::{DeleteProfileOutcome, Origin, Store, StoreError, UpdateOutcome, registry};

use crate::error::ApiError;

/// A profile that the caller may use, and on whose behalf.
pub(crate) struct Profile<'a> {
    store: &'a dyn Store,
    profile: registry::Profile,
    origin: Origin,
}

impl<'a> Profile<'a> {
    /// Only `grant` calls this.
    pub(super) fn new(store: &'a dyn Store, profile: registry::Profile, origin: Origin) -> Self {
        Self { store, profile, origin }
    }

    /// The profile as of when the request came.
    pub(crate) fn into_record(self) -> registry::Profile {
        self.profile
    }

    pub(crate) async fn rename(self, name: String) -> Result<UpdateOutcome, StoreError> {
        let registry::Profile { id, organization, .. } = &self.profile;
        self.store.rename_profile(organization, id, Some(name), self.origin).await
    }

    pub(crate) async fn delete(self) -> Result<DeleteProfileOutcome, StoreError> {
        let registry::Profile { id, organization, .. } = &self.profile;
        self.store.delete_profile(organization, id, self.origin).await
    }

    /// The refusal where there is no such profile.
    pub(crate) fn unknown() -> ApiError {
        ApiError::NotFound("There is no such communication profile.".to_owned())
    }
}
