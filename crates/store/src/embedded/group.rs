//! A group of writes: each is decided in order against the store and the group's own changes so far, and all of
//! them become one commit.

use std::collections::HashMap;
use std::sync::Arc;

use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId};

use super::codec::{self, State, Token};
use super::counts::{Counts, ProviderNumber, Tally};
use super::engine::Row;
use super::layout::{self, Key, Space};
use super::view::{View, json};
use crate::change::{Change, Operation, Origin, Subject, Timestamp};
use crate::registry::{Profile, RecordKey, Registry, RegistryCommand, RegistryOutcome};
use crate::{
    CreateOutcome, CreateProfileOutcome, DeleteOutcome, StoreError, UpdateOutcome, WriteAssociation,
};

/// Writes that are decided but not stored. Each method either decides a write and takes down what it changes, or
/// fails and takes down nothing.
pub(super) struct Group<'a> {
    view: &'a View,
    /// The rows that the group changes.
    pending: HashMap<(Space, Key), Option<Vec<u8>>>,
    counts: Counts,
    registry: Arc<Registry>,
    first_change: u64,
    last_change: u64,
    last_provider: ProviderNumber,
}

/// What a commit stores, and what readers see after it.
pub(super) struct Commit {
    pub(super) rows: HashMap<(Space, Key), Option<Vec<u8>>>,
    pub(super) counts: Counts,
    pub(super) registry: Arc<Registry>,
    pub(super) state: State,
}

impl Commit {
    /// The rows of the commit, that of its token first.
    pub(super) fn rows(
        rows: HashMap<(Space, Key), Option<Vec<u8>>>,
        state: State,
    ) -> impl Iterator<Item = Row> {
        let first = (Space::Meta, layout::STATE.to_vec(), Some(state.encode()));
        std::iter::once(first).chain(rows.into_iter().map(|((space, key), value)| (space, key, value)))
    }
}

impl<'a> Group<'a> {
    pub(super) fn new(view: &'a View) -> Self {
        let State { first_change, last_change, last_provider, .. } = view.state;
        Self {
            view,
            pending: HashMap::new(),
            counts: view.counts.clone(),
            registry: Arc::clone(&view.registry),
            first_change,
            last_change,
            last_provider,
        }
    }

    /// The commit that stores the group, or nothing when the group changes nothing.
    pub(super) fn into_commit(self, token: Token) -> Option<Commit> {
        let Self { pending: rows, counts, registry, first_change, last_change, last_provider, .. } = self;
        let state = State { token, first_change, last_change, last_provider };
        (!rows.is_empty()).then_some(Commit { rows, counts, registry, state })
    }

    pub(super) fn create(&mut self, write: WriteAssociation) -> Result<CreateOutcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner, origin } = write;
        let Some(tally) = self.counts.provider(provider) else { return Ok(CreateOutcome::NoSuchProvider) };
        if !self.has_profile(profile_owner.as_ref(), &association.amazon_id)? {
            return Ok(CreateOutcome::NoSuchProfile);
        }
        let Association { external_user_id, amazon_id, .. } = association;
        let key = layout::association(tally.number, &external_user_id);
        if self.get(Space::Association, &key)?.is_some() {
            return Ok(CreateOutcome::Exists);
        }
        self.put(Space::Association, key, Some(codec::encode_amazon_id(&amazon_id)));
        self.set_tally(provider, Some(Tally { associations: tally.associations + 1, ..tally }));
        let subject =
            Subject::Association { provider, external_user_id, before: None, after: Some(amazon_id) };
        self.record(origin, Operation::Create, subject);
        Ok(CreateOutcome::Created)
    }

    pub(super) fn update(&mut self, write: WriteAssociation) -> Result<UpdateOutcome, StoreError> {
        let WriteAssociation { provider, association, profile_owner, origin } = write;
        let Some(tally) = self.counts.provider(provider) else { return Ok(UpdateOutcome::NoSuchProvider) };
        let Association { external_user_id, amazon_id, .. } = association;
        let key = layout::association(tally.number, &external_user_id);
        let Some(before) = self.get(Space::Association, &key)? else { return Ok(UpdateOutcome::NotFound) };
        if !self.has_profile(profile_owner.as_ref(), &amazon_id)? {
            return Ok(UpdateOutcome::NoSuchProfile);
        }
        let before = codec::decode_amazon_id(&before)?;
        if before == amazon_id {
            return Ok(UpdateOutcome::Updated);
        }
        self.put(Space::Association, key, Some(codec::encode_amazon_id(&amazon_id)));
        let subject =
            Subject::Association { provider, external_user_id, before: Some(before), after: Some(amazon_id) };
        self.record(origin, Operation::Update, subject);
        Ok(UpdateOutcome::Updated)
    }

    pub(super) fn delete(
        &mut self,
        provider: ServiceProviderId,
        external_user_id: ExternalUserId,
        origin: Origin,
    ) -> Result<DeleteOutcome, StoreError> {
        let Some(tally) = self.counts.provider(provider) else { return Ok(DeleteOutcome::NoSuchProvider) };
        let key = layout::association(tally.number, &external_user_id);
        let Some(before) = self.get(Space::Association, &key)? else { return Ok(DeleteOutcome::NotFound) };
        let before = codec::decode_amazon_id(&before)?;
        self.put(Space::Association, key, None);
        self.set_tally(provider, Some(Tally { associations: tally.associations.saturating_sub(1), ..tally }));
        let subject = Subject::Association { provider, external_user_id, before: Some(before), after: None };
        self.record(origin, Operation::Delete, subject);
        Ok(DeleteOutcome::Deleted)
    }

    pub(super) fn change_registry(
        &mut self,
        command: RegistryCommand,
        origin: &Origin,
    ) -> Result<RegistryOutcome, StoreError> {
        let mut registry = Registry::clone(&self.registry);
        let (outcome, effects) = registry.apply(command, &self.counts);
        let number = self.last_provider.checked_add(1);
        let number = number.ok_or_else(|| codec::corrupt("state", &"no provider number is left"))?;
        for effect in effects {
            match (&effect.key, effect.operation) {
                (RecordKey::ServiceProvider(id), Operation::Create) => {
                    self.last_provider = number;
                    self.set_tally(*id, Some(Tally { number, associations: 0 }));
                }
                (RecordKey::ServiceProvider(id), Operation::Delete) => self.set_tally(*id, None),
                _ => {}
            }
            let value = effect.record.map(|record| {
                serde_json::to_vec(&record).expect("records have text keys and no failing values")
            });
            self.put(Space::Registry, layout::record(&effect.key), value);
            self.record(origin.clone(), effect.operation, effect.subject);
        }
        self.registry = Arc::new(registry);
        Ok(outcome)
    }

    pub(super) fn create_profile(
        &mut self,
        profile: &Profile,
        origin: Origin,
    ) -> Result<CreateProfileOutcome, StoreError> {
        if !self.registry.organizations.contains_key(&profile.organization) {
            return Ok(CreateProfileOutcome::NoSuchOrganization);
        }
        let unit = layout::profile_of_unit(&profile.unit);
        if let Some(own) = self.get(Space::Profile, &unit)? {
            let own = self.find_profile(&codec::decode_amazon_id(&own)?)?;
            let own = own.ok_or_else(|| codec::corrupt("profile", &"not there"))?;
            return Ok(CreateProfileOutcome::UnitHasProfile(own));
        }
        if self.find_profile(&profile.id)?.is_some() {
            return Ok(CreateProfileOutcome::IdTaken);
        }
        self.add_profile(profile);
        self.record(origin, Operation::Create, profile.subject(None, Some(profile)));
        Ok(CreateProfileOutcome::Created)
    }

    pub(super) fn rename_profile(
        &mut self,
        organization: &OrganizationId,
        id: &AmazonId,
        name: Option<String>,
        origin: Origin,
    ) -> Result<UpdateOutcome, StoreError> {
        let Some(before) = self.own_profile(organization, id)? else { return Ok(UpdateOutcome::NotFound) };
        let after = Profile { name, ..before.clone() };
        if after != before {
            self.put_profile(&after);
            self.record(origin, Operation::Update, after.subject(Some(&before), Some(&after)));
        }
        Ok(UpdateOutcome::Updated)
    }

    pub(super) fn delete_profile(
        &mut self,
        organization: &OrganizationId,
        id: &AmazonId,
        origin: Origin,
    ) -> Result<DeleteOutcome, StoreError> {
        let Some(before) = self.own_profile(organization, id)? else { return Ok(DeleteOutcome::NotFound) };
        self.put(Space::Profile, layout::profile(id), None);
        self.put(Space::Profile, layout::profile_of_unit(&before.unit), None);
        self.put(Space::Profile, layout::profile_of_organization(organization, id), None);
        self.set_profile_count(organization, self.counts.profiles(organization).saturating_sub(1));
        self.record(origin, Operation::Delete, before.subject(Some(&before), None));
        Ok(DeleteOutcome::Deleted)
    }

    /// Forgets the oldest changes: those of the store first, then the group's own.
    pub(super) fn trim_changes(&mut self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut old = Vec::new();
        let mut first = self.first_change;
        for change in self.view.changes(first) {
            let change = change?;
            if old.len() == limit || change.time >= before {
                break;
            }
            first = change.sequence + 1;
            old.push(change.sequence);
        }
        while first > self.view.state.last_change && first <= self.last_change && old.len() < limit {
            let Some(Some(bytes)) = self.pending.get(&(Space::Change, layout::change(first))) else { break };
            if codec::decode_change(first, bytes)?.time >= before {
                break;
            }
            old.push(first);
            first += 1;
        }
        for sequence in &old {
            self.put(Space::Change, layout::change(*sequence), None);
        }
        self.first_change = first;
        Ok(old.len())
    }

    pub(super) const fn view(&self) -> &View {
        self.view
    }

    /// The keys that the group itself changes in a space, of those that begin with `prefix`.
    pub(super) fn pending_keys(&self, space: Space, prefix: &[u8]) -> Vec<(Space, Key)> {
        self.pending.keys().filter(|(own, key)| *own == space && key.starts_with(prefix)).cloned().collect()
    }

    pub(super) fn set_counts(&mut self, counts: Counts) {
        self.counts = counts;
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

    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        // A hit costs a copy of the value; the key is copied to ask at all.
        match self.pending.get(&(space, key.to_vec())) {
            Some(pending) => Ok(pending.clone()),
            None => Ok(self.view.get(space, key)?.map(|value| value.to_vec())),
        }
    }

    pub(super) fn put(&mut self, space: Space, key: Key, value: Option<Vec<u8>>) {
        self.pending.insert((space, key), value);
    }

    pub(super) fn record(&mut self, origin: Origin, operation: Operation, subject: Subject) {
        self.last_change += 1;
        let Origin { actor, request_id, time } = origin;
        let change = Change { sequence: self.last_change, time, actor, request_id, operation, subject };
        self.put(Space::Change, layout::change(change.sequence), Some(codec::encode_change(&change)));
    }

    fn find_profile(&self, id: &AmazonId) -> Result<Option<Profile>, StoreError> {
        self.get(Space::Profile, &layout::profile(id))?.map(|value| json(&value, "profile")).transpose()
    }

    fn own_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
    ) -> Result<Option<Profile>, StoreError> {
        Ok(self.find_profile(id)?.filter(|found| found.organization == *organization))
    }

    fn has_profile(&self, owner: Option<&OrganizationId>, id: &AmazonId) -> Result<bool, StoreError> {
        match owner {
            None => Ok(true),
            Some(owner) => Ok(self.own_profile(owner, id)?.is_some()),
        }
    }

    pub(super) fn add_profile(&mut self, profile: &Profile) {
        let unit = layout::profile_of_unit(&profile.unit);
        self.put(Space::Profile, unit, Some(codec::encode_amazon_id(&profile.id)));
        let index = layout::profile_of_organization(&profile.organization, &profile.id);
        self.put(Space::Profile, index, Some(Vec::new()));
        self.put_profile(profile);
        self.set_profile_count(&profile.organization, self.counts.profiles(&profile.organization) + 1);
    }

    fn put_profile(&mut self, profile: &Profile) {
        let value = serde_json::to_vec(profile).expect("profiles have text keys and no failing values");
        self.put(Space::Profile, layout::profile(&profile.id), Some(value));
    }

    pub(super) fn set_tally(&mut self, provider: ServiceProviderId, tally: Option<Tally>) {
        self.counts.set_provider(provider, tally);
        self.put(Space::Meta, layout::provider(provider), tally.as_ref().map(codec::encode_tally));
    }

    fn set_profile_count(&mut self, organization: &OrganizationId, count: u64) {
        self.counts.set_profiles(organization, count);
        let value = (count > 0).then(|| codec::encode_count(count));
        self.put(Space::Meta, layout::profile_count(organization), value);
    }
}
