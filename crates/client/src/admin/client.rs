//! Clients of an organization, and the tokens that are issued and revoked for them.

use jackfield_model::admin::{
    Client, ClientPatch, List, NewClient, NewRefreshToken, NewToken, RefreshToken, RevokeTokens, Token,
};
use jackfield_model::{ClientId, OrganizationId};

use super::{AdminClient, NO_BODY, Page};
use crate::error::Error;

impl AdminClient {
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
}
