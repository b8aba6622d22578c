//! Admin tokens: made, listed and revoked.

use jackfield_model::admin::{AdminToken, List, NewAdminToken};

use super::{AdminClient, Page};
use crate::error::Error;

impl AdminClient {
    /// Makes an admin token; the answer holds it, this once.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_admin_token(&self, new: &NewAdminToken) -> Result<AdminToken, Error> {
        self.post("/admin/v1/tokens", new).await
    }

    /// A page of the admin tokens.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn admin_tokens(&self, page: &Page) -> Result<List<AdminToken>, Error> {
        self.get(&page.path("/admin/v1/tokens")).await
    }

    /// Revokes an admin token.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn revoke_admin_token(&self, id: &str) -> Result<(), Error> {
        let id = form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
        self.remove(&format!("/admin/v1/tokens/{id}")).await
    }
}
