//! What readers see: the store as of one commit.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use fjall::{Readable, Slice, Snapshot};
use jackfield_model::{OrganizationId, ServiceProviderId};

use super::change_row;
use super::codec::{self, State, corrupt, json};
use super::counts::{Counts, ProviderNumber};
use super::engine::{Engine, store_error};
use super::layout::{self, Key, Space};
use super::recent::Recent;
use super::row_cache::ViewNumber;
use crate::change::{Backlog, Change};
use crate::contract::Totals;
use crate::error::StoreError;
use crate::registry::{Record, Registry};

/// The rows, counts and registry as of one commit. A later commit does not change it.
pub(super) struct View {
    // Before the engine, so that it is dropped first.
    snapshot: Snapshot,
    engine: Engine,
    pub(super) counts: Counts,
    pub(super) registry: Arc<Registry>,
    pub(super) state: State,
    pub(super) number: ViewNumber,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("state", &self.state).finish_non_exhaustive()
    }
}

type RowResult = Result<(Slice, Slice), StoreError>;

impl View {
    /// Reads what is held in memory, and what the newest commits left in the rows of their changes. Answers nothing when
    /// nothing was ever stored.
    pub(super) fn load(engine: Engine, number: ViewNumber) -> Result<Option<(Self, Recent)>, StoreError> {
        let snapshot = engine.snapshot();
        let mut view = Self {
            snapshot,
            engine,
            counts: Counts::default(),
            registry: Arc::default(),
            state: State { token: [0; 16], first_change: 1, last_change: 0, last_provider: 0 },
            number,
        };
        let Some(state) = view.get(Space::Meta, layout::STATE)? else { return Ok(None) };
        view.state = State::decode(&state)?;
        let mut counts = Counts::default();
        for row in view.rows(Space::Meta, &[layout::PROVIDER], None) {
            let (key, value) = row?;
            let uuid =
                uuid::Uuid::from_slice(&key[1..]).map_err(|error| corrupt("provider counts", &error))?;
            counts.set_provider(
                ServiceProviderId::from_uuid(uuid),
                Some(codec::decode_provider_counts(&value)?),
            );
        }
        for row in view.rows(Space::Meta, &[layout::PROFILE_COUNT], None) {
            let (key, value) = row?;
            let suffix = String::from_utf8_lossy(&key[1..]);
            let id = OrganizationId::new(&[OrganizationId::PREFIX, &suffix].concat())
                .map_err(|error| corrupt("count", &error))?;
            counts.set_profiles(&id, codec::decode_count(&value)?);
        }
        let mut records: Vec<Record> = Vec::new();
        for row in view.rows(Space::Registry, &[], None) {
            records.push(json(&row?.1, "registry")?);
        }
        // While a store is filled, each commit writes the state, and the rows of changes behind it may be millions.
        let filled = view.get(Space::Meta, layout::LOADING)?.is_none();
        let recent = if filled { view.add_recent(&mut counts)? } else { Recent::default() };
        view.counts = counts;
        view.registry = Arc::new(Registry::from_records(records));
        Ok(Some((view, recent)))
    }

    /// Adds what stands in the rows of changes only, of the commits since the last one that wrote the state.
    fn add_recent(&mut self, counts: &mut Counts) -> Result<Recent, StoreError> {
        let (mut state, mut recent) = (self.state, Recent::default());
        let newer = Bound::Excluded(layout::change(state.last_change));
        for row in self.range(Space::Change, newer, Bound::Unbounded) {
            let (key, value) = row?;
            let Some(left) = change_row::left(&key, &value)? else { continue };
            state = State { token: left.token, last_change: change_row::decode_sequence(&key)?, ..state };
            for (provider, left) in &left.counts {
                counts.set_provider(*provider, Some(*left));
            }
            recent.add(Some(left.counts.into_iter().map(|(provider, _)| provider).collect()));
        }
        self.state = state;
        Ok(recent)
    }

    /// The view after a commit.
    pub(super) fn next(
        &self,
        number: ViewNumber,
        counts: Counts,
        registry: Arc<Registry>,
        state: State,
    ) -> Self {
        Self {
            snapshot: self.engine.snapshot(),
            engine: self.engine.clone(),
            counts,
            registry,
            state,
            number,
        }
    }

    pub(super) const fn totals(&self) -> Totals {
        Totals { associations: self.counts.all_associations(), last_change: self.state.last_change }
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn get(&self, space: Space, key: &[u8]) -> Result<Option<Slice>, StoreError> {
        self.snapshot.get(self.engine.space(space), key).map_err(|error| store_error(&error))
    }

    /// The rows whose key begins with `prefix` and is greater than `after`, in order.
    pub(super) fn rows<'s>(
        &'s self,
        space: Space,
        prefix: &[u8],
        after: Option<Key>,
    ) -> impl Iterator<Item = RowResult> + use<'s> {
        let (first, end) = fjall::util::prefix_to_range(prefix);
        let start = match after {
            // Beyond every key with the prefix.
            Some(after) if *after > *prefix && !after.starts_with(prefix) => None,
            Some(after) if *after >= *prefix => Some(Bound::Excluded(after)),
            _ => Some(first),
        };
        start.map(|start| self.range(space, start, end)).into_iter().flatten()
    }

    /// The keys that begin with `prefix`, in order.
    pub(super) fn keys(
        &self,
        space: Space,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<Key, StoreError>> + '_ {
        self.rows(space, prefix, None).map(|row| row.map(|(key, _)| key))
    }

    /// The keys from `start` to `end`, in order.
    pub(super) fn keys_between(
        &self,
        space: Space,
        start: Bound<Key>,
        end: Bound<Key>,
    ) -> impl Iterator<Item = Result<Key, StoreError>> + '_ {
        let rows = self.range(space, start, end);
        rows.map(|row| row.map(|(key, _)| key))
    }

    fn range(
        &self,
        space: Space,
        start: Bound<Slice>,
        end: Bound<Slice>,
    ) -> impl Iterator<Item = RowResult> + '_ {
        let rows = self.snapshot.range(self.engine.space(space), (start, end));
        rows.map(|row| row.into_inner().map_err(|error| store_error(&error)))
    }

    /// Key and value of each association of a provider, in order.
    pub(super) fn association_rows(&self, number: ProviderNumber) -> impl Iterator<Item = RowResult> + '_ {
        self.rows(Space::Association, &layout::association_prefix(number, ""), None)
    }

    /// The sequence numbers of the changes from `start` to `end` that are there.
    pub(super) fn change_numbers(
        &self,
        start: u64,
        end: u64,
    ) -> impl Iterator<Item = Result<u64, StoreError>> + '_ {
        let start = start.max(self.state.first_change);
        let numbers = self.change_rows(start).map(|row| {
            let (key, value) = row?;
            change_row::numbers(&key, &value)
        });
        let numbers = each_or_error(numbers, move |numbers| start.max(*numbers.start())..=*numbers.end());
        numbers.take_while(move |number| number.as_ref().map_or(true, |number| *number <= end))
    }

    /// The changes from `start` on.
    pub(super) fn changes(&self, start: u64) -> impl Iterator<Item = Result<Change, StoreError>> + '_ {
        let start = start.max(self.state.first_change);
        let rows = self.change_rows(start).map(|row| {
            let (key, value) = row?;
            change_row::changes(&key, &value)
        });
        let changes = each_or_error(rows, |changes| changes);
        // The first row may begin before.
        changes.skip_while(move |change| change.as_ref().is_ok_and(|change| change.sequence < start))
    }

    /// The rows of the changes from `start` on, which is none that was trimmed: rows of those may be millions of marks that
    /// the engine has not cleared away yet. The first row may hold earlier ones as well.
    fn change_rows(&self, start: u64) -> impl Iterator<Item = RowResult> + '_ {
        self.range(Space::Change, Bound::Included(layout::change(start)), Bound::Unbounded)
    }

    /// What follows a sequence number.
    pub(super) fn backlog(&self, after: u64) -> Result<Backlog, StoreError> {
        let complete = self.state.last_change;
        let Some(start) = after.checked_add(1) else { return Ok(Backlog { complete, ..Backlog::default() }) };
        let oldest = self.changes(start).next().transpose()?.map(|change| change.time);
        let mut changes = 0;
        for number in self.change_numbers(start, complete).take(Backlog::COUNTED_MAX) {
            number?;
            changes += 1;
        }
        Ok(Backlog { changes, oldest, complete })
    }
}

/// What each row holds, one by one; an error in the place of a row that cannot be read.
fn each_or_error<R, I: IntoIterator>(
    rows: impl Iterator<Item = Result<R, StoreError>>,
    held: impl Fn(R) -> I,
) -> impl Iterator<Item = Result<I::Item, StoreError>> {
    rows.flat_map(move |row| {
        let (row, error) = match row {
            Ok(row) => (Some(held(row)), None),
            Err(error) => (None, Some(Err(error))),
        };
        row.into_iter().flatten().map(Ok).chain(error)
    })
}
