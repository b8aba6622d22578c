//! Communication profiles: what is asked of a store, and with what outcomes.

use async_trait::async_trait;
use jackfield_model::{AmazonId, OrganizationId, UnitId};

use super::association::UpdateOutcome;
use crate::change::Origin;
use crate::error::StoreError;
use crate::registry::Profile;

/// Communication profiles.
#[async_trait]
pub trait ProfileStore: Send + Sync {
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

    /// Removes a communication profile of the organization, with the contacts that name it, its reciprocal associations
    /// and its settings. Associations that name it stay, except that under strict
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
    /// The organization has strict units, and this is none of them.
    NoSuchUnit,
    /// The unit belongs to another organization.
    UnitTaken,
}

/// What became of a profile of [`ProfileStore::put_profiles`].
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
    /// The organization has strict units, and this is none of them.
    NoSuchUnit,
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
    /// More would go with it than [`limit::CASCADE_RESOURCES`](jackfield_model::limit::CASCADE_RESOURCES).
    TooManyDependents,
}

/// Whether a profile that is new can be stored. Adapters look in this order; what follows from it stands here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Its organization is not there.
    NoSuchOrganization,
    /// Its unit has this profile already.
    UnitHasProfile(Profile),
    /// Another unit has a profile with its id.
    IdTaken,
    /// Its organization has as many profiles as its quota allows: so many.
    QuotaReached(u32),
    /// Its organization has strict units, and its unit is none of them.
    NoSuchUnit,
    /// Its unit belongs to another organization.
    UnitTaken,
    /// Nothing stands in its way.
    Admitted,
}

impl Admission {
    /// What putting the profile comes to: the profile that is to be stored, with the one whose place it takes. Or why
    /// nothing is to be stored.
    pub(crate) fn put(self, new: Profile) -> Result<(Option<Profile>, Profile), PutProfileOutcome> {
        match self {
            Self::Admitted => Ok((None, new)),
            Self::UnitHasProfile(before) if before.organization == new.organization => {
                let name = new.name.or_else(|| before.name.clone());
                let after = Profile { name, ..before.clone() };
                Ok((Some(before), after))
            }
            Self::UnitHasProfile(_) | Self::UnitTaken => Err(PutProfileOutcome::UnitTaken),
            Self::NoSuchUnit => Err(PutProfileOutcome::NoSuchUnit),
            Self::NoSuchOrganization => Err(PutProfileOutcome::NoSuchOrganization),
            Self::IdTaken => Err(PutProfileOutcome::IdTaken),
            Self::QuotaReached(most) => Err(PutProfileOutcome::QuotaReached(most)),
        }
    }
}

impl From<Admission> for CreateProfileOutcome {
    fn from(admission: Admission) -> Self {
        match admission {
            Admission::Admitted => Self::Created,
            Admission::UnitHasProfile(profile) => Self::UnitHasProfile(profile),
            Admission::NoSuchOrganization => Self::NoSuchOrganization,
            Admission::IdTaken => Self::IdTaken,
            Admission::QuotaReached(most) => Self::QuotaReached(most),
            Admission::NoSuchUnit => Self::NoSuchUnit,
            Admission::UnitTaken => Self::UnitTaken,
        }
    }
}
