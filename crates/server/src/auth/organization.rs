//! The handle of operations that add to the caller's organization or search it: bound to that organization.

use jackfield_model::wire::{NewProfile, NewServiceProvider};
use jackfield_model::{OrganizationId, RequestId, UnitId};
use jackfield_store::registry::{self, ServiceProvider};
use jackfield_store::{Origin, PutProfileOutcome, RegistryCommand, RegistryOutcome, Store, StoreError};

use super::{Caller, Grant};
use crate::error::{ApiError, Forbidden, Unauthorized};
use crate::group::Group;
use crate::sandbox::ids::Ids;
use crate::state::State;

/// The caller's organization, and on whose behalf.
pub(crate) struct Organization<'a> {
    store: &'a dyn Store,
    ids: &'a Ids,
    id: OrganizationId,
    origin: Origin,
}

/// Grants the caller's organization.
pub(crate) enum OfOrganization {}

impl Grant for OfOrganization {
    type Handle<'a> = Organization<'a>;

    async fn grant<'a>(
        state: &'a State,
        caller: &Caller,
        group: Group,
        _: &str,
        request_id: RequestId,
    ) -> Result<Organization<'a>, ApiError> {
        let id = caller.check_organization_access(group)?.id.clone();
        Ok(Organization {
            store: &*state.store,
            ids: &state.sandbox.ids,
            id,
            origin: caller.origin(request_id),
        })
    }
}

impl Organization<'_> {
    /// Adds a service provider with a new id.
    pub(crate) async fn create_provider(
        self,
        new: NewServiceProvider,
    ) -> Result<(RegistryOutcome, ServiceProvider), StoreError> {
        let provider = ServiceProvider {
            id: self.ids.service_provider(self.store),
            organization: self.id,
            logical_id: new.service_provider_logical_id,
            display_name: new.display_name,
            network: None,
        };
        let create = RegistryCommand::CreateServiceProvider(provider.clone());
        let _step = super::store_step();
        Ok((self.store.change_registry(create, self.origin).await?, provider))
    }

    /// Gives each unit a profile, or its profile the new name, in one commit. The units must have passed
    /// [`Self::check_unit`].
    pub(crate) async fn put_profiles(
        self,
        new: impl IntoIterator<Item = NewProfile>,
    ) -> Result<Vec<Result<registry::Profile, ApiError>>, StoreError> {
        let mut profiles = Vec::new();
        for NewProfile { entity, name } in new {
            let id = self.ids.profile(self.store).await?;
            let organization = self.id.clone();
            profiles.push(registry::Profile { id, organization, unit: entity.id, name });
        }
        if profiles.is_empty() {
            return Ok(Vec::new());
        }
        let _step = super::store_step();
        let outcomes = self.store.put_profiles(profiles, self.origin).await?;
        Ok(outcomes.into_iter().map(stored).collect())
    }

    /// The profile of a unit of this organization.
    pub(crate) async fn find_profile(&self, unit: &UnitId) -> Result<Option<registry::Profile>, ApiError> {
        self.check_unit(unit)?;
        let _step = super::store_step();
        match self.store.find_profile_of_unit(unit).await? {
            Some(found) if found.organization != self.id => Err(other_unit()),
            found => Ok(found),
        }
    }

    /// Refuses a unit that is another organization. For other units their profiles tell to whom they belong.
    pub(crate) fn check_unit(&self, unit: &UnitId) -> Result<(), ApiError> {
        let is_organization = || self.store.registry().organizations.contains_key(unit.as_str());
        if unit.as_str() != self.id.as_str() && is_organization() { Err(other_unit()) } else { Ok(()) }
    }
}

fn stored(outcome: PutProfileOutcome) -> Result<registry::Profile, ApiError> {
    match outcome {
        PutProfileOutcome::Stored(profile) => Ok(profile),
        PutProfileOutcome::UnitTaken => Err(other_unit()),
        PutProfileOutcome::NoSuchUnit => Err(ApiError::no_such_unit()),
        PutProfileOutcome::IdTaken => {
            Err(ApiError::Internal { cause: "a random profile id was taken".to_owned() })
        }
        PutProfileOutcome::QuotaReached(most) => {
            Err(ApiError::Forbidden(Forbidden::Quota { of: "communication profiles", most }))
        }
        // Deleted after the caller was authenticated, and its clients with it.
        PutProfileOutcome::NoSuchOrganization => Err(ApiError::Unauthorized(Unauthorized::Revoked)),
    }
}

const fn other_unit() -> ApiError {
    ApiError::Unauthorized(Unauthorized::OtherUnit)
}
