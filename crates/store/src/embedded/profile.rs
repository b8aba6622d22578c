//! Communication profiles of the embedded store: read from the last commit, written by the writer.

use async_trait::async_trait;
use jackfield_model::{AmazonId, OrganizationId, UnitId};

use super::codec::{corrupt, decode_amazon_id};
use super::layout::{self, Space};
use super::{EmbeddedStore, profile_rows};
use crate::change::Origin;
use crate::contract::{
    CreateProfileOutcome, DeleteProfileOutcome, ProfileStore, PutProfileOutcome, UpdateOutcome,
};
use crate::error::StoreError;
use crate::registry::Profile;

#[async_trait]
impl ProfileStore for EmbeddedStore {
    async fn create_profile(
        &self,
        profile: Profile,
        origin: Origin,
    ) -> Result<CreateProfileOutcome, StoreError> {
        self.write(move |group| group.create_profile(&profile, origin)).await
    }

    async fn rename_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        name: Option<String>,
        origin: Origin,
    ) -> Result<UpdateOutcome, StoreError> {
        let (organization, id) = (organization.clone(), id.clone());
        self.write(move |group| group.rename_profile(&organization, &id, name, origin)).await
    }

    async fn put_profiles(
        &self,
        profiles: Vec<Profile>,
        origin: Origin,
    ) -> Result<Vec<PutProfileOutcome>, StoreError> {
        self.write(move |group| group.put_profiles(profiles, &origin)).await
    }

    async fn delete_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
        origin: Origin,
    ) -> Result<DeleteProfileOutcome, StoreError> {
        let (organization, id) = (organization.clone(), id.clone());
        self.write(move |group| group.delete_profile(&organization, &id, origin)).await
    }

    async fn find_profile(&self, id: &AmazonId) -> Result<Option<Profile>, StoreError> {
        let view = self.shared.view().await?;
        profile_rows::find(id, |key| view.get(Space::Profile, key))
    }

    async fn find_profile_of_unit(&self, unit: &UnitId) -> Result<Option<Profile>, StoreError> {
        let view = self.shared.view().await?;
        profile_rows::find_of_unit(unit, |key| view.get(Space::Profile, key))
    }

    async fn list_profiles(
        &self,
        organization: &OrganizationId,
        after: Option<&AmazonId>,
        limit: usize,
    ) -> Result<Vec<Profile>, StoreError> {
        let view = self.shared.view().await?;
        let prefix = layout::profiles_of(organization);
        let after = after.map(|id| layout::profile_of_organization(organization, id));
        let mut profiles = Vec::new();
        for row in view.rows(Space::Profile, &prefix, after).take(limit) {
            let id = decode_amazon_id(&row?.0[prefix.len()..])?;
            let found = profile_rows::find(&id, |key| view.get(Space::Profile, key))?;
            profiles.push(found.ok_or_else(|| corrupt("profile", &"not there"))?);
        }
        Ok(profiles)
    }
}
