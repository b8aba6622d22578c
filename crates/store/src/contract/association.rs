//! What is said of associations, and what becomes of it.

use jackfield_model::wire::Association;
use jackfield_model::{ExternalUserId, OrganizationId, ServiceProviderId};

use crate::change::Origin;

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
