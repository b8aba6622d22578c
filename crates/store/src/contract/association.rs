//! Associations: what is asked of a store, and with what outcomes.

use async_trait::async_trait;
use jackfield_model::wire::Association;
use jackfield_model::{ExternalUserId, OrganizationId, ServiceProviderId};

use crate::change::Origin;
use crate::error::StoreError;

/// Account associations.
#[async_trait]
pub trait AssociationStore: Send + Sync {
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

    /// What [`find_associations`](Self::find_associations) would answer, where that is known without waiting; nothing
    /// where it is not.
    fn find_associations_now(
        &self,
        provider: ServiceProviderId,
        ids: &[ExternalUserId],
    ) -> Option<Result<Vec<Association>, StoreError>> {
        let _ = (provider, ids);
        None
    }

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
