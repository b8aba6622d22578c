//! Where state lives: associations, the registry of accounts, profiles and the change record.
//!
//! The [`Store`] trait is the whole contract. Each method is one atomic operation; a write that answered is on
//! stable storage (`memory:` excepted, which says so), its change record and counts were part of the same
//! commit, and every later read sees it. An expected case ("exists already") is an outcome, never an error.
//! The suite in `conformance` holds every adapter to it.

mod change;
#[cfg(feature = "testing")]
pub mod conformance;
mod content;
pub mod embedded;
#[cfg(feature = "testing")]
pub mod faulty;
mod memory;
pub mod moving;
mod open;
pub mod postgres;
pub mod registry;
mod retention;
pub mod verify;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId, UnitId};
use thiserror::Error;

pub use change::{Actor, Change, ChangeFilter, ChangePage, Operation, Origin, Subject, Timestamp};
pub use content::Content;
pub use memory::MemoryStore;
pub use moving::{Load, LoadOutcome, LoadStart, Snapshot};
pub use open::{InvalidStoreUrl, OpenError, StoreOptions, StoreUrl};
pub use registry::{Profile, Registry, RegistryCommand, RegistryOutcome};
pub use retention::{Retention, RetentionClock};

/// A place that keeps the directory. See the crate documentation for the guarantees of every method.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// The kind of store: `memory`, `embedded` or `postgres`.
    fn kind(&self) -> &'static str;

    /// The registry of accounts as of now. Cheap: no I/O, no lock that a commit holds.
    fn registry(&self) -> Arc<Registry>;

    /// Whether [`Store::registry`] is at most a few seconds behind what other nodes have committed. A node that cannot
    /// know any more who was revoked should serve nobody.
    fn is_current(&self) -> bool {
        true
    }

    /// Brings [`Store::registry`] up to what every node committed before the call. Answers whether it may say
    /// something new since.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn refresh(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// The key from which hashes of this directory derive, and its tokens until a rotation gives them another, see
    /// [`registry::Keyring`]. Made once, the same on every node.
    fn root_key(&self) -> &RootKey;

    /// Stores an association unless its `externalUserId` is taken.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was stored.
    async fn create_association(&self, write: WriteAssociation) -> Result<CreateOutcome, StoreError>;

    /// Points an existing association at another profile.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    async fn update_association(&self, write: WriteAssociation) -> Result<UpdateOutcome, StoreError>;

    /// Removes an association.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was removed.
    async fn delete_association(
        &self,
        provider: ServiceProviderId,
        external_user_id: ExternalUserId,
        origin: Origin,
    ) -> Result<DeleteOutcome, StoreError>;

    /// The associations among `ids`, which are sorted and without repeats. Sorted like them.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn find_associations(
        &self,
        provider: ServiceProviderId,
        ids: &[ExternalUserId],
    ) -> Result<Vec<Association>, StoreError>;

    /// A page of the provider's associations, sorted by the bytes of `externalUserId`.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn list_associations(
        &self,
        provider: ServiceProviderId,
        range: &AssociationRange,
    ) -> Result<AssociationPage, StoreError>;

    /// How many associations the provider has; 0 for a provider that is not there. Maintained, not counted.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn count_associations(&self, provider: ServiceProviderId) -> Result<u64, StoreError>;

    /// Applies a change to the registry of accounts. [`Store::registry`] shows it when this answers.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    async fn change_registry(
        &self,
        command: RegistryCommand,
        origin: Origin,
    ) -> Result<RegistryOutcome, StoreError>;

    /// Stores a communication profile. A profile with the same id, or of the same unit, must not be there.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was stored.
    async fn create_profile(
        &self,
        profile: Profile,
        origin: Origin,
    ) -> Result<CreateProfileOutcome, StoreError>;

    /// Renames a communication profile of the organization.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    async fn rename_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        name: Option<String>,
        origin: Origin,
    ) -> Result<UpdateOutcome, StoreError>;

    /// Stores profiles, each as if alone and in their order, in one commit. A unit whose profile belongs to the same
    /// organization keeps that profile, with the new name where there is one.
    ///
    /// # Errors
    /// [`StoreError`]; none was stored.
    async fn put_profiles(
        &self,
        profiles: Vec<Profile>,
        origin: Origin,
    ) -> Result<Vec<PutProfileOutcome>, StoreError>;

    /// Removes a communication profile of the organization. Associations that name it stay, except that under strict
    /// profiles a profile with associations is not removed. An association is one of the profile when the profile
    /// was there as it was written, and its provider belongs to the same organization; they are counted, not searched.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was removed.
    async fn delete_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        origin: Origin,
    ) -> Result<DeleteProfileOutcome, StoreError>;

    /// The profile with this id, whatever organization it belongs to.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn find_profile(&self, id: &AmazonId) -> Result<Option<Profile>, StoreError>;

    /// The profile of this unit, whatever organization it belongs to.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn find_profile_of_unit(&self, unit: &UnitId) -> Result<Option<Profile>, StoreError>;

    /// At most `limit` profiles of an organization whose id is greater than `after`, sorted by id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn list_profiles(
        &self,
        organization: &OrganizationId,
        after: Option<&AmazonId>,
        limit: usize,
    ) -> Result<Vec<Profile>, StoreError>;

    /// A page of the change record, oldest first. A call looks at a bounded number of records, so that a page
    /// under a filter may be short, even empty, although more follow: [`ChangePage::more`] says.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn list_changes(&self, filter: &ChangeFilter) -> Result<ChangePage, StoreError>;

    /// Forgets changes up to the sequence number `through`, at most `limit` of them, oldest first. Answers how many went.
    /// [`Retention`] decides how far.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was forgotten.
    async fn trim_changes(&self, through: u64, limit: usize) -> Result<usize, StoreError>;

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

/// 32 secret bytes. The debug form hides them.
#[derive(Clone, PartialEq, Eq)]
pub struct RootKey([u8; 32]);

impl RootKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A fresh random key.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
            .expect("the operating system gives randomness");
        Self(bytes)
    }

    /// The bytes, to derive keys from.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(…)")
    }
}

/// A create or update of an association.
#[derive(Clone, Debug)]
pub struct WriteAssociation {
    /// The provider that it belongs to.
    pub provider: ServiceProviderId,
    /// The association as it is to be.
    pub association: Association,
    /// Strict profiles: the organization that must have a profile with the association's `amazonId`.
    pub profile_owner: Option<OrganizationId>,
    /// Who asked.
    pub origin: Origin,
}

/// What became of a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateOutcome {
    /// Stored.
    Created,
    /// The `externalUserId` is taken; nothing was stored.
    Exists,
    /// The provider is not there (any more).
    NoSuchProvider,
    /// The organization has no profile with this `amazonId`.
    NoSuchProfile,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// Changed, or already as wanted: then nothing was recorded.
    Updated,
    /// Nothing there to change.
    NotFound,
    /// The provider is not there (any more).
    NoSuchProvider,
    /// The organization has no profile with this `amazonId`.
    NoSuchProfile,
}

/// What became of a delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// Removed.
    Deleted,
    /// Nothing there to remove.
    NotFound,
    /// The provider is not there (any more).
    NoSuchProvider,
}

/// What became of the creation of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateProfileOutcome {
    /// Stored.
    Created,
    /// A profile with this id is there.
    IdTaken,
    /// The unit has this profile already.
    UnitHasProfile(Profile),
    /// The organization is not there.
    NoSuchOrganization,
    /// The organization has as many profiles as its quota allows: so many.
    QuotaReached(u32),
}

/// What became of a profile of [`Store::put_profiles`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutProfileOutcome {
    /// The unit has this profile now.
    Stored(Profile),
    /// The unit's profile belongs to another organization.
    UnitTaken,
    /// Another unit has a profile with this id.
    IdTaken,
    /// The organization is not there.
    NoSuchOrganization,
    /// The organization has as many profiles as its quota allows: so many.
    QuotaReached(u32),
}

/// What became of the removal of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteProfileOutcome {
    /// Removed.
    Deleted,
    /// Nothing there to remove.
    NotFound,
    /// Associations name it, and its organization has strict profiles.
    InUse,
}

/// Which associations to list.
#[derive(Clone, Debug, Default)]
pub struct AssociationRange {
    /// Only ids that begin with this; empty for all.
    pub prefix: String,
    /// Only ids greater than this.
    pub after: Option<ExternalUserId>,
    /// At most this many.
    pub limit: usize,
}

/// A page of associations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociationPage {
    /// Sorted by the bytes of `externalUserId`.
    pub associations: Vec<Association>,
    /// Whether more follow in the range.
    pub more: bool,
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
}

/// One commit of a group of writes, reported to [`StoreOptions::on_commit`].
#[derive(Clone, Copy, Debug)]
pub struct CommitReport {
    /// Writes in the group.
    pub group_size: usize,
    /// From the start of the commit until it was on stable storage.
    pub latency: std::time::Duration,
    /// Whether it succeeded.
    pub succeeded: bool,
}

/// Why a store could not do what was asked. Nothing was changed, except where [`StoreError::InDoubt`] says so.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// It cannot be reached, read or written now: trying again later may help.
    #[error("the store is not available: {cause}")]
    Unavailable {
        /// What is in the way, for the log; never for a client.
        cause: String,
    },
    /// Nobody knows whether the change was made: the answer was lost, and could not be settled in time.
    #[error("it is not known whether the change was made: {cause}")]
    InDoubt {
        /// What happened, for the log; never for a client.
        cause: String,
    },
    /// What it holds cannot be understood: an operator has to look.
    #[error("the store holds something unexpected: {cause}")]
    Corrupt {
        /// What was found, for the log; never for a client.
        cause: String,
    },
}
