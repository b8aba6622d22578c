//! What organizations keep: service providers with their network and their associations, and communication profiles.

use http::Method;
use jackfield_model::admin::{
    AssociationList, List, Profile, ProfilePatch, ServiceProvider, ServiceProviderPatch,
};
use jackfield_model::wire::{Association, DeleteRequest, Network};
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId};

use super::{AdminClient, Page, with_query};
use crate::error::Error;
use crate::transport::Repeat;

/// Which associations of a provider to answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociationQuery {
    /// Only ids that begin with this; empty for all.
    pub prefix: String,
    /// Only associations with this profile. A page may then be short although more follow.
    pub amazon_id: Option<AmazonId>,
    /// Only ids after this one.
    pub after: Option<ExternalUserId>,
    /// Most associations on the page; the server's default when absent.
    pub limit: Option<u32>,
}

impl AdminClient {
    /// A page of an organization's service providers.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn service_providers(
        &self,
        organization: &OrganizationId,
        page: &Page,
    ) -> Result<List<ServiceProvider>, Error> {
        self.get(&page.path(&format!("/admin/v1/organizations/{organization}/serviceProviders"))).await
    }

    /// Makes a service provider.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_service_provider(
        &self,
        organization: &OrganizationId,
        new: &ServiceProvider,
    ) -> Result<ServiceProvider, Error> {
        self.post(&format!("/admin/v1/organizations/{organization}/serviceProviders"), new).await
    }

    /// One service provider.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn service_provider(&self, id: ServiceProviderId) -> Result<ServiceProvider, Error> {
        self.get(&format!("/admin/v1/serviceProviders/{id}")).await
    }

    /// Changes a service provider.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update_service_provider(
        &self,
        id: ServiceProviderId,
        patch: &ServiceProviderPatch,
    ) -> Result<ServiceProvider, Error> {
        self.patch(&format!("/admin/v1/serviceProviders/{id}"), patch).await
    }

    /// Removes a service provider.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_service_provider(&self, id: ServiceProviderId) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/serviceProviders/{id}")).await
    }

    /// Removes a service provider together with its associations, all or none of it.
    ///
    /// # Errors
    /// [`Error`]; status 409 when it has more than [`jackfield_model::limit::CASCADE_ASSOCIATIONS`].
    pub async fn delete_service_provider_with_associations(
        &self,
        id: ServiceProviderId,
    ) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/serviceProviders/{id}?cascade=true")).await
    }

    /// How a provider's network is reached.
    ///
    /// # Errors
    /// [`Error`]; status 404 when that was not said.
    pub async fn network(&self, provider: ServiceProviderId) -> Result<Network, Error> {
        self.get(&format!("/admin/v1/serviceProviders/{provider}/network")).await
    }

    /// Says how a provider's network is reached.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn set_network(
        &self,
        provider: ServiceProviderId,
        network: &Network,
    ) -> Result<Network, Error> {
        // The same wish twice is the same state: a lost answer is asked for again.
        let path = format!("/admin/v1/serviceProviders/{provider}/network");
        self.api.json(Method::PUT, &path, Some(network), Repeat::Read).await
    }

    /// Forgets how a provider's network is reached.
    ///
    /// # Errors
    /// [`Error`]; status 404 when that was not said.
    pub async fn delete_network(&self, provider: ServiceProviderId) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/serviceProviders/{provider}/network")).await
    }

    /// A page of a provider's associations.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn associations(
        &self,
        provider: ServiceProviderId,
        query: &AssociationQuery,
    ) -> Result<AssociationList, Error> {
        let prefix = Some(query.prefix.as_str()).filter(|prefix| !prefix.is_empty());
        let path = with_query(
            &format!("/admin/v1/serviceProviders/{provider}/associations"),
            &[
                ("prefix", prefix.map(str::to_owned)),
                ("amazonId", query.amazon_id.as_ref().map(ToString::to_string)),
                ("after", query.after.as_ref().map(ToString::to_string)),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.get(&path).await
    }

    /// Creates an association.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_association(
        &self,
        provider: ServiceProviderId,
        association: &Association,
    ) -> Result<Association, Error> {
        self.post(&format!("/admin/v1/serviceProviders/{provider}/associations"), association).await
    }

    /// Points an association at another profile.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update_association(
        &self,
        provider: ServiceProviderId,
        association: &Association,
    ) -> Result<Association, Error> {
        let path = format!("/admin/v1/serviceProviders/{provider}/associations");
        self.api.json(Method::PUT, &path, Some(association), Repeat::Write).await
    }

    /// Deletes an association.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_association(
        &self,
        provider: ServiceProviderId,
        external_user_id: &ExternalUserId,
    ) -> Result<(), Error> {
        let path = format!("/admin/v1/serviceProviders/{provider}/associations");
        let request = DeleteRequest { external_user_id: external_user_id.clone() };
        self.api.send(Method::DELETE, &path, Some(&request), Repeat::Write).await.map(drop)
    }

    /// A page of an organization's communication profiles.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn profiles(&self, organization: &OrganizationId, page: &Page) -> Result<List<Profile>, Error> {
        self.get(&page.path(&format!("/admin/v1/organizations/{organization}/profiles"))).await
    }

    /// Makes a communication profile.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_profile(
        &self,
        organization: &OrganizationId,
        new: &Profile,
    ) -> Result<Profile, Error> {
        self.post(&format!("/admin/v1/organizations/{organization}/profiles"), new).await
    }

    /// One communication profile.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn profile(&self, id: &AmazonId) -> Result<Profile, Error> {
        self.get(&format!("/admin/v1/profiles/{id}")).await
    }

    /// Renames a communication profile.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update_profile(&self, id: &AmazonId, patch: &ProfilePatch) -> Result<Profile, Error> {
        self.patch(&format!("/admin/v1/profiles/{id}"), patch).await
    }

    /// Removes a communication profile.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_profile(&self, id: &AmazonId) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/profiles/{id}")).await
    }
}
