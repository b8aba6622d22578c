//! What becomes of what is said of communication profiles.

use crate::registry::Profile;

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
