//! `memory:`: everything in ordered maps under one lock. The reference model of the other adapters, and the
//! store of `--ephemeral`. Nothing survives the process.

mod content;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId};

use crate::change::{Change, ChangeFilter, ChangePage, Operation, Origin, Subject, Timestamp};
use crate::registry::{Dependents, Profile, Registry, RegistryCommand, RegistryOutcome};
use crate::{
    AssociationPage, AssociationRange, Content, CreateOutcome, CreateProfileOutcome, DeleteOutcome, RootKey,
    Store, StoreError, StoreStats, UpdateOutcome, WriteAssociation,
};

/// The store of `memory:`.
#[derive(Debug)]
pub struct MemoryStore {
    root_key: RootKey,
    /// What [`Store::registry`] answers; replaced under the write lock of `state`.
    registry: ArcSwap<Registry>,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    associations: BTreeMap<ServiceProviderId, BTreeMap<ExternalUserId, AmazonId>>,
    profiles: BTreeMap<AmazonId, Profile>,
    changes: BTreeMap<u64, Change>,
    last_change: u64,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { root_key: RootKey::random(), registry: ArcSwap::default(), state: RwLock::default() }
    }
}

impl MemoryStore {
    // A panic while the lock is held cannot leave the maps half-changed in a way that matters more than going
    // on: each write is one insertion or removal followed by its change record.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_provider(&self, provider: ServiceProviderId) -> bool {
        self.registry.load().providers.contains_key(&provider)
    }
}

impl State {
    fn record(&mut self, origin: Origin, operation: Operation, subject: Subject) {
        self.last_change += 1;
        let Origin { actor, request_id, time } = origin;
        let change = Change { sequence: self.last_change, time, actor, request_id, operation, subject };
        self.changes.insert(self.last_change, change);
    }

    fn has_profile(&self, owner: Option<&OrganizationId>, id: &AmazonId) -> bool {
        owner.is_none_or(|owner| self.profiles.get(id).is_some_and(|found| found.organization == *owner))
    }

    fn own_profile(&self, organization: &OrganizationId, id: &AmazonId) -> Option<&Profile> {
        self.profiles.get(id).filter(|found| found.organization == *organization)
    }
}

impl Dependents for State {
    fn has_associations(&self, provider: ServiceProviderId) -> bool {
        self.associations.get(&provider).is_some_and(|own| !own.is_empty())
    }

    fn has_profiles(&self, organization: &OrganizationId) -> bool {
        self.profiles.values().any(|profile| profile.organization == *organization)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn registry(&self) -> Arc<Registry> {
        self.registry.load_full()
    }

    fn root_key(&self) -> &RootKey {
        &self.root_key
    }

    async fn create_association(&self, write: WriteAssociation) -> Result<CreateOutcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner, origin } = write;
        let mut state = self.write();
        if !self.has_provider(provider) {
            return Ok(CreateOutcome::NoSuchProvider);
        }
        if !state.has_profile(profile_owner.as_ref(), &association.amazon_id) {
            return Ok(CreateOutcome::NoSuchProfile);
        }
        let Association { external_user_id, amazon_id, .. } = association;
        let own = state.associations.entry(provider).or_default();
        if own.contains_key(&external_user_id) {
            return Ok(CreateOutcome::Exists);
        }
        own.insert(external_user_id.clone(), amazon_id.clone());
        let subject =
            Subject::Association { provider, external_user_id, before: None, after: Some(amazon_id) };
        state.record(origin, Operation::Create, subject);
        Ok(CreateOutcome::Created)
    }

    async fn update_association(&self, write: WriteAssociation) -> Result<UpdateOutcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner, origin } = write;
        let mut state = self.write();
        if !self.has_provider(provider) {
            return Ok(UpdateOutcome::NoSuchProvider);
        }
        let known_profile = state.has_profile(profile_owner.as_ref(), &association.amazon_id);
        let Association { external_user_id, amazon_id, .. } = association;
        let Some(place) =
            state.associations.get_mut(&provider).and_then(|own| own.get_mut(&external_user_id))
        else {
            return Ok(UpdateOutcome::NotFound);
        };
        if !known_profile {
            return Ok(UpdateOutcome::NoSuchProfile);
        }
        if *place == amazon_id {
            return Ok(UpdateOutcome::Updated);
        }
        let before = std::mem::replace(place, amazon_id.clone());
        let subject =
            Subject::Association { provider, external_user_id, before: Some(before), after: Some(amazon_id) };
        state.record(origin, Operation::Update, subject);
        Ok(UpdateOutcome::Updated)
    }

    async fn delete_association(
        &self,
        provider: ServiceProviderId,
        external_user_id: ExternalUserId,
        origin: Origin,
    ) -> Result<DeleteOutcome, StoreError> {
        let mut state = self.write();
        if !self.has_provider(provider) {
            return Ok(DeleteOutcome::NoSuchProvider);
        }
        let removed = state.associations.get_mut(&provider).and_then(|own| own.remove(&external_user_id));
        let Some(before) = removed else { return Ok(DeleteOutcome::NotFound) };
        let subject = Subject::Association { provider, external_user_id, before: Some(before), after: None };
        state.record(origin, Operation::Delete, subject);
        Ok(DeleteOutcome::Deleted)
    }

    async fn find_associations(
        &self,
        provider: ServiceProviderId,
        ids: &[ExternalUserId],
    ) -> Result<Vec<Association>, StoreError> {
        let state = self.read();
        let Some(own) = state.associations.get(&provider) else { return Ok(Vec::new()) };
        Ok(ids
            .iter()
            .filter_map(|id| own.get(id).map(|amazon_id| Association::new(id.clone(), amazon_id.clone())))
            .collect())
    }

    async fn list_associations(
        &self,
        provider: ServiceProviderId,
        range: &AssociationRange,
    ) -> Result<AssociationPage, StoreError> {
        let state = self.read();
        let mut page = AssociationPage { associations: Vec::new(), more: false };
        let Some(own) = state.associations.get(&provider) else { return Ok(page) };
        let after = range.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut matching = own
            .range::<ExternalUserId, _>((after, Bound::Unbounded))
            .filter(|(id, _)| id.as_str().starts_with(&range.prefix))
            .map(|(id, amazon_id)| Association::new(id.clone(), amazon_id.clone()));
        page.associations.extend(matching.by_ref().take(range.limit));
        page.more = matching.next().is_some();
        Ok(page)
    }

    async fn count_associations(&self, provider: ServiceProviderId) -> Result<u64, StoreError> {
        Ok(self.read().associations.get(&provider).map_or(0, |own| own.len() as u64))
    }

    async fn change_registry(
        &self,
        command: RegistryCommand,
        origin: Origin,
    ) -> Result<RegistryOutcome, StoreError> {
        let mut state = self.write();
        let mut registry = Registry::clone(&self.registry.load());
        let (outcome, effects) = registry.apply(command, &*state);
        for effect in effects {
            state.record(origin.clone(), effect.operation, effect.subject);
        }
        self.registry.store(Arc::new(registry));
        Ok(outcome)
    }

    async fn create_profile(
        &self,
        profile: Profile,
        origin: Origin,
    ) -> Result<CreateProfileOutcome, StoreError> {
        let mut state = self.write();
        if !self.registry.load().organizations.contains_key(&profile.organization) {
            return Ok(CreateProfileOutcome::NoSuchOrganization);
        }
        if let Some(own) = state.profiles.values().find(|found| found.unit == profile.unit) {
            return Ok(CreateProfileOutcome::UnitHasProfile(own.clone()));
        }
        if state.profiles.contains_key(&profile.id) {
            return Ok(CreateProfileOutcome::IdTaken);
        }
        state.record(origin, Operation::Create, profile.subject(None, Some(&profile)));
        state.profiles.insert(profile.id.clone(), profile);
        Ok(CreateProfileOutcome::Created)
    }

    async fn rename_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        name: Option<String>,
        origin: Origin,
    ) -> Result<UpdateOutcome, StoreError> {
        let mut state = self.write();
        let Some(before) = state.own_profile(organization, id).cloned() else {
            return Ok(UpdateOutcome::NotFound);
        };
        let after = Profile { name, ..before.clone() };
        if after != before {
            state.record(origin, Operation::Update, after.subject(Some(&before), Some(&after)));
            state.profiles.insert(id.clone(), after);
        }
        Ok(UpdateOutcome::Updated)
    }

    async fn delete_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        origin: Origin,
    ) -> Result<DeleteOutcome, StoreError> {
        let mut state = self.write();
        let Some(before) = state.own_profile(organization, id).cloned() else {
            return Ok(DeleteOutcome::NotFound);
        };
        state.profiles.remove(id);
        state.record(origin, Operation::Delete, before.subject(Some(&before), None));
        Ok(DeleteOutcome::Deleted)
    }

    async fn find_profile(&self, id: &AmazonId) -> Result<Option<Profile>, StoreError> {
        Ok(self.read().profiles.get(id).cloned())
    }

    async fn list_profiles(
        &self,
        organization: &OrganizationId,
        after: Option<&AmazonId>,
        limit: usize,
    ) -> Result<Vec<Profile>, StoreError> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = self.read();
        let own = state.profiles.range::<AmazonId, _>((after, Bound::Unbounded)).map(|(_, profile)| profile);
        Ok(own.filter(|profile| profile.organization == *organization).take(limit).cloned().collect())
    }

    async fn list_changes(&self, filter: &ChangeFilter) -> Result<ChangePage, StoreError> {
        let state = self.read();
        let records = state.changes.range((Bound::Excluded(filter.after), Bound::Unbounded));
        ChangePage::collect(filter, records.map(|(_, change)| Ok(change.clone())))
    }

    async fn trim_changes(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut state = self.write();
        let mut trimmed = 0;
        while trimmed < limit {
            let Some(oldest) = state.changes.first_entry().filter(|oldest| oldest.get().time < before) else {
                break;
            };
            oldest.remove();
            trimmed += 1;
        }
        Ok(trimmed)
    }

    async fn reset(&self, content: Content, origin: Origin) -> Result<(), StoreError> {
        self.replace(content, &origin);
        Ok(())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        let state = self.read();
        Ok(StoreStats {
            associations: state.associations.values().map(|own| own.len() as u64).sum(),
            last_change: state.last_change,
            disk_bytes: None,
        })
    }

    async fn close(&self) {}
}
