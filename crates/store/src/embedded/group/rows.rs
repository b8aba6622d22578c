//! What a group changes.

use super::super::engine::Row;
use super::super::layout::{Key, Space, Value};
use crate::registry::Map;

/// Rows by their key, with their new value where they are not removed.
#[derive(Clone, Default)]
pub(in super::super) struct Rows {
    spaces: [Map<Key, Option<Value>>; Space::ALL.len()],
}

impl Rows {
    /// With room for so many associations.
    pub(super) fn for_associations(count: usize) -> Self {
        let mut rows = Self::default();
        rows.spaces[Space::Association as usize].reserve(count);
        rows
    }

    /// The row, when it is changed: its new value, or nothing where it is removed.
    pub(super) fn get(&self, space: Space, key: &[u8]) -> Option<&Option<Value>> {
        self.spaces[space as usize].get(key)
    }

    pub(in super::super) fn put(&mut self, space: Space, key: Key, value: Option<Value>) {
        self.spaces[space as usize].insert(key, value);
    }

    /// The rows of a space.
    pub(in super::super) fn of(&self, space: Space) -> &Map<Key, Option<Value>> {
        &self.spaces[space as usize]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.spaces.iter().all(Map::is_empty)
    }

    pub(in super::super) fn into_rows(self) -> impl Iterator<Item = Row> {
        let spaces = Space::ALL.into_iter().zip(self.spaces);
        spaces.flat_map(|(space, rows)| rows.into_iter().map(move |(key, value)| (space, key, value)))
    }
}
