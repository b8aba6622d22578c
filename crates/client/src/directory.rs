//! Service providers, network mapping and communication profiles: the part of the public API around associations.

use http::Method;
use jackfield_model::admin::DisplayName;
use jackfield_model::wire::{
    BatchAnswer, BatchRequest, Network, NewBatchItem, NewProfile, NewServiceProvider, Profile, ProfileUpdate,
    ServiceProvider, ServiceProviderUpdate,
};
use jackfield_model::{AmazonId, ServiceProviderId, UnitId, path};

use crate::client::Client;
use crate::error::Error;
use crate::transport::Repeat;

const NO_BODY: Option<&()> = None;

impl Client {
    /// Makes a service provider in the caller's organization.
    ///
    /// # Errors
    /// [`Error`]; status 409 when the logical id is taken. See [`Error::is_outcome_unknown`].
    pub async fn create_service_provider(&self, new: &NewServiceProvider) -> Result<ServiceProvider, Error> {
        self.api.json(Method::POST, path::SERVICE_PROVIDERS, Some(new), Repeat::Write).await
    }

    /// One service provider.
    ///
    /// # Errors
    /// [`Error`]; status 404 when there is no such provider.
    pub async fn service_provider(&self, id: ServiceProviderId) -> Result<ServiceProvider, Error> {
        self.api.json(Method::GET, &path::service_provider(id), NO_BODY, Repeat::Read).await
    }

    /// Gives a service provider other names for people.
    ///
    /// # Errors
    /// [`Error`]. See [`Error::is_outcome_unknown`].
    pub async fn update_service_provider(
        &self,
        id: ServiceProviderId,
        display_name: Vec<DisplayName>,
    ) -> Result<(), Error> {
        let update = ServiceProviderUpdate { display_name: Some(display_name) };
        self.api.send(Method::PUT, &path::service_provider(id), Some(&update), Repeat::Write).await.map(drop)
    }

    /// Removes a service provider that has no associations.
    ///
    /// # Errors
    /// [`Error`]; status 409 when it has associations. See [`Error::is_outcome_unknown`].
    pub async fn delete_service_provider(&self, id: ServiceProviderId) -> Result<(), Error> {
        self.api.send(Method::DELETE, &path::service_provider(id), NO_BODY, Repeat::Write).await.map(drop)
    }

    /// Removes a service provider together with its associations, all or none of it.
    ///
    /// # Errors
    /// [`Error`]; status 409 when it has more than [`jackfield_model::limit::CASCADE_ASSOCIATIONS`]. See
    /// [`Error::is_outcome_unknown`].
    pub async fn delete_service_provider_with_associations(
        &self,
        id: ServiceProviderId,
    ) -> Result<(), Error> {
        let path = path::service_provider(id) + "?cascade=true";
        self.api.send(Method::DELETE, &path, NO_BODY, Repeat::Write).await.map(drop)
    }

    /// Says how the network of a provider is reached.
    ///
    /// # Errors
    /// [`Error`]; status 409 when that was said already. See [`Error::is_outcome_unknown`].
    pub async fn create_network(&self, provider: ServiceProviderId, network: &Network) -> Result<(), Error> {
        self.api.send(Method::POST, &path::network(provider), Some(network), Repeat::Write).await.map(drop)
    }

    /// How the network of a provider is reached.
    ///
    /// # Errors
    /// [`Error`]; status 404 when that was not said.
    pub async fn network(&self, provider: ServiceProviderId) -> Result<Network, Error> {
        self.api.json(Method::GET, &path::network(provider), NO_BODY, Repeat::Read).await
    }

    /// Says anew how the network of a provider is reached.
    ///
    /// # Errors
    /// [`Error`]; status 404 when that was not said before. See [`Error::is_outcome_unknown`].
    pub async fn update_network(&self, provider: ServiceProviderId, network: &Network) -> Result<(), Error> {
        self.api.send(Method::PUT, &path::network(provider), Some(network), Repeat::Write).await.map(drop)
    }

    /// Forgets how the network of a provider is reached.
    ///
    /// # Errors
    /// [`Error`]; status 404 when that was not said. See [`Error::is_outcome_unknown`].
    pub async fn delete_network(&self, provider: ServiceProviderId) -> Result<(), Error> {
        self.api.send(Method::DELETE, &path::network(provider), NO_BODY, Repeat::Write).await.map(drop)
    }

    /// Gives a unit a communication profile, or the one that it has another name.
    ///
    /// # Errors
    /// [`Error`]; status 401 when the unit belongs to another organization.
    pub async fn create_profile(&self, new: &NewProfile) -> Result<Profile, Error> {
        // The same wish twice is the same profile: a lost answer is asked for again.
        self.api.json(Method::POST, path::PROFILES, Some(new), Repeat::Read).await
    }

    /// Creates up to [`jackfield_model::limit::BATCH_ITEMS`] profiles. The answer has the outcome of each item.
    ///
    /// # Errors
    /// [`Error`] when the batch as a whole is refused; then nothing was stored.
    pub async fn create_profiles(&self, items: Vec<NewBatchItem>) -> Result<BatchAnswer, Error> {
        let request = BatchRequest { items };
        self.api.json(Method::POST, path::PROFILES_BATCH, Some(&request), Repeat::Read).await
    }

    /// One communication profile.
    ///
    /// # Errors
    /// [`Error`]; status 404 when there is no such profile.
    pub async fn profile(&self, id: &AmazonId) -> Result<Profile, Error> {
        self.api.json(Method::GET, &path::profile(id), NO_BODY, Repeat::Read).await
    }

    /// The communication profile of a unit.
    ///
    /// # Errors
    /// [`Error`]; status 404 when the unit has none.
    pub async fn profile_of_unit(&self, unit: &UnitId) -> Result<Profile, Error> {
        // The characters of an id mean nothing else in a query string.
        let path = format!("{}?entity.type=UNIT&entity.id={unit}", path::PROFILES);
        self.api.json(Method::GET, &path, NO_BODY, Repeat::Read).await
    }

    /// Gives a communication profile another name.
    ///
    /// # Errors
    /// [`Error`]. See [`Error::is_outcome_unknown`].
    pub async fn rename_profile(&self, id: &AmazonId, name: &str) -> Result<(), Error> {
        let update = ProfileUpdate { name: name.to_owned() };
        self.api.send(Method::PUT, &path::profile(id), Some(&update), Repeat::Write).await.map(drop)
    }

    /// Removes a communication profile.
    ///
    /// # Errors
    /// [`Error`]; status 409 when the organization is strict about profiles and associations name it. See
    /// [`Error::is_outcome_unknown`].
    pub async fn delete_profile(&self, id: &AmazonId) -> Result<(), Error> {
        self.api.send(Method::DELETE, &path::profile(id), NO_BODY, Repeat::Write).await.map(drop)
    }
}
