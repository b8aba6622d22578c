//! Communication profiles in memory.

use std::ops::Bound;

use async_trait::async_trait;
use jackfield_model::{AmazonId, OrganizationId, UnitId};

use super::{MemoryStore, State};
use crate::change::{Operation, Origin};
use crate::contract::{
    Admission, CreateProfileOutcome, DeleteProfileOutcome, ProfileStore, PutProfileOutcome, UpdateOutcome,
};
use crate::error::StoreError;
use crate::registry::{Profile, Registry};
use crate::resource::{RowKey, Table};

impl State {
    fn admission(&self, new: &Profile, registry: &Registry) -> Admission {
        if !registry.organizations.contains_key(&new.organization) {
            return Admission::NoSuchOrganization;
        }
        if let Some(found) = self.profile_of_unit(&new.unit) {
            return Admission::UnitHasProfile(found.clone());
        }
        if self.profiles.contains_key(&new.id) {
            return Admission::IdTaken;
        }
        match self.resources.get(&RowKey::owner(Table::Unit, new.unit.suffix())) {
            Some(owner) if owner != new.organization.suffix() => return Admission::UnitTaken,
            None if registry.wants_unit(&new.organization, &new.unit) => return Admission::NoSuchUnit,
            _ => {}
        }
        let count = self.count_profiles(&new.organization);
        let reached = registry.profile_quota_reached(&new.organization, count);
        reached.map_or(Admission::Admitted, Admission::QuotaReached)
    }

    /// Stores a profile in the place of another, or a new one.
    fn store_profile(&mut self, before: Option<&Profile>, after: &Profile, origin: Origin) {
        if before == Some(after) {
            return;
        }
        let subject = after.subject(before, Some(after));
        if before.is_some() {
            self.record(origin, Operation::Update, subject);
            self.profiles.insert(after.id.clone(), after.clone());
        } else {
            self.record(origin, Operation::Create, subject);
            self.add_profile(after.clone());
        }
    }

    pub(super) fn add_profile(&mut self, profile: Profile) {
        *self.profile_counts.entry(profile.organization.clone()).or_default() += 1;
        self.units.insert(profile.unit.clone(), profile.id.clone());
        self.profiles.insert(profile.id.clone(), profile);
    }

    pub(super) fn clear_profiles(&mut self) {
        self.profiles.clear();
        self.units.clear();
        self.profile_counts.clear();
    }

    pub(super) fn count_profiles(&self, organization: &OrganizationId) -> u64 {
        self.profile_counts.get(organization).copied().unwrap_or_default()
    }

    pub(super) fn profile_of_unit(&self, unit: &UnitId) -> Option<&Profile> {
        self.units.get(unit).and_then(|id| self.profiles.get(id))
    }

    /// The profile with this id, when it is the organization's.
    pub(super) fn profile_of(&self, organization: &OrganizationId, id: &AmazonId) -> Option<&Profile> {
        self.profiles.get(id).filter(|found| found.organization == *organization)
    }
}

#[async_trait]
impl ProfileStore for MemoryStore {
    async fn create_profile(
        &self,
        profile: Profile,
        origin: Origin,
    ) -> Result<CreateProfileOutcome, StoreError> {
        let mut state = self.0.write();
        let admission = state.admission(&profile, &self.0.registry.load());
        if admission == Admission::Admitted {
            state.store_profile(None, &profile, origin);
        }
        Ok(admission.into())
    }

    async fn rename_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        name: Option<String>,
        origin: Origin,
    ) -> Result<UpdateOutcome, StoreError> {
        let mut state = self.0.write();
        let Some(before) = state.profile_of(organization, id).cloned() else {
            return Ok(UpdateOutcome::NotFound);
        };
        state.store_profile(Some(&before), &Profile { name, ..before.clone() }, origin);
        Ok(UpdateOutcome::Updated)
    }

    async fn put_profiles(
        &self,
        profiles: Vec<Profile>,
        origin: Origin,
    ) -> Result<Vec<PutProfileOutcome>, StoreError> {
        let mut state = self.0.write();
        let registry = self.0.registry.load();
        let put = |new: Profile| match state.admission(&new, &registry).put(new) {
            Ok((before, after)) => {
                state.store_profile(before.as_ref(), &after, origin.clone());
                PutProfileOutcome::Stored(after)
            }
            Err(refused) => refused,
        };
        Ok(profiles.into_iter().map(put).collect())
    }

    async fn delete_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        origin: Origin,
    ) -> Result<DeleteProfileOutcome, StoreError> {
        let mut state = self.0.write();
        let Some(before) = state.profile_of(organization, id).cloned() else {
            return Ok(DeleteProfileOutcome::NotFound);
        };
        let registry = self.0.registry.load();
        let strict = registry.organizations.get(organization).is_some_and(|found| found.strict_profiles);
        if strict && state.uses.contains_key(&(organization.clone(), id.clone())) {
            return Ok(DeleteProfileOutcome::InUse);
        }
        if !state.remove_resources_of_profile(&registry, organization, id, &origin)? {
            return Ok(DeleteProfileOutcome::TooManyDependents);
        }
        state.units.remove(&before.unit);
        state.profiles.remove(id);
        if let Some(count) = state.profile_counts.get_mut(organization) {
            *count -= 1;
        }
        state.record(origin, Operation::Delete, before.subject(Some(&before), None));
        Ok(DeleteProfileOutcome::Deleted)
    }

    async fn find_profile(&self, id: &AmazonId) -> Result<Option<Profile>, StoreError> {
        Ok(self.0.read().profiles.get(id).cloned())
    }

    async fn find_profile_of_unit(&self, unit: &UnitId) -> Result<Option<Profile>, StoreError> {
        Ok(self.0.read().profile_of_unit(unit).cloned())
    }

    async fn list_profiles(
        &self,
        organization: &OrganizationId,
        after: Option<&AmazonId>,
        limit: usize,
    ) -> Result<Vec<Profile>, StoreError> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.0.read();
        let profiles = state.profiles.range::<AmazonId, _>((after, Bound::Unbounded)).map(|(_, found)| found);
        Ok(profiles.filter(|found| found.organization == *organization).take(limit).cloned().collect())
    }
}
