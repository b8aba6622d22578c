//! Recently read associations, in memory in the form in which they are answered: finding a row in the engine costs as
//! much as the rest of a query.
//!
//! What is kept can never be stale. Each view has a number that grows with every commit. Before a commit, the number of
//! the view after it is noted for each row that it changes. A row is kept with the number of the view that it was read
//! from, and a reader is shown it only when no later number was noted for it, neither after that view nor after the
//! reader's own. Numbers are noted in a table of fixed size: two rows that share a place can hide each other, which
//! costs a look into the engine.
//!
//! A row is kept when it is read a second time soon after the first. Rows of a provider that is far larger than this
//! cache are mostly read once: to keep each of them would cost more than it saves, and evict those that are read again.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use foldhash::fast::RandomState;
use jackfield_model::{AmazonId, ExternalUserId};
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

use super::counts::ProviderNumber;
use super::layout;

/// What rows may take in memory. With ids of 20 bytes and profiles of 36 after their prefix these are 75,000.
const ROWS_BYTES: u64 = 16 * 1024 * 1024;
/// An estimate, for the size of the tables that lead to the rows.
const ROWS: usize = 64 * 1024;
/// What a row takes beside the text of its ids.
const ROW_BYTES: usize = 128;
/// Places in which the numbers of views are noted, half a mebibyte, and what was asked for, a quarter. A power of two.
const PLACES: u32 = 64 * 1024;

/// The number of a view. A view with a higher number is later.
pub(super) type ViewNumber = u64;

/// The rows, and what is known of their changes.
pub(super) struct ReadCache {
    rows: Cache<RowKey, Row, Weight, RandomState>,
    /// For all rows that share a place: the last view with a change of one of them.
    changed: Box<[AtomicU64]>,
    /// For the same: the one that was asked for last and was not kept, by a part of its hash.
    asked: Box<[AtomicU32]>,
    /// What was read from an earlier view counts no more.
    floor: AtomicU64,
    /// The last number that was given out.
    last: AtomicU64,
    hasher: RandomState,
}

#[derive(PartialEq, Eq, Hash)]
struct RowKey {
    provider: ProviderNumber,
    id: Box<str>,
}

/// A key that is only asked for.
#[derive(Clone, Copy, Hash)]
struct Asked<'a> {
    provider: ProviderNumber,
    id: &'a str,
}

#[derive(Clone)]
struct Row {
    amazon_id: AmazonId,
    /// The view that it was read from.
    read: ViewNumber,
    /// Where changes of it are noted.
    place: u32,
}

#[derive(Clone, Default)]
struct Weight;

impl fmt::Debug for ReadCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadCache").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

impl Equivalent<RowKey> for Asked<'_> {
    fn equivalent(&self, key: &RowKey) -> bool {
        self.provider == key.provider && *self.id == *key.id
    }
}

impl Weighter<RowKey, Row> for Weight {
    fn weight(&self, key: &RowKey, row: &Row) -> u64 {
        (ROW_BYTES + key.id.len() + row.amazon_id.as_str().len()) as u64
    }
}

impl ReadCache {
    pub(super) fn new() -> Self {
        let hasher = RandomState::default();
        Self {
            rows: Cache::with(ROWS, ROWS_BYTES, Weight, hasher.clone(), Default::default()),
            changed: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            asked: (0..PLACES).map(|_| AtomicU32::new(0)).collect(),
            floor: AtomicU64::new(0),
            last: AtomicU64::new(0),
            hasher,
        }
    }

    /// The number of the view after a commit, before which this is called with the keys of the associations that it
    /// changes. Only the thread that commits may call it.
    pub(super) fn change<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) -> ViewNumber {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        for (provider, id) in keys.filter_map(layout::parts_of_association) {
            self.changed[place(self.hash(Asked { provider, id })) as usize].store(number, Ordering::Release);
        }
        number
    }

    /// The number of a view of which nothing is known but what it holds itself. Nothing that was kept before is shown
    /// any more.
    pub(super) fn forget(&self) -> ViewNumber {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.floor.store(number, Ordering::Release);
        number
    }

    /// The target of an association as a reader of this view sees it, when that is known.
    pub(super) fn get(
        &self,
        view: ViewNumber,
        provider: ProviderNumber,
        id: &ExternalUserId,
    ) -> Option<AmazonId> {
        let asked = Asked { provider, id: id.as_str() };
        let row = self.rows.get(&asked)?;
        // Looked at after the row was taken: its number was noted before who kept the row could read it.
        self.is_unchanged_since(row.read.min(view), row.place).then_some(row.amazon_id)
    }

    /// Keeps what a reader of this view found, when it was asked for before.
    pub(super) fn keep(
        &self,
        view: ViewNumber,
        provider: ProviderNumber,
        id: &ExternalUserId,
        target: &AmazonId,
    ) {
        let asked = Asked { provider, id: id.as_str() };
        let hash = self.hash(asked);
        let place = place(hash);
        if self.is_asked_again(hash) && self.is_unchanged_since(view, place) {
            let key = RowKey { provider, id: id.as_str().into() };
            self.rows.insert(key, Row { amazon_id: target.clone(), read: view, place });
        }
    }

    fn is_unchanged_since(&self, view: ViewNumber, place: u32) -> bool {
        let changed = self.changed[place as usize].load(Ordering::Acquire);
        changed <= view && self.floor.load(Ordering::Acquire) <= view
    }

    fn is_asked_again(&self, hash: u64) -> bool {
        // The highest bits: the lowest ones are the place.
        let mark = (hash >> 32) as u32;
        let last = &self.asked[place(hash) as usize];
        let again = last.load(Ordering::Relaxed) == mark;
        if !again {
            last.store(mark, Ordering::Relaxed);
        }
        again
    }

    fn hash(&self, asked: Asked<'_>) -> u64 {
        self.hasher.hash_one(asked)
    }
}

/// Where a row's changes are noted. It fits: there are fewer places.
fn place(hash: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "a place wants the lowest bits")]
    let lowest = hash as u32;
    lowest % PLACES
}

#[cfg(test)]
mod tests {
    use jackfield_model::{AmazonId, ExternalUserId};

    use super::*;

    fn amazon(suffix: &str) -> AmazonId {
        AmazonId::from_suffix(suffix).unwrap()
    }

    /// Keeps a row as who asks for it a second time.
    fn keep(rows: &ReadCache, view: ViewNumber, id: &ExternalUserId, target: &AmazonId) {
        rows.keep(view, 1, id, target);
        rows.keep(view, 1, id, target);
    }

    #[test]
    fn a_row_is_kept_when_it_is_asked_for_again() {
        let rows = ReadCache::new();
        let ids = ["7201", "7202"].map(|id| ExternalUserId::new(id).unwrap());
        for id in &ids {
            rows.keep(1, 1, id, &amazon("a"));
            assert_eq!(rows.get(1, 1, id), None);
        }
        for id in &ids {
            rows.keep(1, 1, id, &amazon("a"));
            assert_eq!(rows.get(1, 1, id), Some(amazon("a")));
        }
    }

    #[test]
    fn a_row_is_shown_to_readers_between_two_of_its_changes() {
        let rows = ReadCache::new();
        let id = ExternalUserId::new("7201").unwrap();
        let key = layout::association(1, &id);
        let get = |view| rows.get(view, 1, &id);
        let first = rows.change([key.as_slice()].into_iter());
        assert_eq!(get(first), None);
        keep(&rows, first, &id, &amazon("a"));
        assert_eq!(get(first), Some(amazon("a")));
        assert_eq!(rows.get(first, 2, &id), None, "another provider's");
        let other = rows
            .change([layout::association(1, &ExternalUserId::new("7202").unwrap()).as_slice()].into_iter());
        assert_eq!(get(other), Some(amazon("a")), "a change of another row");

        let second = rows.change([key.as_slice()].into_iter());
        assert_eq!(get(second), None, "changed since");
        // Readers that still have the view before.
        assert_eq!(get(other), None);
        keep(&rows, other, &id, &amazon("a"));
        assert_eq!((get(other), get(second)), (None, None), "they leave nothing behind");
        keep(&rows, second, &id, &amazon("b"));
        assert_eq!((get(other), get(second)), (None, Some(amazon("b"))));

        let third = rows.forget();
        assert_eq!((get(second), get(third)), (None, None));
        keep(&rows, second, &id, &amazon("b"));
        assert_eq!(get(third), None);
        keep(&rows, third, &id, &amazon("c"));
        assert_eq!(get(third), Some(amazon("c")));
    }

    #[test]
    fn memory_is_bounded() {
        let rows = ReadCache::new();
        let target = amazon(&"t".repeat(200));
        for n in 0..200_000 {
            keep(&rows, 0, &ExternalUserId::new(&n.to_string()).unwrap(), &target);
        }
        assert!(rows.rows.weight() <= ROWS_BYTES && rows.rows.len() > 1_000, "{}", rows.rows.weight());
    }
}
