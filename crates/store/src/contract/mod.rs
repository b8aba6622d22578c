//! The contract of a store: what is asked of it, and with what outcomes. Adapters keep it, all others use it.

mod association;
mod findings;
mod profile;
mod snapshot;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId, UnitId};

pub use self::association::{
    AssociationPage, AssociationRange, CreateOutcome, DeleteOutcome, UpdateOutcome, WriteAssociation,
};
pub use self::findings::{Findings, Seen, Sum};
pub use self::profile::{CreateProfileOutcome, DeleteProfileOutcome, PutProfileOutcome};
pub(crate) use self::snapshot::PAGE_ROWS;
pub use self::snapshot::{Load, LoadOutcome, LoadStart, Part, Position, Row, Section, Snapshot, Totals};
use crate::change::{ChangeFilter, ChangePage, Origin};
use crate::content::Content;
use crate::error::StoreError;
use crate::key::RootKey;
use crate::registry::{Profile, Registry, RegistryCommand, RegistryOutcome};

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
    /// [`Keyring`](crate::registry::Keyring). Made once, the same on every node.
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
    /// [`Retention`](crate::Retention) decides how far.
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
