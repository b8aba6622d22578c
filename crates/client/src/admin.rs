//! The admin API: accounts, tokens for tests, the change record, maintenance.

mod backup;
mod inspect;
mod token;
mod verify;

use std::sync::Arc;

use http::Method;
use jackfield_model::admin::{
    AssociationList, ChangeList, Client, ClientPatch, List, Maintenance, NewClient, NewRefreshToken,
    NewToken, Organization, OrganizationPatch, Profile, ProfilePatch, RefreshToken, RevokeTokens, RotateKeys,
    Secret, ServiceProvider, ServiceProviderPatch, SigningKeyList, Status, Token,
};
use jackfield_model::wire::Network;
use jackfield_model::{AmazonId, ClientId, ExternalUserId, OrganizationId, ServiceProviderId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Api;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::token::{InvalidToken, StaticToken};
use crate::transport::{Repeat, Transport};

pub use inspect::JournalQuery;
pub use verify::Verification;

/// A client of the admin API. Clones share connections. Every method fails with [`Error`]; a 404 when the object
/// that the path names is not there, a 409 when an id or a name is taken.
#[derive(Clone, Debug)]
pub struct AdminClient {
    api: Api,
}

/// Which part of a list to answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Only objects after this one: the `next_after` of the page before.
    pub after: Option<String>,
    /// Most objects on the page; the server's default when absent.
    pub limit: Option<u32>,
}

/// Which changes to answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeQuery {
    /// Only changes about this provider.
    pub provider: Option<ServiceProviderId>,
    /// Only changes with a greater sequence number.
    pub after: u64,
    /// Most changes on the page; the server's default when absent.
    pub limit: Option<u32>,
}

/// Which associations of a provider to answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssociationQuery {
    /// Only ids that begin with this; empty for all.
    pub prefix: String,
    /// Only ids after this one.
    pub after: Option<ExternalUserId>,
    /// Most associations on the page; the server's default when absent.
    pub limit: Option<u32>,
}

const NO_BODY: Option<&()> = None;

impl AdminClient {
    /// A client of the admin API at `endpoint`.
    ///
    /// # Errors
    /// [`InvalidToken`] when the admin token cannot be sent.
    pub fn new(transport: Transport, endpoint: Endpoint, token: &Secret) -> Result<Self, InvalidToken> {
        Ok(Self { api: Api::new(transport, endpoint, Arc::new(StaticToken::new(token)?)) })
    }

    /// How the server is.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn status(&self) -> Result<Status, Error> {
        self.get("/admin/v1/status").await
    }

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

    /// A page of an organization's clients.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn clients(&self, organization: &OrganizationId, page: &Page) -> Result<List<Client>, Error> {
        self.get(&page.path(&format!("/admin/v1/organizations/{organization}/clients"))).await
    }

    /// Makes a client. The answer holds the secret, this once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_client(
        &self,
        organization: &OrganizationId,
        new: &NewClient,
    ) -> Result<Client, Error> {
        self.post(&format!("/admin/v1/organizations/{organization}/clients"), new).await
    }

    /// One client.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn client(&self, id: &ClientId) -> Result<Client, Error> {
        self.get(&format!("/admin/v1/clients/{id}")).await
    }

    /// Changes a client.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update_client(&self, id: &ClientId, patch: &ClientPatch) -> Result<Client, Error> {
        self.patch(&format!("/admin/v1/clients/{id}"), patch).await
    }

    /// Removes a client; its tokens are refused from then on.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_client(&self, id: &ClientId) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/clients/{id}")).await
    }

    /// Gives a client a new secret, which the answer holds, this once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn rotate_secret(&self, id: &ClientId) -> Result<Client, Error> {
        self.act(&format!("/admin/v1/clients/{id}/rotate-secret"), NO_BODY).await
    }

    /// Revokes a client's access tokens and, where asked, its refresh tokens.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn revoke_tokens(&self, id: &ClientId, which: RevokeTokens) -> Result<Client, Error> {
        self.act(&format!("/admin/v1/clients/{id}/revoke-tokens"), Some(&which)).await
    }

    /// Issues an access token of a client.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn issue_token(&self, id: &ClientId, new: &NewToken) -> Result<Token, Error> {
        self.post(&format!("/admin/v1/clients/{id}/tokens"), new).await
    }

    /// Issues a refresh token of a client. The answer holds it, this once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn issue_refresh_token(
        &self,
        id: &ClientId,
        new: &NewRefreshToken,
    ) -> Result<RefreshToken, Error> {
        self.post(&format!("/admin/v1/clients/{id}/refresh-tokens"), new).await
    }

    /// A page of a client's refresh tokens.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn refresh_tokens(&self, id: &ClientId, page: &Page) -> Result<List<RefreshToken>, Error> {
        self.get(&page.path(&format!("/admin/v1/clients/{id}/refresh-tokens"))).await
    }

    /// Revokes a refresh token, and the access tokens that it gave.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn revoke_refresh_token(&self, id: &str) -> Result<(), Error> {
        let id = form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
        self.remove(&format!("/admin/v1/refresh-tokens/{id}")).await
    }

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
                ("after", query.after.as_ref().map(ToString::to_string)),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.get(&path).await
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

    /// A page of the change record, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn changes(&self, query: &ChangeQuery) -> Result<ChangeList, Error> {
        let path = with_query(
            "/admin/v1/changes",
            &[
                ("serviceProviderId", query.provider.map(|provider| provider.to_string())),
                ("after", Some(query.after.to_string())),
                ("limit", query.limit.map(|limit| limit.to_string())),
            ],
        );
        self.get(&path).await
    }

    /// The keys that sign tokens, oldest first: numbers and times, never the keys.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn keys(&self) -> Result<SigningKeyList, Error> {
        self.get("/admin/v1/keys").await
    }

    /// Gives tokens a new key; answers the keys since. With `revoke` all that older keys signed is worthless at once.
    ///
    /// # Errors
    /// [`Error`]; a 409 when as many keys as there may be still count.
    pub async fn rotate_keys(&self, revoke: bool) -> Result<SigningKeyList, Error> {
        self.act("/admin/v1/keys/rotate", Some(&RotateKeys { revoke })).await
    }

    /// Whether maintenance mode is on.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn maintenance(&self) -> Result<Maintenance, Error> {
        self.get("/admin/v1/maintenance").await
    }

    /// Switches maintenance mode.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn set_maintenance(&self, wanted: Maintenance) -> Result<Maintenance, Error> {
        // The same wish twice is the same state: a lost answer is asked for again.
        self.api.json(Method::PUT, "/admin/v1/maintenance", Some(&wanted), Repeat::Read).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.api.json(Method::GET, path, NO_BODY, Repeat::Read).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Error> {
        self.act(path, Some(body)).await
    }

    async fn act<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, Error> {
        self.api.json(Method::POST, path, body, Repeat::Write).await
    }

    async fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, Error> {
        self.api.json(Method::PATCH, path, Some(body), Repeat::Write).await
    }

    async fn remove(&self, path: &str) -> Result<(), Error> {
        self.api.send(Method::DELETE, path, NO_BODY, Repeat::Write).await.map(drop)
    }
}

impl Page {
    fn path(&self, path: &str) -> String {
        with_query(
            path,
            &[("after", self.after.clone()), ("limit", self.limit.map(|limit| limit.to_string()))],
        )
    }
}

/// A path with those parameters that have a value.
fn with_query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}
