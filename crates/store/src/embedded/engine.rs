//! The storage engine (fjall): opening it, its tuning, its errors.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fjall::config::{CompressionPolicy, FilterPolicy, FilterPolicyEntry, PinningPolicy};
use fjall::{
    AbstractTree, CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode,
};

use super::integrity::{self, damaged};
use super::journal::{Found, Rows};
use super::layout::{Key, Space, Value};
use crate::contract::CacheUse;
use crate::{OpenError, StoreError};

/// Journals are replayed when the store opens, so they stay small: with this bound a start after a crash takes
/// about a second. It is the least that the engine allows.
const JOURNAL_BYTES: u64 = 64 * 1024 * 1024;
/// Rows of a space that are kept in memory before they become a table. More makes fewer merges of tables and
/// slower look-ups in memory; about three times as much is resident, for tables that are on their way to disk.
const ASSOCIATION_MEMTABLE_BYTES: u64 = 8 * 1024 * 1024;
/// Changes come in the order of their keys: their tables are never merged, so small ones do.
const CHANGE_MEMTABLE_BYTES: u64 = 4 * 1024 * 1024;
const SMALL_MEMTABLE_BYTES: u64 = 1024 * 1024;
/// Tables flush and merge beside the writer on threads of their own. With two, one is kept free to flush.
const THREADS: usize = 2;
/// Open table files.
const OPEN_FILES: usize = 400;
/// The engine makes a commit wait, without a look at its own health, when more than this is left to flush or
/// merge in a space; so commits are held back before.
const UNFLUSHED_MAX: usize = 2;
const UNMERGED_MAX: usize = 19;
/// How many bytes a space may be given between two looks at what is left to flush or merge there: far less than a
/// memory table, so that at most one is added meanwhile.
const UNLOOKED_BYTES: usize = 64 * 1024;
/// Rows that most commits have at most: for so many, memory is taken once.
const COMMIT_ROWS: usize = 64;
/// How long the end of a store may take that writes its memory tables: some megabytes.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// The open engine. Dropping the last copy, with every snapshot's view, closes it.
#[derive(Clone)]
pub(super) struct Engine(Arc<Open>);

struct Open {
    database: Database,
    spaces: [Keyspace; Space::ALL.len()],
    /// Bytes that each space was given since the last look at its room.
    unlooked: [AtomicUsize; Space::ALL.len()],
    /// Where its files are.
    path: Box<Path>,
}

/// One row of a commit: the value, or nothing to remove what is there.
pub(super) type Row = (Space, Key, Option<Value>);

impl Engine {
    /// Opens the engine's files; makes them only where `make` says so. Files that are there are checked, see `integrity`.
    /// Blocks of tables take at most `block_bytes` in memory.
    pub(super) fn open(path: &Path, make: bool, block_bytes: u64) -> Result<Self, fjall::Error> {
        // The engine makes a new database wherever its marker is missing: an empty store where there was a full
        // one would be the worst answer.
        if !make && !path.join("version").try_exists()? {
            return Err(damaged("the engine's files are gone".to_owned()).into());
        }
        let found = if make { Found::default() } else { integrity::before_open(path)? };
        let open = || {
            let database = Database::builder(path)
                .cache_size(block_bytes)
                .max_journaling_size(JOURNAL_BYTES)
                // Tokens of commits are looked for in the journals.
                .journal_compression(CompressionType::None)
                .max_cached_files(Some(OPEN_FILES))
                .worker_threads(THREADS)
                .open()?;
            let space = |space: Space| {
                if !make && !database.keyspace_exists(space.name()) {
                    return Err(damaged(format!("the keyspace {} is gone", space.name())).into());
                }
                database.keyspace(space.name(), || options(space))
            };
            let spaces = [
                space(Space::Association)?,
                space(Space::Change)?,
                space(Space::Registry)?,
                space(Space::Profile)?,
                space(Space::Meta)?,
            ];
            // Nothing is known of a space that was just opened.
            let unlooked = std::array::from_fn(|_| AtomicUsize::new(UNLOOKED_BYTES));
            Ok(Self(Arc::new(Open { database, spaces, unlooked, path: path.into() })))
        };
        // The engine asserts what it expects of its files.
        let engine: Self =
            catch_unwind(AssertUnwindSafe(open)).unwrap_or(Err(fjall::Error::Unrecoverable))?;
        // While a store is filled, rows come into tables past the journals.
        if !found.mentions {
            engine.check_shows(&found.oldest)?;
        }
        Ok(engine)
    }

    /// Whether these rows of the journals are what the engine shows. It decides by sequence numbers, which no checksum
    /// covers; those of all batches but the oldest have been compared with each other.
    fn check_shows(&self, rows: &Rows) -> Result<(), fjall::Error> {
        for ((keyspace, key), value) in rows {
            // The engine numbers them in the order in which they were made, and has the first for itself.
            let space = usize::try_from(*keyspace).ok().and_then(|number| number.checked_sub(1));
            let Some(space) = space.and_then(|index| Space::ALL.get(index)) else { continue };
            if self.space(*space).get(key)?.as_deref() != value.as_deref() {
                return Err(damaged("the oldest journal is damaged".to_owned()).into());
            }
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    pub(super) fn space(&self, space: Space) -> &Keyspace {
        &self.0.spaces[space as usize]
    }

    /// What the blocks of tables take in memory.
    pub(super) fn blocks(&self) -> CacheUse {
        CacheUse { bytes: self.0.database.cache_size(), limit: self.0.database.cache_capacity() }
    }

    /// The rows as of now. Only what was committed before is seen, also later. Only the thread that commits may
    /// ask: beside a commit the engine would show a part of it.
    pub(super) fn snapshot(&self) -> fjall::Snapshot {
        self.0.database.snapshot()
    }

    /// Whether commits are possible: a background thread of the engine that fails ends them for good.
    pub(super) fn check(&self) -> Result<(), fjall::Error> {
        self.0.database.persist(PersistMode::Buffer)
    }

    /// Stores the rows, all or none, and returns when they are on stable storage. The first row comes first in
    /// the journal.
    pub(super) fn commit(&self, rows: impl IntoIterator<Item = Row>) -> Result<(), fjall::Error> {
        let commit = || {
            let batch = OwnedWriteBatch::with_capacity(self.0.database.clone(), COMMIT_ROWS);
            let mut batch = batch.durability(Some(PersistMode::SyncData));
            let mut bytes = [0; Space::ALL.len()];
            for (space, key, value) in rows {
                bytes[space as usize] += key.len() + value.as_ref().map_or(0, |value| value.len());
                match value {
                    Some(value) => batch.insert(self.space(space), key, value),
                    None => batch.remove(self.space(space), key),
                }
            }
            for (space, bytes) in Space::ALL.into_iter().zip(bytes).filter(|(_, bytes)| *bytes > 0) {
                self.wait_for_room(space, bytes)?;
            }
            batch.commit()
        };
        catch_unwind(AssertUnwindSafe(commit)).unwrap_or(Err(fjall::Error::Unrecoverable))
    }

    /// Stores rows of a space that come in the order of their keys, as tables of their own beside journal and memory
    /// tables, and returns when they are on stable storage. Only where nobody looks: rows of one call are not there
    /// together with those of a commit.
    pub(super) fn ingest(&self, space: Space, rows: Vec<(Key, Value)>) -> Result<(), fjall::Error> {
        let ingest = || {
            self.wait_for_room(space, UNLOOKED_BYTES)?;
            let mut ingestion = self.space(space).start_ingestion()?;
            for (key, value) in rows {
                ingestion.write(key, value)?;
            }
            ingestion.finish()
        };
        catch_unwind(AssertUnwindSafe(ingest)).unwrap_or(Err(fjall::Error::Unrecoverable))
    }

    /// Writes what is in memory only into tables, and answers whether that came to its end: then the journals hold
    /// nothing that the tables do not. Only this copy may be left: another could go on to write.
    pub(super) fn settle(&self) -> bool {
        if Arc::strong_count(&self.0) > 1 {
            return false;
        }
        let began = Instant::now();
        let settle = || {
            for space in &self.0.spaces {
                space.rotate_memtable()?;
            }
            while self.0.spaces.iter().any(|space| space.sealed_memtable_count() > 0) {
                self.check()?;
                if began.elapsed() > SETTLE_MAX {
                    return Ok(false);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(true)
        };
        let settled = catch_unwind(AssertUnwindSafe(settle)).unwrap_or(Err(fjall::Error::Unrecoverable));
        // Whoever opens the store next reads the journals instead.
        settled.unwrap_or_else(|error| {
            tracing::warn!(cause = describe(&error), "memory tables could not be written at the end");
            false
        })
    }

    /// Waits until so many bytes may be written to a space. Others do not matter: it is their own writes that they hold
    /// back.
    fn wait_for_room(&self, space: Space, bytes: usize) -> Result<(), fjall::Error> {
        // Only one thread commits. To look costs as much as to write a row.
        let unlooked = &self.0.unlooked[space as usize];
        let given = unlooked.load(Ordering::Relaxed).saturating_add(bytes);
        if given < UNLOOKED_BYTES {
            unlooked.store(given, Ordering::Relaxed);
            return Ok(());
        }
        let space = self.space(space);
        let full =
            || space.sealed_memtable_count() > UNFLUSHED_MAX || space.tree.l0_run_count() > UNMERGED_MAX;
        while full() {
            self.check()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        unlooked.store(bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// What a space is made with; the engine keeps it with the space.
fn options(space: Space) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default();
    match space {
        // A create asks for a key that is not there, a query for one that is: both are answered from the filters
        // and indexes, about two bytes a row, and at most one block. Ids do not compress.
        Space::Association => options
            .max_memtable_size(ASSOCIATION_MEMTABLE_BYTES)
            .data_block_compression_policy(CompressionPolicy::disabled())
            .index_block_pinning_policy(PinningPolicy::all(true))
            .filter_block_pinning_policy(PinningPolicy::all(true)),
        // Read in order only, never by a key that may not be there: filters would be dead weight. Compression
        // takes the rows from 121 to 75 bytes, for about a microsecond each.
        Space::Change => options
            .max_memtable_size(CHANGE_MEMTABLE_BYTES)
            .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
            .filter_policy(FilterPolicy::all(FilterPolicyEntry::None)),
        Space::Registry | Space::Profile | Space::Meta => options
            .max_memtable_size(SMALL_MEMTABLE_BYTES)
            .data_block_compression_policy(CompressionPolicy::disabled()),
    }
}

/// What an error of the engine means for a caller: classified by its kind, never by its text.
pub(super) fn store_error(error: &fjall::Error) -> StoreError {
    use fjall::LsmError;
    match error {
        fjall::Error::Io(_)
        | fjall::Error::Poisoned
        | fjall::Error::Locked
        | fjall::Error::Storage(LsmError::Io(_)) => StoreError::Unavailable { cause: describe(error) },
        _ => StoreError::Corrupt { cause: describe(error) },
    }
}

/// What an error of the engine means for who wanted to open the store.
pub(super) fn open_error(dir: &Path, error: &fjall::Error) -> OpenError {
    let (dir, cause) = (dir.to_owned(), describe(error));
    match (error, store_error(error)) {
        (fjall::Error::Io(error), _) if error.kind() == ErrorKind::InvalidData => {
            OpenError::Damaged { dir, cause }
        }
        (_, StoreError::Corrupt { .. }) => OpenError::Damaged { dir, cause },
        _ => OpenError::Io { dir, cause },
    }
}

/// The error for the log.
pub(super) fn describe(error: &fjall::Error) -> String {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => error.to_string(),
        fjall::Error::Poisoned => "a background thread of the storage engine failed".to_owned(),
        other => format!("the storage engine says {other:?}"),
    }
}
