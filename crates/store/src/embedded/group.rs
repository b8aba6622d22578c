//! A group of writes: each is decided in order against the store and the group's own changes so far, and all of
//! them become one commit.

mod commit;
mod profile;
mod resource;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use jackfield_model::wire::Association;
use jackfield_model::{ExternalUserId, OrganizationId, ServiceProviderId};

pub(super) use self::commit::{Commit, state_row};
use self::rows::Rows;
use super::change_row::ChangeRow;
use super::codec;
use super::counts::{Counts, ProviderCounts, ProviderNumber};
use super::layout::{self, Key, Space, Value};
use super::row_cache::{Lookup, RowCache};
use super::view::View;
use crate::change::{Change, Operation, Origin, Subject};
use crate::registry::{Dependents, RecordKey, Registry, RegistryCommand, RegistryOutcome};
use crate::{CreateOutcome, DeleteOutcome, StoreError, UpdateOutcome, WriteAssociation};

/// Writes that are decided but not stored. Each method either decides a write and takes down what it changes, or
/// fails and takes down nothing.
#[derive(Clone)]
pub(super) struct Group<'a> {
    view: &'a View,
    cache: &'a RowCache,
    /// The rows that the group changes, but for those of what follows.
    pending: Rows,
    /// The newest changes: their row, until it is full or the group ends.
    changes: ChangeRow,
    /// The counts, and the providers whose counts may be others than before, some of them more than once.
    counts: Counts,
    counted: Vec<ServiceProviderId>,
    registry: Arc<Registry>,
    first_change: u64,
    last_change: u64,
    last_provider: ProviderNumber,
    /// Whether one of the writes put other content in place of all there was.
    reset: bool,
}

/// What hangs on the objects of the registry.
struct GroupDependents<'c> {
    counts: &'c Counts,
    /// Of the organization that is to be deleted.
    has_resources: bool,
}

impl Dependents for GroupDependents<'_> {
    fn associations(&self, provider: ServiceProviderId) -> u64 {
        self.counts.associations(provider)
    }

    fn has_rows(&self, organization: &OrganizationId) -> bool {
        self.counts.profiles(organization) > 0 || self.has_resources
    }
}

impl<'a> Group<'a> {
    /// A group for so many writes after the newest view.
    pub(super) fn new(view: &'a View, cache: &'a RowCache, writes: usize) -> Self {
        let codec::State { first_change, last_change, last_provider, .. } = view.state;
        Self {
            view,
            cache,
            pending: Rows::for_associations(writes),
            changes: ChangeRow::with_room(writes),
            counted: Vec::new(),
            counts: view.counts.clone(),
            registry: Arc::clone(&view.registry),
            first_change,
            last_change,
            last_provider,
            reset: false,
        }
    }

    /// Whether one of the writes put other content in place of all there was.
    pub(super) const fn is_reset(&self) -> bool {
        self.reset
    }

    pub(super) const fn set_reset(&mut self) {
        self.reset = true;
    }

    pub(super) fn create(&mut self, write: WriteAssociation) -> Result<CreateOutcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner, origin } = write;
        let Some(counts) = self.counts.provider(provider) else { return Ok(CreateOutcome::NoSuchProvider) };
        if !self.has_profile(profile_owner.as_ref(), &association.amazon_id)? {
            return Ok(CreateOutcome::NoSuchProfile);
        }
        let Association { external_user_id, amazon_id, .. } = association;
        let key = layout::association(counts.number, &external_user_id);
        if self.association(counts.number, &external_user_id, &key, |_| Ok(()))?.is_some() {
            return Ok(CreateOutcome::Exists);
        }
        let organization = self.organization(provider)?;
        let target = self.target(organization, amazon_id.clone())?;
        let uses = self.uses(organization, [(&target, 1)])?;
        self.put(Space::Association, key, Some(codec::encode_target(&target)));
        self.set_uses(uses);
        self.set_provider_counts(
            provider,
            Some(ProviderCounts { associations: counts.associations + 1, ..counts }),
        );
        let subject =
            Subject::Association { provider, external_user_id, before: None, after: Some(amazon_id) };
        self.record(origin, Operation::Create, subject);
        Ok(CreateOutcome::Created)
    }

    pub(super) fn update(&mut self, write: WriteAssociation) -> Result<UpdateOutcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner, origin } = write;
        let Some(counts) = self.counts.provider(provider) else { return Ok(UpdateOutcome::NoSuchProvider) };
        let Association { external_user_id, amazon_id, .. } = association;
        let key = layout::association(counts.number, &external_user_id);
        let before = self.association(counts.number, &external_user_id, &key, codec::decode_target)?;
        let Some(before) = before else { return Ok(UpdateOutcome::NotFound) };
        if !self.has_profile(profile_owner.as_ref(), &amazon_id)? {
            return Ok(UpdateOutcome::NoSuchProfile);
        }
        if before.amazon_id == amazon_id {
            return Ok(UpdateOutcome::Updated);
        }
        let organization = self.organization(provider)?;
        let target = self.target(organization, amazon_id.clone())?;
        let uses = self.uses(organization, [(&before, -1), (&target, 1)])?;
        self.put(Space::Association, key, Some(codec::encode_target(&target)));
        self.set_uses(uses);
        let (before, after) = (Some(before.amazon_id), Some(amazon_id));
        let subject = Subject::Association { provider, external_user_id, before, after };
        self.record(origin, Operation::Update, subject);
        Ok(UpdateOutcome::Updated)
    }

    pub(super) fn delete(
        &mut self,
        provider: ServiceProviderId,
        external_user_id: ExternalUserId,
        origin: Origin,
    ) -> Result<DeleteOutcome, StoreError> {
        let Some(counts) = self.counts.provider(provider) else { return Ok(DeleteOutcome::NoSuchProvider) };
        let key = layout::association(counts.number, &external_user_id);
        let before = self.association(counts.number, &external_user_id, &key, codec::decode_target)?;
        let Some(before) = before else { return Ok(DeleteOutcome::NotFound) };
        let organization = self.organization(provider)?;
        let uses = self.uses(organization, [(&before, -1)])?;
        self.put(Space::Association, key, None);
        self.set_uses(uses);
        self.set_provider_counts(
            provider,
            Some(ProviderCounts { associations: counts.associations.saturating_sub(1), ..counts }),
        );
        let before = Some(before.amazon_id);
        let subject = Subject::Association { provider, external_user_id, before, after: None };
        self.record(origin, Operation::Delete, subject);
        Ok(DeleteOutcome::Deleted)
    }

    pub(super) fn change_registry(
        &mut self,
        command: RegistryCommand,
        origin: &Origin,
    ) -> Result<RegistryOutcome, StoreError> {
        let mut registry = Registry::clone(&self.registry);
        let cascade = command.takes_associations_of();
        let dependents = match &command {
            RegistryCommand::DeleteOrganization(id) => {
                GroupDependents { counts: &self.counts, has_resources: self.has_resources(id)? }
            }
            _ => GroupDependents { counts: &self.counts, has_resources: false },
        };
        let (outcome, effects) = registry.apply(command, &dependents);
        let number = self.last_provider.checked_add(1);
        let number = number.ok_or_else(|| codec::corrupt("state", &"no provider number is left"))?;
        if let Some(provider) = cascade.filter(|_| outcome == RegistryOutcome::Done) {
            self.remove_associations(provider, origin)?;
        }
        for effect in effects {
            match (&effect.key, effect.operation) {
                (Some(RecordKey::ServiceProvider(id)), Operation::Create) => {
                    self.last_provider = number;
                    self.set_provider_counts(*id, Some(ProviderCounts { number, associations: 0 }));
                }
                (Some(RecordKey::ServiceProvider(id)), Operation::Delete) => {
                    self.set_provider_counts(*id, None);
                }
                _ => {}
            }
            let value = effect.record.map(|record| {
                let json = serde_json::to_vec(&record).expect("records have text keys and no failing values");
                json.into()
            });
            if let Some(key) = &effect.key {
                self.put(Space::Registry, layout::record(key), value);
            }
            if let Some(subject) = effect.subject {
                self.record(origin.clone(), effect.operation, subject);
            }
        }
        self.registry = Arc::new(registry);
        Ok(outcome)
    }

    /// Removes every association of a provider, each with its change record, in the order of their ids.
    fn remove_associations(
        &mut self,
        provider: ServiceProviderId,
        origin: &Origin,
    ) -> Result<(), StoreError> {
        let Some(ProviderCounts { number, .. }) = self.counts.provider(provider) else { return Ok(()) };
        let mut rows = BTreeMap::new();
        for row in self.view.association_rows(number) {
            let (key, value) = row?;
            rows.insert(key, codec::decode_target(&value)?);
        }
        let prefix = layout::association_prefix(number, "");
        for (key, value) in self.pending.of(Space::Association) {
            if key.starts_with(&prefix) {
                match value {
                    Some(value) => rows.insert(key.clone(), codec::decode_target(value)?),
                    None => rows.remove(key),
                };
            }
        }
        let organization = self.organization(provider)?;
        let uses = self.uses(organization, rows.values().map(|target| (target, -1)))?;
        let mut removed = Vec::with_capacity(rows.len());
        for (key, target) in rows {
            let external_user_id = codec::decode_external_user_id(&key[layout::PROVIDER_BYTES..])?;
            removed.push((key, external_user_id, target.amazon_id));
        }
        self.set_uses(uses);
        for (key, external_user_id, before) in removed {
            self.put(Space::Association, key, None);
            let subject =
                Subject::Association { provider, external_user_id, before: Some(before), after: None };
            self.record(origin.clone(), Operation::Delete, subject);
        }
        Ok(())
    }

    /// The organization of a provider that is counted.
    fn organization(&self, provider: ServiceProviderId) -> Result<&OrganizationId, StoreError> {
        let found = self.registry.providers.get(&provider).map(|provider| &provider.organization);
        found.ok_or_else(|| codec::corrupt("provider counts", &"of no provider"))
    }

    /// Forgets the oldest changes: those of the store first, then the group's own.
    pub(super) fn trim_changes(&mut self, through: u64, limit: usize) -> Result<usize, StoreError> {
        let before = self.first_change;
        let (mut first, mut forgotten) = (before, 0);
        for sequence in self.view.change_numbers(before, through).take(limit) {
            first = sequence? + 1;
            forgotten += 1;
        }
        let own = first.max(self.view.state.last_change + 1)..=self.last_change.min(through);
        for sequence in own.take(limit - forgotten) {
            first = sequence + 1;
            forgotten += 1;
        }
        if forgotten == 0 {
            return Ok(0);
        }
        // A row goes with its last change.
        let end = layout::change(first);
        let stored = self.view.keys_between(
            Space::Change,
            Bound::Included(layout::change(before)),
            Bound::Excluded(end.clone()),
        );
        let stored = stored.collect::<Result<Vec<Key>, _>>()?;
        let own = self.pending.of(Space::Change).keys().filter(|key| **key < end).cloned();
        for key in own.chain(stored).collect::<Vec<Key>>() {
            self.put(Space::Change, key, None);
        }
        if self.changes.last().is_some_and(|last| last < first) {
            self.changes = ChangeRow::default();
        }
        self.first_change = first;
        Ok(forgotten)
    }

    pub(super) const fn view(&self) -> &View {
        self.view
    }

    /// The keys that the group itself changes in a space, of those that begin with `prefix`.
    pub(super) fn pending_keys(&self, space: Space, prefix: &[u8]) -> Vec<(Space, Key)> {
        let keys = self.pending.of(space).keys().filter(|key| key.starts_with(prefix));
        keys.map(|key| (space, key.clone())).collect()
    }

    pub(super) fn set_counts(&mut self, counts: Counts) {
        self.counts = counts;
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(super) fn set_registry(&mut self, registry: Arc<Registry>) {
        self.registry = registry;
    }

    pub(super) const fn last_provider(&self) -> ProviderNumber {
        self.last_provider
    }

    pub(super) const fn next_provider(&mut self) -> ProviderNumber {
        self.last_provider += 1;
        self.last_provider
    }

    /// The numbers of the providers that are there.
    pub(super) fn provider_numbers(&self) -> impl Iterator<Item = ProviderNumber> + '_ {
        self.counts.provider_numbers()
    }

    /// What `read` makes of the value of an association, whose key is that of the provider and the id.
    fn association<T>(
        &self,
        provider: ProviderNumber,
        id: &ExternalUserId,
        key: &[u8],
        read: impl Fn(&[u8]) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if let Some(pending) = self.pending.get(Space::Association, key) {
            return pending.as_deref().map(read).transpose();
        }
        match self.cache.get(self.view.number, provider, id.as_str(), |value, _| read(value)) {
            Lookup::Found(found) => found.map(Some),
            Lookup::Absent => Ok(None),
            Lookup::NotCached => self.view.get(Space::Association, key)?.as_deref().map(read).transpose(),
        }
    }

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Value>, StoreError> {
        match self.pending.get(space, key) {
            Some(pending) => Ok(pending.clone()),
            None => self.view.get(space, key),
        }
    }

    pub(super) fn put(&mut self, space: Space, key: Key, value: Option<Value>) {
        self.pending.put(space, key, value);
    }

    pub(super) fn record(&mut self, origin: Origin, operation: Operation, subject: Subject) {
        self.last_change += 1;
        let Origin { actor, request_id, time } = origin;
        let change = Change { sequence: self.last_change, time, actor, request_id, operation, subject };
        if self.changes.is_full() {
            self.end_change_row();
        }
        self.changes.push(&change);
    }

    fn end_change_row(&mut self) {
        if let Some((key, row)) = self.changes.take() {
            self.put(Space::Change, key, Some(row));
        }
    }

    pub(super) fn set_provider_counts(
        &mut self,
        provider: ServiceProviderId,
        counts: Option<ProviderCounts>,
    ) {
        self.counts.set_provider(provider, counts);
        if self.counted.last() != Some(&provider) {
            self.counted.push(provider);
        }
    }
}
