//! Moving house: everything that a store holds, read as of one moment and put into an empty store.
//!
//! [`Snapshot`] and [`Load`] are what an adapter gives; the rest works on any two of them: `copy` from store to store,
//! `export` and `import` through the format of `docs/moving.md`. Memory does not grow with the store. A load that was
//! interrupted goes on where its last part ended: the place is part of the commit of the part.

mod check;
mod checksum;
mod copy;
mod export;
mod format;
mod import;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use check::Check;
pub(crate) use checksum::hex::Hex32;
pub use checksum::{Checksum, Digest};
pub use copy::copy;
pub use export::Export;
pub use format::{FORMAT_VERSION, FormatError};
pub use import::Import;

use crate::change::Change;
use crate::registry::{Profile, Registry};
use crate::verify::{Findings, Seen};
use crate::{RootKey, StoreError};

/// Rows that are read at once.
pub(crate) const PAGE_ROWS: usize = 4_000;
/// Rows that are stored in one commit of a load.
pub(crate) const PART_ROWS: usize = 30_000;

/// A store as of one moment, whatever is written meanwhile. Pages are in order and begin after the row that the page
/// before ended with; one that has less rows than asked for is the last.
#[async_trait]
pub trait Snapshot: Send + fmt::Debug {
    /// The key from which tokens and hashes derive.
    fn root_key(&self) -> &RootKey;

    /// The accounts.
    fn registry(&self) -> &Arc<Registry>;

    /// Associations of all providers, and the highest sequence number that was given out.
    fn totals(&self) -> Totals;

    /// How many associations the provider has, as the store maintains it.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn count(&mut self, provider: ServiceProviderId) -> Result<u64, StoreError>;

    /// Profiles of all organizations, by id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read any more, also because the moment could not be kept.
    async fn profiles(&mut self, after: Option<&AmazonId>, limit: usize) -> Result<Vec<Profile>, StoreError>;

    /// Associations of a provider, by id.
    ///
    /// # Errors
    /// Like [`Snapshot::profiles`].
    async fn associations(
        &mut self,
        provider: ServiceProviderId,
        after: Option<&ExternalUserId>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// The change record, by sequence number.
    ///
    /// # Errors
    /// Like [`Snapshot::profiles`].
    async fn changes(&mut self, after: u64, limit: usize) -> Result<Vec<Change>, StoreError>;

    /// Checks what only the adapter knows of: files, indexes, counts. `seen` is what was read of this moment.
    ///
    /// # Errors
    /// Like [`Snapshot::profiles`].
    async fn verify(&mut self, seen: &Seen, findings: &mut Findings<'_>) -> Result<(), StoreError> {
        let _ = (seen, findings);
        Ok(())
    }
}

/// The filling of an empty store, see [`Store::load`](crate::Store::load). Until it is finished the store shows what it
/// showed before, takes no other write, and is not opened but to go on. A value that is dropped leaves it so.
#[async_trait]
pub trait Load: Send + fmt::Debug {
    /// The last row that is stored.
    fn position(&self) -> &Position;

    /// Stores rows in one commit, durable when this answers. Parts come in the order of [`Position`]; what is there
    /// already must have been cleared. Nothing is recorded as a change.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the part is stored, or all of it with its position.
    async fn add(&mut self, part: Part) -> Result<(), StoreError>;

    /// Takes away what is stored of a section, so that it can be added again. The position stays.
    ///
    /// # Errors
    /// [`StoreError`]; a part of it may be gone.
    async fn clear(&mut self, section: Section) -> Result<(), StoreError>;

    /// What is stored so far.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn snapshot(&mut self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Makes the store one with this content: accounts, key and all, in one step.
    ///
    /// # Errors
    /// [`StoreError`]; the store is as unfinished as before.
    async fn finish(self: Box<Self>) -> Result<(), StoreError>;

    /// Makes the store an empty one again.
    ///
    /// # Errors
    /// [`StoreError`]; the store is as unfinished as before.
    async fn abandon(self: Box<Self>) -> Result<(), StoreError>;
}

/// What is said before a store is filled.
#[derive(Clone, Debug)]
pub struct LoadStart {
    /// Names what it is filled with, without a secret. A load goes on with the same only.
    pub source: Source,
    /// The key from which tokens and hashes derive.
    pub root_key: RootKey,
    /// The accounts.
    pub registry: Arc<Registry>,
    /// The highest sequence number that was given out; the first write after the load gets a higher one.
    pub last_change: u64,
}

/// Where the content of a load comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Another store, named by a fingerprint of its key.
    Copy(String),
    /// An export, named by its id.
    Import(String),
}

/// What became of the wish to fill a store.
#[derive(Debug)]
pub enum LoadOutcome {
    /// It may begin, or go on at its position.
    Ready(Box<dyn Load>),
    /// The store has been written to.
    NotEmpty,
    /// The store holds a part of something else.
    Another(Source),
}

/// Rows of a load, in the order of their [`Position`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Profiles, by id.
    Profiles(Vec<Profile>),
    /// Associations by provider and id; of providers that are in the registry.
    Associations(Vec<(ServiceProviderId, Vec<Row>)>),
    /// Changes, by sequence number.
    Changes(Vec<Change>),
}

/// An association with what the store knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The endpoint.
    pub external_user_id: ExternalUserId,
    /// The profile.
    pub amazon_id: AmazonId,
    /// Whether it is counted at that profile of its organization.
    pub counted: bool,
}

/// A place in the order in which rows move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// Before all rows.
    Start,
    /// A profile.
    Profile(AmazonId),
    /// An association.
    Association(ServiceProviderId, ExternalUserId),
    /// A change.
    Change(u64),
}

/// What is compared, and moved again where it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Section {
    /// All profiles.
    Profiles,
    /// The associations of a provider.
    Provider(ServiceProviderId),
    /// The change record.
    Changes,
}

/// Sizes of a store as of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Associations of all providers.
    pub associations: u64,
    /// Highest sequence number that was given out, 0 before the first.
    pub last_change: u64,
}

/// What was moved so far, or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Records of the registry.
    pub accounts: u64,
    /// Profiles.
    pub profiles: u64,
    /// Associations.
    pub associations: u64,
    /// Changes.
    pub changes: u64,
    /// Rows that an earlier, interrupted run had stored already.
    pub skipped: u64,
    /// Sections that differed from their source and were moved again.
    pub repaired: u64,
    /// How many rows there are in all, as far as that is known.
    pub expected: u64,
}

/// Why a move did not come to its end. The text is for the operator.
#[derive(Debug, Error)]
pub enum MoveError {
    /// A store could not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The export is damaged, or not one that this version reads.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The store to be filled has been written to.
    #[error("the store to be filled has been written to; only a new one can be filled")]
    NotEmpty,
    /// The store to be filled holds a part of something else.
    #[error("the store to be filled holds a part of {0}; go on with that, or take a new store")]
    Another(Source),
    /// What was written is not what was read, also after it was written again.
    #[error("{0} differs from its source after it was moved twice")]
    Differs(Section),
    /// The count that a store maintains is not what it holds.
    #[error("the store counts {counted} associations of {provider} and holds {held}")]
    Miscounted {
        /// Whose.
        provider: ServiceProviderId,
        /// As maintained.
        counted: u64,
        /// As read.
        held: u64,
    },
}

impl LoadOutcome {
    /// The load, or why there is none.
    ///
    /// # Errors
    /// [`MoveError::NotEmpty`] or [`MoveError::Another`].
    pub fn ready(self) -> Result<Box<dyn Load>, MoveError> {
        match self {
            Self::Ready(load) => Ok(load),
            Self::NotEmpty => Err(MoveError::NotEmpty),
            Self::Another(source) => Err(MoveError::Another(source)),
        }
    }
}

impl Part {
    /// The place of the last row; nothing for a part without rows.
    #[must_use]
    pub fn end(&self) -> Option<Position> {
        match self {
            Self::Profiles(profiles) => profiles.last().map(|last| Position::Profile(last.id.clone())),
            Self::Associations(groups) => groups.iter().rev().find_map(|(provider, rows)| {
                let last = rows.last()?.external_user_id.clone();
                Some(Position::Association(*provider, last))
            }),
            Self::Changes(changes) => changes.last().map(|last| Position::Change(last.sequence)),
        }
    }

    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Profiles(profiles) => profiles.len(),
            Self::Associations(groups) => groups.iter().map(|(_, rows)| rows.len()).sum(),
            Self::Changes(changes) => changes.len(),
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Moved {
    fn count(&mut self, part: &Part) {
        let rows = part.len() as u64;
        match part {
            Part::Profiles(_) => self.profiles += rows,
            Part::Associations(_) => self.associations += rows,
            Part::Changes(_) => self.changes += rows,
        }
    }

    /// Rows of every kind, those of an earlier run among them.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.profiles + self.associations + self.changes + self.skipped
    }
}

impl Source {
    /// A store with this key.
    #[must_use]
    pub fn store(root_key: &RootKey) -> Self {
        let mut checksum = Checksum::default();
        checksum.text(b"jackfield directory");
        checksum.text(root_key.as_bytes());
        Self::Copy(checksum.digest().to_string()[..16].to_owned())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy(id) => write!(f, "a copy of the store with fingerprint {id}"),
            Self::Import(id) => write!(f, "the export {id}"),
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profiles => f.write_str("the list of profiles"),
            Self::Provider(provider) => write!(f, "service provider {provider}"),
            Self::Changes => f.write_str("the change record"),
        }
    }
}

/// Checksums of sections.
type Digests = HashMap<Section, Digest>;
