//! The contract of a store: what is asked of it, and with what outcomes. Adapters keep it, all others use it.

mod association;
mod change;
mod findings;
mod profile;
mod registry;
mod resource;
mod snapshot;
mod unit_tree;

use std::fmt;

use async_trait::async_trait;

pub use self::association::{
    AssociationPage, AssociationRange, AssociationStore, CreateOutcome, DeleteOutcome, UpdateOutcome,
    WriteAssociation,
};
pub use self::change::ChangeStore;
pub(crate) use self::findings::DerivedRows;
pub use self::findings::{Findings, Seen, Sum};
pub(crate) use self::profile::Admission;
pub use self::profile::{CreateProfileOutcome, DeleteProfileOutcome, ProfileStore, PutProfileOutcome};
pub use self::registry::RegistryStore;
pub use self::resource::{
    ResourceStore, count_resources, find_resource, find_resources, list_resources, owner_of,
};
pub(crate) use self::snapshot::PAGE_ROWS;
pub use self::snapshot::{
    Head, Load, LoadOutcome, LoadStart, Part, Position, Row, Section, Snapshot, Totals,
};
pub use self::unit_tree::{UnitPath, UnitTree};
use crate::change::Origin;
use crate::content::Content;
use crate::error::StoreError;

/// A place that keeps the directory. See the crate documentation for the guarantees of every method.
#[async_trait]
pub trait Store:
    RegistryStore + AssociationStore + ProfileStore + ResourceStore + ChangeStore + fmt::Debug
{
    /// The kind of store: `memory`, `embedded` or `postgres`.
    fn kind(&self) -> &'static str;

    /// Puts this content in place of everything that the directory holds, in one step: no reader sees a part of it.
    /// Keys and admin tokens stay, and the change record goes on with the reset and what is there since.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    async fn reset(&self, content: Content, origin: Origin) -> Result<(), StoreError>;

    /// Everything as of now, to be read at leisure: writes go on beside it and do not show.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Begins to fill a store that was never written to, or goes on where a load of the same was interrupted. See
    /// [`Load`].
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    async fn load(&self, start: LoadStart) -> Result<LoadOutcome, StoreError>;

    /// Whether the store can be read and written now.
    ///
    /// # Errors
    /// [`StoreError`] saying what is in the way.
    async fn check(&self) -> Result<(), StoreError>;

    /// Sizes, for metrics and `status`.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn stats(&self) -> Result<StoreStats, StoreError>;

    /// Finishes writes that were handed over and lets go of files and connections. Later writes fail.
    async fn close(&self);
}

/// Sizes of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Associations of all providers.
    pub associations: u64,
    /// Highest sequence number of the change record, 0 before the first.
    pub last_change: u64,
    /// Bytes on disk, where the store knows.
    pub disk_bytes: Option<u64>,
    /// What it keeps of its files in memory, where it keeps anything itself.
    pub cache: Option<CacheStats>,
}

/// What a store keeps of its files in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Blocks of its files.
    pub blocks: CacheUse,
    /// Rows of associations.
    pub rows: CacheUse,
    /// How many associations these rows are.
    pub associations: u64,
    /// How many associations had to be looked for in the files since the start.
    pub misses: u64,
}

/// What a cache takes in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Bytes of what it holds.
    pub bytes: u64,
    /// The most that these may be.
    pub limit: u64,
}
