//! Organizations.

use jackfield_model::OrganizationId;
use jackfield_model::admin::{List, Organization, OrganizationPatch};

use super::{AdminClient, Page};
use crate::error::Error;

impl AdminClient {
    /// A page of the organizations.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn organizations(&self, page: &Page) -> Result<List<Organization>, Error> {
        self.get(&page.path("/admin/v1/organizations")).await
    }

    /// Makes an organization.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_organization(&self, new: &Organization) -> Result<Organization, Error> {
        self.post("/admin/v1/organizations", new).await
    }

    /// One organization.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn organization(&self, id: &OrganizationId) -> Result<Organization, Error> {
        self.get(&format!("/admin/v1/organizations/{id}")).await
    }

    /// Changes an organization.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update_organization(
        &self,
        id: &OrganizationId,
        patch: &OrganizationPatch,
    ) -> Result<Organization, Error> {
        self.patch(&format!("/admin/v1/organizations/{id}"), patch).await
    }

    /// Removes an organization.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_organization(&self, id: &OrganizationId) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/organizations/{id}")).await
    }
}
