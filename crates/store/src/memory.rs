//! `memory:`: everything in ordered maps under one lock. The reference model of the other adapters, and the
//! store of `--ephemeral`. Nothing survives the process.

mod association;
mod content;
mod profile;
mod resource;
mod transfer;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId, UnitId};

use crate::change::{Backlog, Change, ChangeFilter, ChangePage, ChangeSpan, Operation, Origin, Subject};
use crate::contract::{
    ChangeStore, LoadOutcome, LoadStart, RegistryStore, Snapshot, Store, StoreStats, Totals,
};
use crate::registry::{Dependents, Profile, Registry, RegistryCommand, RegistryOutcome};
use crate::{Content, RootKey, StoreError};

/// The store of `memory:`.
#[derive(Debug)]
pub struct MemoryStore(Arc<Shared>);

/// What the store and those who fill it share.
#[derive(Debug)]
struct Shared {
    root_key: RootKey,
    /// The key that came with what the store was filled with.
    loaded_key: OnceLock<RootKey>,
    /// What [`RegistryStore::registry`] answers; replaced under the write lock of `state`.
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
    resources: resource::Rows,
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
        self.registry.load().providers.get(&provider).map(|provider| provider.organization.clone())
    }
}

impl State {
    fn record(&mut self, origin: Origin, operation: Operation, subject: Subject) {
        self.last_change += 1;
        let Origin { actor, request_id, time } = origin;
        let change = Change { sequence: self.last_change, time, actor, request_id, operation, subject };
        self.changes.insert(self.last_change, change);
    }

    fn totals(&self) -> Totals {
        let associations = self.associations.values().map(|held| held.len() as u64).sum();
        Totals { associations, last_change: self.last_change }
    }
}

impl Dependents for State {
    fn associations(&self, provider: ServiceProviderId) -> u64 {
        self.associations.get(&provider).map_or(0, |held| held.len() as u64)
    }

    fn has_rows(&self, organization: &OrganizationId) -> bool {
        self.count_profiles(organization) > 0 || self.has_resources(organization)
    }
}

#[async_trait]
impl RegistryStore for MemoryStore {
    fn registry(&self) -> Arc<Registry> {
        self.0.registry.load_full()
    }

    fn root_key(&self) -> &RootKey {
        self.0.loaded_key.get().unwrap_or(&self.0.root_key)
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
            if let Some(subject) = effect.subject {
                state.record(origin.clone(), effect.operation, subject);
            }
        }
        self.0.registry.store(Arc::new(registry));
        Ok(outcome)
    }
}

#[async_trait]
impl ChangeStore for MemoryStore {
    async fn list_changes(&self, filter: &ChangeFilter) -> Result<ChangePage, StoreError> {
        let state = self.0.read();
        let records = state.changes.range((Bound::Excluded(filter.after), Bound::Unbounded));
        ChangePage::collect(filter, records.map(|(_, change)| Ok(change.clone())))
    }

    async fn change_span(&self) -> Result<ChangeSpan, StoreError> {
        let state = self.0.read();
        let forgotten = state.changes.keys().next().map_or(state.last_change, |first| first - 1);
        Ok(ChangeSpan { forgotten, newest: state.last_change })
    }

    async fn backlog(&self, after: u64) -> Result<Backlog, StoreError> {
        let state = self.0.read();
        let mut left = state.changes.range((Bound::Excluded(after), Bound::Unbounded));
        let oldest = left.next().map(|(_, change)| change.time);
        let rest = left.take(Backlog::COUNTED_MAX - 1).count() as u64;
        let changes = u64::from(oldest.is_some()) + rest;
        Ok(Backlog { changes, oldest, complete: state.last_change })
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
}

#[async_trait]
impl Store for MemoryStore {
    fn kind(&self) -> &'static str {
        "memory"
    }

    async fn reset(&self, content: Content, origin: Origin) -> Result<(), StoreError> {
        self.0.replace(content, &origin);
        Ok(())
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(self.0.moment())
    }

    async fn load(&self, start: LoadStart) -> Result<LoadOutcome, StoreError> {
        Ok(transfer::begin(&self.0, start))
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        let Totals { associations, last_change } = self.0.read().totals();
        Ok(StoreStats { associations, last_change, disk_bytes: None, cache: None })
    }

    async fn close(&self) {}
}
