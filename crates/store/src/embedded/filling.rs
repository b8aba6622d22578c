//! The work of filling an empty store.
//!
//! Who fills is the only one who commits: the writer refuses everything else meanwhile, and readers keep the view of
//! the empty store. Associations and changes come in the order of their keys and become tables at once; what they
//! amount to, and how far the load is, follows in a commit. When that is missing after a crash, the same rows come
//! again and take the place of themselves. A load that goes on is checked row by row by who runs it, and what differs
//! is loaded again under a fresh provider number, so that nothing of the first attempt can show.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::Arc;

use jackfield_model::ServiceProviderId;
use serde::{Deserialize, Serialize};

use super::codec::{self, State, Target, corrupt, json};
use super::counts::{Counts, ProviderCounts};
use super::engine::{Engine, Row, store_error};
use super::group::state_row;
use super::layout::{self, Key, Space, Value};
use super::snapshot::EmbeddedSnapshot;
use super::token::Tokens;
use super::view::View;
use super::{change_row, resource};
use crate::change::Change;
use crate::contract::{Head, LoadStart, Part, Position, Row as MovedRow, Section, Totals};
use crate::registry::Profile;
use crate::resource::{RowKey, lengths, with_derived};
use crate::source::Source;
use crate::{RootKey, StoreError};

/// Rows that one commit removes.
const CLEAR_ROWS: usize = 10_000;
/// Counts that are stored in one commit.
const COUNT_ROWS: usize = 10_000;
/// Profiles whose counts are kept in memory before they are stored.
const USES_MAX: usize = 50_000;
/// Fewer rows are part of the commit: a table of their own would cost more.
const TABLE_ROWS: usize = 1_000;

/// The row that says that the store is being filled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LoadCheckpoint {
    pub(super) source: Source,
    position: Position,
    /// Whether there is an association that is counted at its profile.
    counted: bool,
}

impl LoadCheckpoint {
    pub(super) fn read(view: &View) -> Result<Option<Self>, StoreError> {
        view.get(Space::Meta, layout::LOADING)?.map(|checkpoint| json(&checkpoint, "loading")).transpose()
    }
}

/// What the writer says to a load.
pub(super) enum Begun {
    Filling(Box<Filling>),
    NotEmpty,
    Another(Source),
}

/// A store that is being filled.
pub(super) struct Filling {
    engine: Engine,
    start: LoadStart,
    checkpoint: LoadCheckpoint,
    counts: Counts,
    state: State,
    tokens: Tokens,
}

type TableRows = Vec<(Key, Value)>;

impl Filling {
    /// Puts the checkpoint into the store, and numbers for the providers.
    pub(super) fn begin(
        view: &View,
        start: LoadStart,
        checkpoint: Option<LoadCheckpoint>,
    ) -> Result<Self, StoreError> {
        let begun =
            LoadCheckpoint { source: start.source.clone(), position: Position::Start, counted: false };
        let mut filling = Self {
            engine: view.engine().clone(),
            checkpoint: checkpoint.unwrap_or(begun),
            counts: view.counts.clone(),
            state: view.state,
            tokens: Tokens::new(),
            start,
        };
        let mut new: Vec<ServiceProviderId> = filling.start.registry.providers.keys().copied().collect();
        new.retain(|id| filling.counts.provider(*id).is_none());
        // The order of the numbers is that of the ids: rows come in the order of their keys.
        new.sort_unstable();
        let rows = new.into_iter().map(|id| filling.number(id)).collect::<Result<Vec<Row>, _>>()?;
        filling.commit(rows)?;
        Ok(filling)
    }

    /// The last row that is stored.
    pub(super) const fn position(&self) -> &Position {
        &self.checkpoint.position
    }

    /// The key that comes with what the store is filled with.
    pub(super) const fn root_key(&self) -> &RootKey {
        &self.start.root_key
    }

    /// A fresh number for a provider, under which it has no associations.
    fn number(&mut self, provider: ServiceProviderId) -> Result<Row, StoreError> {
        let number = self.state.last_provider.checked_add(1);
        let number = number.ok_or_else(|| corrupt("state", &"no provider number is left"))?;
        self.state.last_provider = number;
        Ok(self.counts_row(provider, ProviderCounts { number, associations: 0 }))
    }

    fn counts_row(&mut self, provider: ServiceProviderId, counts: ProviderCounts) -> Row {
        self.counts.set_provider(provider, Some(counts));
        (Space::Meta, layout::provider(provider), Some(codec::encode_provider_counts(&counts)))
    }

    fn commit(&mut self, rows: impl IntoIterator<Item = Row>) -> Result<(), StoreError> {
        let checkpoint =
            serde_json::to_vec(&self.checkpoint).expect("a checkpoint has text keys and no failing values");
        let checkpoint = (Space::Meta, layout::LOADING.into(), Some(checkpoint.into()));
        self.commit_with(checkpoint, rows)
    }

    fn commit_with(
        &mut self,
        checkpoint: Row,
        rows: impl IntoIterator<Item = Row>,
    ) -> Result<(), StoreError> {
        self.state.token = self.tokens.next();
        let all = [state_row(&self.state), checkpoint].into_iter().chain(rows);
        self.engine.commit(all).map_err(|error| store_error(&error))
    }

    fn view(&self) -> Result<View, StoreError> {
        let loaded = View::load(self.engine.clone(), 0)?;
        loaded.map(|(view, _)| view).ok_or_else(|| corrupt("state", &"missing"))
    }

    pub(super) fn add(&mut self, part: Part) -> Result<Position, StoreError> {
        let end = part.end().unwrap_or(Position::Start);
        // What was cleared comes again by way of the journal: it may have been there before.
        let again = end <= self.checkpoint.position;
        let before = (self.checkpoint.clone(), self.counts.clone());
        let (space, table, rows) = match part {
            Part::Profiles(profiles) => (Space::Profile, Vec::new(), self.profile_rows(&profiles)),
            Part::Resources(rows) => (Space::Profile, Vec::new(), resource_rows(with_derived(rows)?)),
            Part::Associations(groups) => {
                let (table, rows) = self.association_rows(groups)?;
                (Space::Association, table, rows)
            }
            Part::Changes(changes) => (Space::Change, change_rows(&changes), Vec::new()),
        };
        if !again {
            self.checkpoint.position = end;
        }
        let stored = if again || table.len() < TABLE_ROWS {
            let table = table.into_iter().map(|(key, value)| (space, key, Some(value)));
            self.commit(table.chain(rows))
        } else {
            let ingested = self.engine.ingest(space, table).map_err(|error| store_error(&error));
            ingested.and_then(|()| self.commit(rows))
        };
        if stored.is_err() {
            (self.checkpoint, self.counts) = before;
        }
        stored.map(|()| self.checkpoint.position.clone())
    }

    fn profile_rows(&mut self, profiles: &[Profile]) -> Vec<Row> {
        let mut rows = Vec::with_capacity(3 * profiles.len());
        let mut organizations = HashMap::new();
        for profile in profiles {
            let value = serde_json::to_vec(profile).expect("profiles have text keys and no failing values");
            let id = codec::encode_amazon_id(&profile.id);
            let index = layout::profile_of_organization(&profile.organization, &profile.id);
            rows.push((Space::Profile, layout::profile(&profile.id), Some(value.into())));
            rows.push((Space::Profile, layout::profile_of_unit(&profile.unit), Some(id)));
            rows.push((Space::Profile, index, Some([].into())));
            *organizations.entry(&profile.organization).or_insert(0) += 1;
        }
        for (organization, more) in organizations {
            let count = self.counts.profiles(organization) + more;
            self.counts.set_profiles(organization, count);
            let key = layout::profile_count(organization);
            rows.push((Space::Meta, key, Some(codec::encode_count(count))));
        }
        rows
    }

    fn association_rows(
        &mut self,
        groups: Vec<(ServiceProviderId, Vec<MovedRow>)>,
    ) -> Result<(TableRows, Vec<Row>), StoreError> {
        let mut table = Vec::with_capacity(groups.iter().map(|(_, rows)| rows.len()).sum());
        let mut count_rows = Vec::with_capacity(groups.len());
        for (provider, rows) in groups {
            let counts = self.counts.provider(provider);
            let counts = counts.ok_or_else(|| corrupt("association", &"of a provider that is not there"))?;
            let associations = counts.associations + rows.len() as u64;
            for MovedRow { external_user_id, amazon_id, counted } in rows {
                self.checkpoint.counted |= counted;
                let key = layout::association(counts.number, &external_user_id);
                table.push((key, codec::encode_target(&Target { amazon_id, counted })));
            }
            count_rows.push(self.counts_row(provider, ProviderCounts { associations, ..counts }));
        }
        // Of providers that came later than others the numbers are not in the order of the ids.
        if !table.is_sorted_by(|(one, _), (other, _)| one < other) {
            table.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        Ok((table, count_rows))
    }

    pub(super) fn clear(&mut self, section: Section) -> Result<(), StoreError> {
        match section {
            Section::Provider(provider) => {
                let number = self.number(provider)?;
                self.commit([number])
            }
            Section::Changes => self.clear_rows(Space::Change, &[]),
            Section::Resources => self.clear_rows(Space::Profile, layout::RESOURCE),
            Section::Profiles => {
                for prefix in [layout::PROFILE, layout::UNIT, layout::PROFILE_INDEX, layout::PROFILE_USES] {
                    self.clear_rows(Space::Profile, prefix)?;
                }
                self.clear_rows(Space::Meta, &[layout::PROFILE_COUNT])?;
                self.counts = self.view()?.counts;
                Ok(())
            }
        }
    }

    fn clear_rows(&mut self, space: Space, prefix: &[u8]) -> Result<(), StoreError> {
        let view = self.view()?;
        let mut keys = view.keys(space, prefix);
        loop {
            let some = keys.by_ref().take(CLEAR_ROWS).collect::<Result<Vec<Key>, _>>()?;
            if some.is_empty() {
                return Ok(());
            }
            self.commit(some.into_iter().map(|key| (space, key, None)))?;
        }
    }

    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        self.count_uses()?;
        self.count_resources()?;
        let view = self.view()?;
        let mut rows: Vec<Row> = Vec::new();
        for record in self.start.registry.records() {
            let value = serde_json::to_vec(&record).expect("records have text keys and no failing values");
            rows.push((Space::Registry, layout::record(&record.key()), Some(value.into())));
        }
        // Providers that went while the load was interrupted; without them nobody sees their associations.
        for key in view.keys(Space::Meta, &[layout::PROVIDER]) {
            let key = key?;
            let id = uuid::Uuid::from_slice(&key[1..]).map_err(|error| corrupt("provider counts", &error))?;
            if !self.start.registry.providers.contains_key(&ServiceProviderId::from_uuid(id)) {
                rows.push((Space::Meta, key, None));
            }
        }
        rows.push((Space::Meta, layout::ROOT_KEY.into(), Some(self.start.root_key.as_bytes().into())));
        // A fill writes a row for each change.
        let first =
            view.keys_between(Space::Change, Bound::Unbounded, Bound::Unbounded).next().transpose()?;
        let first = first.map(|key| change_row::decode_sequence(&key)).transpose()?;
        self.state.last_change = self.start.last_change;
        self.state.first_change = first.unwrap_or(self.start.last_change.saturating_add(1));
        self.commit_with((Space::Meta, layout::LOADING.into(), None), rows)
    }

    /// Counts at each profile the associations that say so.
    fn count_uses(&mut self) -> Result<(), StoreError> {
        self.clear_rows(Space::Profile, layout::PROFILE_USES)?;
        if !self.checkpoint.counted {
            return Ok(());
        }
        let view = self.view()?;
        let registry = Arc::clone(&self.start.registry);
        let mut uses: HashMap<Key, u64> = HashMap::new();
        for provider in registry.providers.values() {
            let Some(counts) = self.counts.provider(provider.id) else { continue };
            for row in view.association_rows(counts.number) {
                let target = codec::decode_target(&row?.1)?;
                if target.counted {
                    let key = layout::profile_uses(&provider.organization, &target.amazon_id);
                    *uses.entry(key).or_default() += 1;
                }
                if uses.len() >= USES_MAX {
                    self.store_uses(std::mem::take(&mut uses))?;
                }
            }
        }
        self.store_uses(uses)
    }

    fn store_uses(&mut self, uses: HashMap<Key, u64>) -> Result<(), StoreError> {
        let view = self.view()?;
        let mut rows = Vec::with_capacity(uses.len());
        for (key, more) in uses {
            let before = view.get(Space::Profile, &key)?;
            let before = before.map_or(Ok(0), |count| codec::decode_count(&count))?;
            rows.push((Space::Profile, key, Some(codec::encode_count(before + more))));
        }
        self.commit(rows)
    }

    /// Stores how long the lists of resources are whose rows are counted.
    fn count_resources(&mut self) -> Result<(), StoreError> {
        let view = self.view()?;
        let mut failed = None;
        let keys = view.keys(Space::Profile, layout::RESOURCE).map_while(|key| {
            let key = key.and_then(|key| resource::key(&key));
            key.map_err(|error| failed = Some(error)).ok()
        });
        let mut lengths = lengths(keys).peekable();
        while lengths.peek().is_some() {
            self.commit(resource_rows(lengths.by_ref().take(COUNT_ROWS).collect()))?;
        }
        drop(lengths);
        failed.map_or(Ok(()), Err)
    }

    pub(super) fn abandon(&mut self) -> Result<(), StoreError> {
        self.clear(Section::Changes)?;
        self.clear(Section::Resources)?;
        self.clear(Section::Profiles)?;
        let view = self.view()?;
        let counted = view.keys(Space::Meta, &[layout::PROVIDER]);
        let rows =
            counted.map(|key| Ok((Space::Meta, key?, None))).collect::<Result<Vec<Row>, StoreError>>()?;
        self.commit_with((Space::Meta, layout::LOADING.into(), None), rows)
    }

    pub(super) fn snapshot(&self) -> Result<EmbeddedSnapshot, StoreError> {
        let view = self.view()?;
        let totals =
            Totals { associations: view.counts.all_associations(), last_change: self.start.last_change };
        let LoadStart { root_key, registry, .. } = &self.start;
        let head = Head { root_key: root_key.clone(), registry: Arc::clone(registry), totals };
        Ok(EmbeddedSnapshot::of(view, head))
    }
}

fn resource_rows(rows: Vec<(RowKey, String)>) -> Vec<Row> {
    let stored = |(key, text): (RowKey, String)| (Space::Profile, layout::resource(&key), Some(text.into()));
    rows.into_iter().map(stored).collect()
}

/// A row for each: when the load goes on after a crash, a row takes the place of itself only.
fn change_rows(changes: &[Change]) -> TableRows {
    changes.iter().map(change_row::of_one).collect()
}
