//! A store as a whole: read as of one moment, and filled.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId};
use serde::{Deserialize, Serialize};

use super::findings::{Findings, Seen};
use crate::change::Change;
use crate::error::StoreError;
use crate::key::RootKey;
use crate::registry::{Profile, Registry};
use crate::resource::{Referred, RowKey};
use crate::source::Source;

/// Rows that are read at once.
pub(crate) const PAGE_ROWS: usize = 4_000;

/// A store as of one moment, whatever is written meanwhile. Pages are in order and begin after the row that the page
/// before ended with; one that has less rows than asked for is the last.
#[async_trait]
pub trait Snapshot: Send + fmt::Debug {
    /// What of the moment is held in memory.
    fn head(&self) -> &Head;

    /// The key from which tokens and hashes derive.
    fn root_key(&self) -> &RootKey {
        &self.head().root_key
    }

    /// The accounts.
    fn registry(&self) -> &Arc<Registry> {
        &self.head().registry
    }

    /// Associations of all providers, and the highest sequence number that was given out.
    fn totals(&self) -> Totals {
        self.head().totals
    }

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

    /// Resources of all organizations as their rows, by key. Rows that are derived from them are not among them.
    ///
    /// # Errors
    /// Like [`Snapshot::profiles`].
    async fn resources(
        &mut self,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, String)>, StoreError>;

    /// Whether each of these is there.
    ///
    /// # Errors
    /// Like [`Snapshot::profiles`].
    async fn are_there(&mut self, targets: &[Referred]) -> Result<Vec<bool>, StoreError>;

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

/// The filling of an empty store, see [`Store::load`](super::Store::load). Until it is finished the store shows what it
/// showed before, takes no other write, and is not opened but to go on. A value that is dropped leaves it so.
#[async_trait]
pub trait Load: Send + fmt::Debug {
    /// The last row that is stored.
    fn position(&self) -> &Position;

    /// Stores rows in one commit, durable when this answers. Parts come in the order of [`Position`]; what is there
    /// already must have been cleared. Nothing is recorded as a change.
    ///
    /// # Errors
    /// [`StoreError`]; nothing of the part is stored, or all of it with its position. [`StoreError::Corrupt`] for a row of
    /// a resource that is none, or does not stand where it belongs.
    async fn add(&mut self, part: Part) -> Result<(), StoreError>;

    /// Takes away what is stored of a section and what is derived from it, so that it can be added again. The position stays.
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
    /// Resources as their rows, by key; none that is derived.
    Resources(Vec<(RowKey, String)>),
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
    /// A resource.
    Resource(RowKey),
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
    /// All resources.
    Resources,
    /// The associations of a provider.
    Provider(ServiceProviderId),
    /// The change record.
    Changes,
}

/// What a snapshot holds in memory; all else it reads.
#[derive(Clone, Debug)]
pub struct Head {
    /// The key from which tokens and hashes derive.
    pub root_key: RootKey,
    /// The accounts.
    pub registry: Arc<Registry>,
    /// Sizes.
    pub totals: Totals,
}

/// Sizes of a store as of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Associations of all providers.
    pub associations: u64,
    /// Highest sequence number that was given out, 0 before the first.
    pub last_change: u64,
}

impl Part {
    /// The place of the last row; nothing for a part without rows.
    #[must_use]
    pub fn end(&self) -> Option<Position> {
        match self {
            Self::Profiles(profiles) => profiles.last().map(|last| Position::Profile(last.id.clone())),
            Self::Resources(rows) => rows.last().map(|(key, _)| Position::Resource(key.clone())),
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
            Self::Resources(rows) => rows.len(),
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

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profiles => f.write_str("the list of profiles"),
            Self::Resources => f.write_str("the list of resources"),
            Self::Provider(provider) => write!(f, "service provider {provider}"),
            Self::Changes => f.write_str("the change record"),
        }
    }
}
