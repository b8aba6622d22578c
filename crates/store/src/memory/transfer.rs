//! The memory store moves: a copy of the maps to read from, and a second set of them to fill.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId};

use super::{Shared, State, Target};
use crate::change::Change;
use crate::contract::{Head, Load, LoadOutcome, LoadStart, Part, Position, Row, Section, Snapshot};
use crate::registry::{Profile, Registry};
use crate::resource::{Referred, RowKey, lengths, with_derived};
use crate::{RootKey, StoreError};

/// The maps as of one moment.
#[derive(Debug)]
struct MemorySnapshot {
    head: Head,
    state: State,
}

impl MemorySnapshot {
    fn new(root_key: RootKey, registry: Arc<Registry>, state: &State) -> Self {
        Self { head: Head { root_key, registry, totals: state.totals() }, state: state.clone() }
    }
}

/// Maps that are being filled. Nobody sees them before they are whole.
#[derive(Debug)]
struct Filling {
    shared: Arc<Shared>,
    start: LoadStart,
    state: State,
    position: Position,
}

impl Shared {
    pub(super) fn moment(&self) -> Box<dyn Snapshot> {
        let state = self.read();
        let root_key = self.loaded_key.get().unwrap_or(&self.root_key).clone();
        Box::new(MemorySnapshot::new(root_key, self.registry.load_full(), &state))
    }
}

pub(super) fn begin(shared: &Arc<Shared>, start: LoadStart) -> LoadOutcome {
    if shared.read().last_change > 0 || shared.loaded_key.get().is_some() {
        return LoadOutcome::NotEmpty;
    }
    let state = State { last_change: start.last_change, ..State::default() };
    let shared = Arc::clone(shared);
    LoadOutcome::Ready(Box::new(Filling { shared, start, state, position: Position::Start }))
}

#[async_trait]
impl Snapshot for MemorySnapshot {
    fn head(&self) -> &Head {
        &self.head
    }

    async fn count(&mut self, provider: ServiceProviderId) -> Result<u64, StoreError> {
        Ok(self.state.associations.get(&provider).map_or(0, |held| held.len() as u64))
    }

    async fn profiles(&mut self, after: Option<&AmazonId>, limit: usize) -> Result<Vec<Profile>, StoreError> {
        Ok(page(&self.state.profiles, after, limit, |_, profile| profile.clone()))
    }

    async fn resources(
        &mut self,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, String)>, StoreError> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.state.resources.range((start, Bound::Unbounded));
        let own = rows.filter(|(key, _)| !key.list.table.is_derived());
        Ok(own.take(limit).map(|(key, text)| (key.clone(), text.clone())).collect())
    }

    async fn are_there(&mut self, targets: &[Referred]) -> Result<Vec<bool>, StoreError> {
        let is_there = |target: &Referred| match target {
            Referred::Row(key) => self.state.resources.contains_key(key),
            Referred::Profile(owner, id) => {
                self.state.profiles.get(id).is_some_and(|profile| profile.organization == *owner)
            }
        };
        Ok(targets.iter().map(is_there).collect())
    }

    async fn associations(
        &mut self,
        provider: ServiceProviderId,
        after: Option<&ExternalUserId>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(held) = self.state.associations.get(&provider) else { return Ok(Vec::new()) };
        Ok(page(held, after, limit, |id, target| Row {
            external_user_id: id.clone(),
            amazon_id: target.amazon_id.clone(),
            counted: target.counted_at.is_some(),
        }))
    }

    async fn changes(&mut self, after: u64, limit: usize) -> Result<Vec<Change>, StoreError> {
        Ok(page(&self.state.changes, Some(&after), limit, |_, change| change.clone()))
    }
}

fn page<K: Ord, V, T>(
    rows: &BTreeMap<K, V>,
    after: Option<&K>,
    limit: usize,
    row: impl Fn(&K, &V) -> T,
) -> Vec<T> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    rows.range((start, Bound::Unbounded)).take(limit).map(|(key, value)| row(key, value)).collect()
}

#[async_trait]
impl Load for Filling {
    fn position(&self) -> &Position {
        &self.position
    }

    async fn add(&mut self, part: Part) -> Result<(), StoreError> {
        let position = self.position.clone().max(part.end().unwrap_or(Position::Start));
        match part {
            Part::Profiles(profiles) => {
                for profile in profiles {
                    self.state.add_profile(profile);
                }
            }
            Part::Resources(rows) => self.state.resources.extend(with_derived(rows)?),
            Part::Associations(groups) => {
                for (provider, rows) in groups {
                    self.add_associations(provider, rows)?;
                }
            }
            Part::Changes(changes) => {
                self.state.changes.extend(changes.into_iter().map(|change| (change.sequence, change)));
            }
        }
        self.position = position;
        Ok(())
    }

    async fn clear(&mut self, section: Section) -> Result<(), StoreError> {
        match section {
            Section::Profiles => {
                self.state.clear_profiles();
            }
            Section::Resources => self.state.resources.clear(),
            Section::Provider(provider) => {
                for target in self.state.associations.remove(&provider).unwrap_or_default().into_values() {
                    self.state.unpoint(&target);
                }
            }
            Section::Changes => self.state.changes.clear(),
        }
        Ok(())
    }

    async fn snapshot(&mut self) -> Result<Box<dyn Snapshot>, StoreError> {
        let LoadStart { root_key, registry, .. } = &self.start;
        Ok(Box::new(MemorySnapshot::new(root_key.clone(), Arc::clone(registry), &self.state)))
    }

    async fn finish(self: Box<Self>) -> Result<(), StoreError> {
        let Self { shared, start, state: mut filled, .. } = *self;
        let lengths: Vec<(RowKey, String)> = lengths(filled.resources.keys().cloned()).collect();
        filled.resources.extend(lengths);
        let mut state = shared.write();
        if state.last_change > 0 || shared.loaded_key.set(start.root_key).is_err() {
            let cause = "the store was written to while it was filled".to_owned();
            return Err(StoreError::Unavailable { cause });
        }
        *state = filled;
        shared.registry.store(start.registry);
        Ok(())
    }

    async fn abandon(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Filling {
    fn add_associations(&mut self, provider: ServiceProviderId, rows: Vec<Row>) -> Result<(), StoreError> {
        let owner =
            self.start.registry.providers.get(&provider).map(|provider| provider.organization.clone());
        let owner = owner.ok_or_else(|| StoreError::Corrupt {
            cause: "an association of a provider that is not there".to_owned(),
        })?;
        let held = self.state.associations.entry(provider).or_default();
        for Row { external_user_id, amazon_id, counted } in rows {
            let counted_at = counted.then(|| owner.clone());
            if counted {
                *self.state.uses.entry((owner.clone(), amazon_id.clone())).or_default() += 1;
            }
            held.insert(external_user_id, Target { amazon_id, counted_at });
        }
        Ok(())
    }
}
