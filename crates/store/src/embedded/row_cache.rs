//! Rows of associations in memory: to find one in the files costs as much as the rest of a query, of a large store several
//! times that.
//!
//! Where there is memory for all rows, all are here: who asks for one that is not needs no look into the files either. While
//! the writer has nothing else to do it reads the rows from the files, and keeps those that it changes. Where memory does not
//! suffice, those stay that were read again since their turn to go, and another one comes in when it is read a second time
//! soon after the first: most rows of a store that is far larger than this cache are read once.
//!
//! What is kept can never be wrong. Each view has a number that grows with every commit. A row is kept with the number of
//! a view that it was in. The writer changes the rows here right before their commit, with the number of the view after
//! it. A reader is shown a row whose number is at most that of the reader's view; for a later one he has to look into the
//! files, as for one that is not here when a later commit removes rows. A reader keeps what he found in the files, unless
//! it was changed since his view: for this the numbers of changes are noted, in a table of fixed size. Two rows that share a place
//! there can keep each other out, no more.

mod shard;

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use jackfield_model::AmazonId;

use self::shard::{Key, Put, Shard};
use super::counts::ProviderNumber;
use super::layout;
use crate::contract::CacheUse;

/// Each shard has this much, in whole segments, until there are so many of them.
const SHARD_BYTES: u64 = 256 * 1024;
const SHARDS_MAX: u64 = 256;
/// Places in which the numbers of changes are noted, half a mebibyte, and what was read once, a quarter.
const PLACES: usize = 1 + u16::MAX as usize;

/// The number of a view. A view with a higher number is later.
pub(super) type ViewNumber = u64;

/// How much of the store is here. Only the writer's walk through the files makes it [`Extent::ALL`]; it is
/// [`Extent::SOME`] before a row goes or stays out that is in the store.
struct Extent(AtomicU8);

impl Extent {
    /// Nothing was left out yet; not all was read yet.
    const GROWING: u8 = 0;
    /// Each row of the newest view.
    const ALL: u8 = 1;
    const SOME: u8 = 2;

    fn is(&self, extent: u8) -> bool {
        self.0.load(Ordering::Acquire) == extent
    }

    fn set(&self, extent: u8) {
        self.0.store(extent, Ordering::Release);
    }
}

/// What is known of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup<T> {
    Found(T),
    /// The view has no such row.
    Absent,
    /// The files know.
    NotCached,
}

/// The rows, and what is known of their changes.
pub(super) struct RowCache {
    shards: Box<[Mutex<Shard>]>,
    extent: Extent,
    /// For all rows that share a place: the last view with a change of one of them.
    changed: Box<[AtomicU64]>,
    /// For the same: the last one that was read and not kept, by a part of its hash.
    read_once: Box<[AtomicU32]>,
    /// The last view before which a row was removed.
    removed: AtomicU64,
    /// What was read from an earlier view counts no more.
    floor: AtomicU64,
    /// The last number that was given out.
    last: AtomicU64,
    /// Rows that had to be read from the files.
    misses: AtomicU64,
    limit: u64,
    hasher: RandomState,
}

impl fmt::Debug for RowCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowCache").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl RowCache {
    /// An empty cache whose rows come to take so many bytes.
    pub(super) fn new(limit: u64) -> Self {
        let shards = (limit / SHARD_BYTES).clamp(1, SHARDS_MAX).next_power_of_two();
        let of_shard = usize::try_from(limit / shards).unwrap_or(usize::MAX);
        let hasher = RandomState::default();
        Self {
            shards: (0..shards).map(|_| Mutex::new(Shard::new(of_shard, hasher.clone()))).collect(),
            extent: Extent(AtomicU8::new(Extent::GROWING)),
            changed: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            read_once: (0..PLACES).map(|_| AtomicU32::new(0)).collect(),
            removed: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            last: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            limit,
            hasher,
        }
    }

    /// The number of the view after a commit, before which this is called with the keys and new values of the associations
    /// that it changes. Only the thread that commits may call it. When the commit fails, [`Self::forget`] has to follow
    /// before the next one.
    pub(super) fn change<'r>(&self, rows: impl Iterator<Item = (&'r [u8], Option<&'r [u8]>)>) -> ViewNumber {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        for (key, value) in rows {
            let Some(key) = self.key_of(key) else { continue };
            self.changed[place(key.hash)].store(number, Ordering::Release);
            let Some(value) = value else {
                self.removed.store(number, Ordering::Release);
                self.shard(key).remove(key);
                continue;
            };
            let mut shard = self.shard(key);
            // While the shard is locked: whoever looks for the row next must know that it may be in the files.
            if shard.put(key, number, value, false) == Put::NoRoom {
                self.extent.set(Extent::SOME);
            }
        }
        number
    }

    /// The number of a view of which nothing is known but what it holds itself. Nothing that was kept before is shown
    /// any more.
    pub(super) fn forget(&self) -> ViewNumber {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.extent.set(Extent::SOME);
        self.floor.store(number, Ordering::Release);
        for shard in &self.shards {
            locked(shard).clear();
        }
        self.extent.set(Extent::GROWING);
        number
    }

    /// What a reader of this view sees of an association, as `read` makes it of the bytes of the value and of the id that
    /// it made of them before, where that is still known.
    pub(super) fn get<T>(
        &self,
        view: ViewNumber,
        provider: ProviderNumber,
        id: &str,
        read: impl FnOnce(&[u8], &mut Option<AmazonId>) -> T,
    ) -> Lookup<T> {
        let key = self.key(provider, id.as_bytes());
        if let Some((version, value, made)) = self.shard(key).get(key) {
            return if version <= view { Lookup::Found(read(value, made)) } else { self.missed() };
        }
        // What is loaded here was stored before the row went, by who had the shard.
        if self.extent.is(Extent::ALL) && self.removed.load(Ordering::Acquire) <= view {
            return Lookup::Absent;
        }
        self.missed()
    }

    /// Keeps what a reader of this view found in the files.
    pub(super) fn keep(&self, view: ViewNumber, provider: ProviderNumber, id: &str, value: &[u8]) {
        let key = self.key(provider, id.as_bytes());
        let mut shard = self.shard(key);
        // While the shard is locked: a change is noted before it comes here.
        let unchanged = self.changed[place(key.hash)].load(Ordering::Acquire) <= view
            && self.floor.load(Ordering::Acquire) <= view;
        if !unchanged || shard.has(key) {
            return;
        }
        if !shard.may_grow() && !self.is_read_again(key) {
            return;
        }
        if shard.put(key, view, value, true) != Put::Kept {
            self.extent.set(Extent::SOME);
        }
    }

    /// Keeps a row of the newest view, and says whether that was possible without another one having to go. Only the
    /// thread that commits may call it.
    pub(super) fn fill(&self, newest: ViewNumber, key: &[u8], value: &[u8]) -> bool {
        let Some(key) = self.key_of(key) else { return true };
        let mut shard = self.shard(key);
        if self.extent.is(Extent::GROWING)
            && !shard.has(key)
            && shard.put(key, newest, value, false) != Put::Kept
        {
            self.extent.set(Extent::SOME);
        }
        self.extent.is(Extent::GROWING)
    }

    /// Every row of the newest view was given to [`Self::fill`] since the last [`Self::forget`].
    pub(super) fn filled(&self) {
        let _ =
            self.extent.0.compare_exchange(Extent::GROWING, Extent::ALL, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The memory of the rows.
    pub(super) fn memory(&self) -> CacheUse {
        let bytes = self.shards.iter().map(|shard| locked(shard).bytes() as u64).sum();
        CacheUse { bytes, limit: self.limit }
    }

    /// How many rows are here.
    pub(super) fn len(&self) -> u64 {
        self.shards.iter().map(|shard| locked(shard).len() as u64).sum()
    }

    /// How many rows had to be looked for in the files.
    pub(super) fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    fn missed<T>(&self) -> Lookup<T> {
        self.misses.fetch_add(1, Ordering::Relaxed);
        Lookup::NotCached
    }

    fn key<'k>(&self, provider: ProviderNumber, id: &'k [u8]) -> Key<'k> {
        Key::new(&self.hasher, provider, id)
    }

    /// The same of the key in the files.
    fn key_of<'k>(&self, key: &'k [u8]) -> Option<Key<'k>> {
        let (provider, id) = layout::parts_of_association(key)?;
        Some(self.key(provider, id))
    }

    fn shard(&self, key: Key<'_>) -> MutexGuard<'_, Shard> {
        // Not the bits that places and tables use.
        let number = (key.hash >> 40) as usize & (self.shards.len() - 1);
        locked(&self.shards[number])
    }

    fn is_read_again(&self, key: Key<'_>) -> bool {
        // The highest bits: the lowest ones are the place.
        let mark = (key.hash >> 32) as u32;
        let last = &self.read_once[place(key.hash)];
        let again = last.load(Ordering::Relaxed) == mark;
        if !again {
            last.store(mark, Ordering::Relaxed);
        }
        again
    }
}

/// What a panic left is whole: rows are put together before they are entered in the table.
fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a row's changes are noted.
const fn place(hash: u64) -> usize {
    let [low, next, ..] = hash.to_le_bytes();
    u16::from_le_bytes([low, next]) as usize
}

#[cfg(test)]
mod tests;
