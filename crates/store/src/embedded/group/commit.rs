//! The end of a group: the commit that stores it.

use std::sync::Arc;

use jackfield_model::ServiceProviderId;

use super::super::change_row::Left;
use super::super::codec::{self, State};
use super::super::counts::Counts;
use super::super::engine::Row;
use super::super::layout::{self, Space};
use super::super::recent::Recent;
use super::super::token::Token;
use super::Group;
use super::rows::Rows;
use crate::registry::Registry;

/// What a commit stores, and what readers see after it.
///
/// A commit says by what it is known, and what it leaves of the state and the counts, in one of two ways: in rows of
/// their own, or, when it changes no more than associations, in the row of its changes. Those rows are read when the
/// store opens, from the last commit on that wrote rows of their own: some commits later one does, see [`Recent`].
pub(in super::super) struct Commit {
    /// The row that holds the commit's token.
    pub(in super::super) first: Row,
    pub(in super::super) rows: Rows,
    /// Providers whose counts stand in the row of the changes, or nothing when all counts have rows of their own.
    pub(in super::super) counted: Option<Vec<ServiceProviderId>>,
    pub(in super::super) counts: Counts,
    pub(in super::super) registry: Arc<Registry>,
    pub(in super::super) state: State,
}

/// The row for the state of a commit.
pub(in super::super) fn state_row(state: &State) -> Row {
    (Space::Meta, layout::STATE.into(), Some(state.encode()))
}

impl Group<'_> {
    /// The commit that stores the group, or nothing when the group changes nothing.
    pub(in super::super) fn into_commit(mut self, token: Token, recent: &Recent) -> Option<Commit> {
        let mut counted = std::mem::take(&mut self.counted);
        let Self { first_change, last_change, last_provider, .. } = self;
        let state = State { token, first_change, last_change, last_provider };
        let before = &self.view.state;
        let same_ends = (first_change, last_provider) == (before.first_change, before.last_provider);
        let has_rows = !self.pending.is_empty() || self.changes.last().is_some() || !counted.is_empty();
        if same_ends && !has_rows {
            return None;
        }
        let of_associations = same_ends && Arc::ptr_eq(&self.registry, &self.view.registry);
        let in_change_row = of_associations && !recent.is_full() && self.changes.last().is_some();
        if !in_change_row {
            self.end_change_row();
            counted.extend(recent.providers());
        }
        counted.sort_unstable();
        counted.dedup();
        let (first, counted) = if in_change_row {
            let counts = counted.iter().filter_map(|id| Some((*id, self.counts.provider(*id)?))).collect();
            let (key, row) = self.changes.take_last(&Left { token, counts })?;
            ((Space::Change, key, Some(row)), Some(counted))
        } else {
            for provider in counted {
                let counts = self.counts.provider(provider);
                let counts = counts.as_ref().map(codec::encode_provider_counts);
                self.put(Space::Meta, layout::provider(provider), counts);
            }
            (state_row(&state), None)
        };
        let Self { pending: rows, counts, registry, .. } = self;
        Some(Commit { first, rows, counted, counts, registry, state })
    }
}
