//! What the console uses of the admin API: sessions, the last hour, requests that are tried.

use jackfield_model::admin::{Demo, History, Session, SessionLink, TriedAnswer, TriedRequest};

use super::{AdminClient, NO_BODY, with_query};
use crate::error::Error;

impl AdminClient {
    /// Who this client is: the name and the role of its admin token.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn session(&self) -> Result<Session, Error> {
        self.get("/admin/v1/session").await
    }

    /// A token that signs in to the console once, within ten minutes, behind `/console/#token=`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_session_link(&self) -> Result<SessionLink, Error> {
        self.act("/admin/v1/session/links", NO_BODY).await
    }

    /// Sends a request to the public API of the server in the name of a client.
    ///
    /// # Errors
    /// [`Error`]; what the public API refuses is an answer.
    pub async fn try_request(&self, request: &TriedRequest) -> Result<TriedAnswer, Error> {
        self.post("/admin/v1/try", request).await
    }

    /// The last hour of the server, or what came after a sample.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn history(&self, after: Option<u64>) -> Result<History, Error> {
        let path = with_query("/admin/v1/history", &[("after", after.map(|after| after.to_string()))]);
        self.get(&path).await
    }

    /// The credentials of the demo data.
    ///
    /// # Errors
    /// [`Error`]; a 404 when the server has none.
    pub async fn demo(&self) -> Result<Demo, Error> {
        self.get("/admin/v1/demo").await
    }
}
