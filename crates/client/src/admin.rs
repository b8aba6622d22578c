//! The admin API: accounts, tokens for tests, the change record, maintenance.

mod backup;
mod call;
mod client;
mod console;
mod directory;
mod import_job;
mod inspect;
mod organization;
mod resource;
mod skill;
mod token;
mod verify;
mod webhook;

use std::sync::Arc;

use http::Method;
use jackfield_model::admin::{ChangeList, Maintenance, RotateKeys, Secret, SigningKeyList, Status};
use jackfield_model::{ExternalUserId, ServiceProviderId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::Api;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::token::{InvalidToken, StaticToken};
use crate::transport::{Repeat, Transport};

pub use directory::AssociationQuery;
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
    /// Only changes about associations of this endpoint.
    pub external_user_id: Option<ExternalUserId>,
    /// Only changes by this actor.
    pub actor: Option<String>,
    /// Only operations that begin with this.
    pub operation: Option<String>,
    /// Only changes with a greater sequence number.
    pub after: u64,
    /// Most changes on the page; the server's default when absent.
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

    /// A page of the change record, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn changes(&self, query: &ChangeQuery) -> Result<ChangeList, Error> {
        let path = with_query(
            "/admin/v1/changes",
            &[
                ("serviceProviderId", query.provider.map(|provider| provider.to_string())),
                ("externalUserId", query.external_user_id.as_ref().map(ToString::to_string)),
                ("actor", query.actor.clone()),
                ("operation", query.operation.clone()),
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
        query if path.contains('?') => format!("{path}&{query}"),
        query => format!("{path}?{query}"),
    }
}
