//! Where state lives: associations, the registry of accounts, profiles and the change record.
//!
//! The [`Store`] trait is the whole contract, by way of the traits that it is made of. Each method is one atomic operation; a write that answered is on
//! stable storage (`memory:` excepted, which says so), its change record and counts were part of the same
//! commit, and every later read sees it. An expected case ("exists already") is an outcome, never an error.
//! The suite in `conformance` holds every adapter to it.

mod change;
#[cfg(feature = "testing")]
pub mod conformance;
mod content;
mod contract;
pub mod embedded;
mod error;
#[cfg(feature = "testing")]
pub mod faulty;
mod key;
mod memory;
mod open;
mod options;
pub mod postgres;
pub mod registry;
pub mod resource;
mod retention;
mod source;
pub mod step;
pub mod transfer;
pub mod verify;

pub use change::{
    Actor, Backlog, Change, ChangeFilter, ChangePage, ChangeSpan, Operation, Origin, Subject, Timestamp,
};
pub use content::Content;
pub use contract::{
    AssociationPage, AssociationRange, AssociationStore, CacheStats, CacheUse, ChangeStore, CreateOutcome,
    CreateProfileOutcome, DeleteOutcome, DeleteProfileOutcome, Findings, Head, Load, LoadOutcome, LoadStart,
    Part, Position, ProfileStore, PutProfileOutcome, RegistryStore, ResourceStore, Row, Section, Seen,
    Snapshot, Store, StoreStats, Sum, Totals, UnitPath, UnitTree, UpdateOutcome, WriteAssociation,
    count_resources, find_resource, find_resources, list_resources, owner_of,
};
pub use error::{OpenError, StoreError};
pub use key::RootKey;
pub use memory::MemoryStore;
pub use open::{InvalidStoreUrl, StoreUrl};
pub use options::{CommitReport, StoreOptions};
pub use registry::{Profile, Registry, RegistryCommand, RegistryOutcome};
pub use retention::{Retention, RetentionClock};
pub use source::Source;
