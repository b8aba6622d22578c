//! `memory:`: everything in ordered maps under one lock. The reference model of the other adapters, and the
//! store of `--ephemeral`. Nothing survives the process.

mod content;
mod moving;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId, UnitId};

use crate::change::{Change, ChangeFilter, ChangePage, Operation, Origin, Subject};
use crate::registry::{Dependents, Profile, Registry, RegistryCommand, RegistryOutcome};
use crate::{
    AssociationPage, AssociationRange, Content, CreateOutcome, CreateProfileOutcome, DeleteOutcome,
    DeleteProfileOutcome, LoadOutcome, LoadStart, PutProfileOutcome, RootKey, Snapshot, Store, StoreError,
    StoreStats, UpdateOutcome, WriteAssociation,
};

/// The store of `memory:`.
#[derive(Debug)]
pub struct MemoryStore(Arc<Shared>);

/// What the store and those who fill it share.
#[derive(Debug)]
struct Shared {
    root_key: RootKey,
    /// The key that came with what the store was filled with.
    loaded_key: OnceLock<RootKey>,
    /// What [`Store::registry`] answers; replaced under the write lock of `state`.
    registry: ArcSwap<Registry>,
    state: RwLock<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    associations: BTreeMap<ServiceProviderId, BTreeMap<ExternalUserId, Target>>,
    profiles: BTreeMap<AmazonId, Profile>,
    /// Derived from `profiles`.
    units: BTreeMap<UnitId, AmazonId>,
    /// How many profiles an organization has. Derived from `profiles`.
    profile_counts: BTreeMap<OrganizationId, u64>,
    /// How many associations count at a profile of an organization.
    uses: BTreeMap<(OrganizationId, AmazonId), u64>,
    changes: BTreeMap<u64, Change>,
    last_change: u64,
}

/// What an association points at.
#[derive(Clone, Debug)]
struct Target {
    amazon_id: AmazonId,
    /// The organization at whose profile the association counts.
    counted_at: Option<OrganizationId>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self(Arc::new(Shared {
            root_key: RootKey::random(),
            loaded_key: OnceLock::new(),
            registry: ArcSwap::default(),
            state: RwLock::default(),
        }))
    }
}

impl Shared {
    // A panic while the lock is held cannot leave the maps half-changed in a way that matters more than going
    // on: each write is one insertion or removal followed by its change record.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The organization of a provider; nothing when the provider is not there.
    fn organization(&self, provider: ServiceProviderId) -> Option<OrganizationId> {
        self.registry.load().providers.get(&provider).map(|own| own.organization.clone())
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

    /// What an association of a provider of `organization` with this profile points at, counted.
    fn point(&mut self, organization: OrganizationId, amazon_id: AmazonId) -> Target {
        let counted_at = self.own_profile(&organization, &amazon_id).is_some().then_some(organization);
        if let Some(organization) = counted_at.clone() {
            *self.uses.entry((organization, amazon_id.clone())).or_default() += 1;
        }
        Target { amazon_id, counted_at }
    }

    /// Counts no more what an association pointed at.
    fn unpoint(&mut self, target: &Target) {
        let Some(organization) = target.counted_at.clone() else { return };
        let key = (organization, target.amazon_id.clone());
        if let Some(count) = self.uses.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.uses.remove(&key);
            }
        }
    }

    fn remove_associations(&mut self, provider: ServiceProviderId, origin: &Origin) {
        for (external_user_id, target) in self.associations.remove(&provider).unwrap_or_default() {
            self.unpoint(&target);
            let before = Some(target.amazon_id);
            let subject = Subject::Association { provider, external_user_id, before, after: None };
            self.record(origin.clone(), Operation::Delete, subject);
        }
    }

    fn insert_profile(&mut self, profile: Profile, origin: Origin) {
        self.record(origin, Operation::Create, profile.subject(None, Some(&profile)));
        self.add_profile(profile);
    }

    fn add_profile(&mut self, profile: Profile) {
        *self.profile_counts.entry(profile.organization.clone()).or_default() += 1;
        self.units.insert(profile.unit.clone(), profile.id.clone());
        self.profiles.insert(profile.id.clone(), profile);
    }

    fn clear_profiles(&mut self) {
        self.profiles.clear();
        self.units.clear();
        self.profile_counts.clear();
    }

    fn remove_profile(&mut self, profile: &Profile) {
        self.units.remove(&profile.unit);
        self.profiles.remove(&profile.id);
        if let Some(count) = self.profile_counts.get_mut(&profile.organization) {
            *count -= 1;
        }
    }

    fn count_profiles(&self, organization: &OrganizationId) -> u64 {
        self.profile_counts.get(organization).copied().unwrap_or_default()
    }

    fn rename_profile(&mut self, before: &Profile, name: Option<String>, origin: Origin) -> Profile {
        let after = Profile { name, ..before.clone() };
        if after != *before {
            self.record(origin, Operation::Update, after.subject(Some(before), Some(&after)));
            self.profiles.insert(after.id.clone(), after.clone());
        }
        after
    }

    fn profile_of_unit(&self, unit: &UnitId) -> Option<&Profile> {
        self.units.get(unit).and_then(|id| self.profiles.get(id))
    }

    fn put_profile(&mut self, new: Profile, registry: &Registry, origin: &Origin) -> PutProfileOutcome {
        let count = self.count_profiles(&new.organization);
        match self.profile_of_unit(&new.unit).cloned() {
            Some(own) if own.organization != new.organization => PutProfileOutcome::UnitTaken,
            Some(own) => {
                let name = new.name.or_else(|| own.name.clone());
                PutProfileOutcome::Stored(self.rename_profile(&own, name, origin.clone()))
            }
            None if self.profiles.contains_key(&new.id) => PutProfileOutcome::IdTaken,
            None => match registry.profile_quota_reached(&new.organization, count) {
                Some(most) => PutProfileOutcome::QuotaReached(most),
                None => {
                    self.insert_profile(new.clone(), origin.clone());
                    PutProfileOutcome::Stored(new)
                }
            },
        }
    }

    fn own_profile(&self, organization: &OrganizationId, id: &AmazonId) -> Option<&Profile> {
        self.profiles.get(id).filter(|found| found.organization == *organization)
    }
}

impl Dependents for State {
    fn associations(&self, provider: ServiceProviderId) -> u64 {
        self.associations.get(&provider).map_or(0, |own| own.len() as u64)
    }

    fn has_profiles(&self, organization: &OrganizationId) -> bool {
        self.count_profiles(organization) > 0
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn registry(&self) -> Arc<Registry> {
        self.0.registry.load_full()
    }

    fn root_key(&self) -> &RootKey {
        self.0.loaded_key.get().unwrap_or(&self.0.root_key)
    }

    async fn create_association(&self, write: WriteAssociation) -> Result<CreateOutcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner, origin } = write;
        let mut state = self.0.write();
        let Some(organization) = self.0.organization(provider) else {
            return Ok(CreateOutcome::NoSuchProvider);
        };
        if !state.has_profile(profile_owner.as_ref(), &association.amazon_id) {
            return Ok(CreateOutcome::NoSuchProfile);
        }
        let Association { external_user_id, amazon_id, .. } = association;
        if state.associations.get(&provider).is_some_and(|own| own.contains_key(&external_user_id)) {
            return Ok(CreateOutcome::Exists);
        }
        let target = state.point(organization, amazon_id.clone());
        state.associations.entry(provider).or_default().insert(external_user_id.clone(), target);
        let subject =
            Subject::Association { provider, external_user_id, before: None, after: Some(amazon_id) };
        state.record(origin, Operation::Create, subject);
        Ok(CreateOutcome::Created)
    }

    async fn update_association(&self, write: WriteAssociation) -> Result<UpdateOutcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner, origin } = write;
        let mut state = self.0.write();
        let Some(organization) = self.0.organization(provider) else {
            return Ok(UpdateOutcome::NoSuchProvider);
        };
        let known_profile = state.has_profile(profile_owner.as_ref(), &association.amazon_id);
        let Association { external_user_id, amazon_id, .. } = association;
        let found = state.associations.get(&provider).and_then(|own| own.get(&external_user_id)).cloned();
        let Some(target) = found else { return Ok(UpdateOutcome::NotFound) };
        if !known_profile {
            return Ok(UpdateOutcome::NoSuchProfile);
        }
        if target.amazon_id == amazon_id {
            return Ok(UpdateOutcome::Updated);
        }
        state.unpoint(&target);
        let new = state.point(organization, amazon_id.clone());
        state.associations.entry(provider).or_default().insert(external_user_id.clone(), new);
        let before = target.amazon_id;
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
        let mut state = self.0.write();
        if self.0.organization(provider).is_none() {
            return Ok(DeleteOutcome::NoSuchProvider);
        }
        let removed = state.associations.get_mut(&provider).and_then(|own| own.remove(&external_user_id));
        let Some(target) = removed else { return Ok(DeleteOutcome::NotFound) };
        state.unpoint(&target);
        let before = Some(target.amazon_id);
        let subject = Subject::Association { provider, external_user_id, before, after: None };
        state.record(origin, Operation::Delete, subject);
        Ok(DeleteOutcome::Deleted)
    }

    async fn find_associations(
        &self,
        provider: ServiceProviderId,
        ids: &[ExternalUserId],
    ) -> Result<Vec<Association>, StoreError> {
        let state = self.0.read();
        let Some(own) = state.associations.get(&provider) else { return Ok(Vec::new()) };
        Ok(ids
            .iter()
            .filter_map(|id| own.get(id).map(|target| Association::new(id.clone(), target.amazon_id.clone())))
            .collect())
    }

    async fn list_associations(
        &self,
        provider: ServiceProviderId,
        range: &AssociationRange,
    ) -> Result<AssociationPage, StoreError> {
        let state = self.0.read();
        let mut page = AssociationPage { associations: Vec::new(), more: false };
        let Some(own) = state.associations.get(&provider) else { return Ok(page) };
        let after = range.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let mut matching = own
            .range::<ExternalUserId, _>((after, Bound::Unbounded))
            .filter(|(id, _)| id.as_str().starts_with(&range.prefix))
            .map(|(id, target)| Association::new(id.clone(), target.amazon_id.clone()));
        page.associations.extend(matching.by_ref().take(range.limit));
        page.more = matching.next().is_some();
        Ok(page)
    }

    async fn count_associations(&self, provider: ServiceProviderId) -> Result<u64, StoreError> {
        Ok(self.0.read().associations.get(&provider).map_or(0, |own| own.len() as u64))
    }

    async fn change_registry(
        &self,
        command: RegistryCommand,
        origin: Origin,
    ) -> Result<RegistryOutcome, StoreError> {
        let mut state = self.0.write();
        let mut registry = Registry::clone(&self.0.registry.load());
        let cascade = command.takes_associations_of();
        let (outcome, effects) = registry.apply(command, &*state);
        if let Some(provider) = cascade.filter(|_| outcome == RegistryOutcome::Done) {
            state.remove_associations(provider, &origin);
        }
        for effect in effects {
            state.record(origin.clone(), effect.operation, effect.subject);
        }
        self.0.registry.store(Arc::new(registry));
        Ok(outcome)
    }

    async fn create_profile(
        &self,
        profile: Profile,
        origin: Origin,
    ) -> Result<CreateProfileOutcome, StoreError> {
        let mut state = self.0.write();
        let registry = self.0.registry.load();
        if !registry.organizations.contains_key(&profile.organization) {
            return Ok(CreateProfileOutcome::NoSuchOrganization);
        }
        if let Some(own) = state.profile_of_unit(&profile.unit) {
            return Ok(CreateProfileOutcome::UnitHasProfile(own.clone()));
        }
        if state.profiles.contains_key(&profile.id) {
            return Ok(CreateProfileOutcome::IdTaken);
        }
        let count = state.count_profiles(&profile.organization);
        if let Some(most) = registry.profile_quota_reached(&profile.organization, count) {
            return Ok(CreateProfileOutcome::QuotaReached(most));
        }
        state.insert_profile(profile, origin);
        Ok(CreateProfileOutcome::Created)
    }

    async fn rename_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        name: Option<String>,
        origin: Origin,
    ) -> Result<UpdateOutcome, StoreError> {
        let mut state = self.0.write();
        let Some(before) = state.own_profile(organization, id).cloned() else {
            return Ok(UpdateOutcome::NotFound);
        };
        state.rename_profile(&before, name, origin);
        Ok(UpdateOutcome::Updated)
    }

    async fn put_profiles(
        &self,
        profiles: Vec<Profile>,
        origin: Origin,
    ) -> Result<Vec<PutProfileOutcome>, StoreError> {
        let mut state = self.0.write();
        let registry = self.0.registry.load();
        let put = |new: Profile| match registry.organizations.contains_key(&new.organization) {
            false => PutProfileOutcome::NoSuchOrganization,
            true => state.put_profile(new, &registry, &origin),
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
        let Some(before) = state.own_profile(organization, id).cloned() else {
            return Ok(DeleteProfileOutcome::NotFound);
        };
        let strict =
            self.0.registry.load().organizations.get(organization).is_some_and(|own| own.strict_profiles);
        if strict && state.uses.contains_key(&(organization.clone(), id.clone())) {
            return Ok(DeleteProfileOutcome::InUse);
        }
        state.remove_profile(&before);
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
        let own = state.profiles.range::<AmazonId, _>((after, Bound::Unbounded)).map(|(_, profile)| profile);
        Ok(own.filter(|profile| profile.organization == *organization).take(limit).cloned().collect())
    }

    async fn list_changes(&self, filter: &ChangeFilter) -> Result<ChangePage, StoreError> {
        let state = self.0.read();
        let records = state.changes.range((Bound::Excluded(filter.after), Bound::Unbounded));
        ChangePage::collect(filter, records.map(|(_, change)| Ok(change.clone())))
    }

    async fn trim_changes(&self, through: u64, limit: usize) -> Result<usize, StoreError> {
        let mut state = self.0.write();
        let mut trimmed = 0;
        while trimmed < limit {
            let Some(oldest) = state.changes.first_entry().filter(|oldest| *oldest.key() <= through) else {
                break;
            };
            oldest.remove();
            trimmed += 1;
        }
        Ok(trimmed)
    }

    async fn reset(&self, content: Content, origin: Origin) -> Result<(), StoreError> {
        self.0.replace(content, &origin);
        Ok(())
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(self.0.moment())
    }

    async fn load(&self, start: LoadStart) -> Result<LoadOutcome, StoreError> {
        Ok(moving::begin(&self.0, start))
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        let state = self.0.read();
        Ok(StoreStats {
            associations: state.associations.values().map(|own| own.len() as u64).sum(),
            last_change: state.last_change,
            disk_bytes: None,
        })
    }

    async fn close(&self) {}
}
