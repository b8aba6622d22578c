//! What readers see: the store as of one commit.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use fjall::{Readable, Slice, Snapshot};
use jackfield_model::{OrganizationId, ServiceProviderId};

use super::codec::{self, State, corrupt, json};
use super::counts::{Counts, ProviderNumber};
use super::engine::{Engine, store_error};
use super::layout::{self, Key, Space};
use super::read_cache::ViewNumber;
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
    /// Reads what is held in memory. Answers nothing when nothing was ever stored.
    pub(super) fn load(engine: Engine, number: ViewNumber) -> Result<Option<Self>, StoreError> {
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
        view.counts = counts;
        view.registry = Arc::new(Registry::from_records(records));
        Ok(Some(view))
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
            Some(after) if after.as_slice() > prefix && !after.starts_with(prefix) => None,
            Some(after) if after.as_slice() >= prefix => Some(Bound::Excluded(after.into())),
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
        self.rows(space, prefix, None).map(|row| row.map(|(key, _)| key.to_vec()))
    }

    /// The keys from `start` to `end`, in order.
    pub(super) fn keys_between(
        &self,
        space: Space,
        start: Bound<Key>,
        end: Bound<Key>,
    ) -> impl Iterator<Item = Result<Key, StoreError>> + '_ {
        let rows = self.range(space, start.map(Slice::from), end.map(Slice::from));
        rows.map(|row| row.map(|(key, _)| key.to_vec()))
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
        // A range that ends before it begins is none.
        let end = layout::change(end.max(start.saturating_sub(1)));
        let keys =
            self.keys_between(Space::Change, Bound::Included(layout::change(start)), Bound::Included(end));
        keys.map(|key| codec::decode_sequence(&key?))
    }

    /// The changes from `start` on. Those that were trimmed are skipped without a look: their rows may be
    /// millions of marks that the engine has not cleared away yet.
    pub(super) fn changes(&self, start: u64) -> impl Iterator<Item = Result<Change, StoreError>> + '_ {
        let start = layout::change(start.max(self.state.first_change));
        self.range(Space::Change, Bound::Included(start.into()), Bound::Unbounded).map(|row| {
            let (key, value) = row?;
            codec::decode_change(codec::decode_sequence(&key)?, &value)
        })
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
