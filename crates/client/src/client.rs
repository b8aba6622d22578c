//! The public API: one method an operation.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Uri};
use http_body_util::channel::Sender;
use jackfield_model::wire::{Association, DeleteRequest, QueryRequest, QueryResponse};
use jackfield_model::{ExternalUserId, ServiceProviderId, path};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::endpoint::Endpoint;
use crate::error::{ApiError, Error, request_id};
use crate::retry::RetryPolicy;
use crate::token::TokenSource;
use crate::transport::{Call, Content, Download, Repeat, Reply, Transport};

/// A client of the account association API. Clones share connections and tokens.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) api: Api,
}

/// An endpoint with the tokens for it: what the public and the admin client have in common.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    transport: Transport,
    endpoint: Endpoint,
    tokens: Arc<dyn TokenSource>,
    traceparent: Option<HeaderValue>,
}

/// The operations of one provider, for many calls: their URLs are put together once.
#[derive(Clone, Debug)]
pub(crate) struct ExternalUsers {
    api: Api,
    uri: Uri,
    query_uri: Uri,
}

impl Client {
    /// A client of the service at `endpoint` that takes its tokens from `tokens`.
    #[must_use]
    pub fn new(transport: Transport, endpoint: Endpoint, tokens: impl TokenSource + 'static) -> Self {
        Self { api: Api::new(transport, endpoint, Arc::new(tokens)) }
    }

    /// The same client with another policy of tries. Connections and tokens stay shared.
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        let mut other = self.clone();
        other.api.transport = other.api.transport.with_retry(retry);
        other
    }

    /// The same client with a connection of its own over HTTP/1.1, on which calls wait for each other; clones share
    /// it. Many small calls cost less so than over the pool. Tokens stay shared.
    #[must_use]
    pub fn with_dedicated_connection(&self) -> Self {
        let mut other = self.clone();
        other.api.transport = other.api.transport.with_dedicated_connection();
        other
    }

    /// The same client, whose requests are part of a trace: each bears `traceparent`, the value of the header of that name in
    /// [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header). Connections and tokens stay shared.
    #[must_use]
    pub fn with_traceparent(&self, traceparent: HeaderValue) -> Self {
        let mut other = self.clone();
        other.api.traceparent = Some(traceparent);
        other
    }

    /// Where the service is.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.api.endpoint
    }

    /// Stores an association.
    ///
    /// # Errors
    /// [`Error`]; status 409 when the provider has the `externalUserId` already. See
    /// [`Error::is_outcome_unknown`].
    pub async fn create(&self, provider: ServiceProviderId, association: &Association) -> Result<(), Error> {
        self.external_users(provider).create(association).await
    }

    /// Points an existing association at another profile.
    ///
    /// # Errors
    /// [`Error`]; status 404 when there is no such association. See [`Error::is_outcome_unknown`].
    pub async fn update(&self, provider: ServiceProviderId, association: &Association) -> Result<(), Error> {
        self.external_users(provider).update(association).await
    }

    /// Removes an association.
    ///
    /// # Errors
    /// [`Error`]; status 404 when there is no such association. See [`Error::is_outcome_unknown`].
    pub async fn delete(&self, provider: ServiceProviderId, id: &ExternalUserId) -> Result<(), Error> {
        self.external_users(provider).delete(id).await
    }

    /// One page of a query.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn query(
        &self,
        provider: ServiceProviderId,
        query: &QueryRequest,
    ) -> Result<QueryResponse, Error> {
        self.external_users(provider).query(query).await
    }

    /// The operations of one provider.
    pub(crate) fn external_users(&self, provider: ServiceProviderId) -> ExternalUsers {
        ExternalUsers {
            uri: self.api.endpoint.join(&path::external_users(provider)),
            query_uri: self.api.endpoint.join(&path::external_users_query(provider)),
            api: self.api.clone(),
        }
    }

    /// The association of one endpoint, if there is one.
    ///
    /// # Errors
    /// [`Error`]; an association that is not there is none.
    pub async fn get(
        &self,
        provider: ServiceProviderId,
        id: &ExternalUserId,
    ) -> Result<Option<Association>, Error> {
        let query =
            QueryRequest { external_user_ids: Some(vec![id.clone()]), max_results: 1, next_token: None };
        let page = self.query(provider, &query).await?;
        Ok(page.account_associations.into_iter().find(|found| found.external_user_id == *id))
    }
}

impl ExternalUsers {
    pub(crate) async fn create(&self, association: &Association) -> Result<(), Error> {
        self.write(Method::POST, association).await
    }

    pub(crate) async fn update(&self, association: &Association) -> Result<(), Error> {
        self.write(Method::PUT, association).await
    }

    pub(crate) async fn delete(&self, id: &ExternalUserId) -> Result<(), Error> {
        self.write(Method::DELETE, &DeleteRequest { external_user_id: id.clone() }).await
    }

    pub(crate) async fn query(&self, query: &QueryRequest) -> Result<QueryResponse, Error> {
        read(&self.api.send_to(Method::POST, self.query_uri.clone(), Some(query), Repeat::Read).await?)
    }

    async fn write(&self, method: Method, body: &(impl Serialize + Sync)) -> Result<(), Error> {
        self.api.send_to(method, self.uri.clone(), Some(body), Repeat::Write).await.map(drop)
    }
}

impl Api {
    pub(crate) fn new(transport: Transport, endpoint: Endpoint, tokens: Arc<dyn TokenSource>) -> Self {
        Self { transport, endpoint, tokens, traceparent: None }
    }

    /// Sends a request and reads the object of its answer.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
        repeat: Repeat,
    ) -> Result<T, Error> {
        read(&self.send(method, path, body, repeat).await?)
    }

    /// Asks for an answer that is read as it comes.
    pub(crate) async fn download(&self, path: &str) -> Result<Download, Error> {
        let uri = self.endpoint.join(path);
        let call = Call {
            method: Method::GET,
            uri,
            content: None,
            repeat: Repeat::Read,
            traceparent: self.traceparent.clone(),
        };
        let (head, body) = self.transport.download(&call, &*self.tokens).await?.into_parts();
        if head.status.is_success() {
            return Ok(body);
        }
        Err(ApiError::read(head.status, &head.headers, &body.whole().await).into())
    }

    /// Sends a body as it comes and reads the object of the answer.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        content_type: &'static str,
        feed: impl AsyncFnOnce(Sender<Bytes, std::io::Error>),
    ) -> Result<T, Error> {
        let uri = self.endpoint.join(path);
        let call = Call {
            method: Method::POST,
            uri,
            content: None,
            repeat: Repeat::Write,
            traceparent: self.traceparent.clone(),
        };
        let reply = self.transport.upload(&call, content_type, &*self.tokens, feed).await?;
        if !reply.status.is_success() {
            return Err(ApiError::read(reply.status, &reply.headers, &reply.body).into());
        }
        read(&reply)
    }

    /// Sends a request to a path; see [`Self::send_to`].
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
        repeat: Repeat,
    ) -> Result<Reply, Error> {
        self.send_to(method, self.endpoint.join(path), body, repeat).await
    }

    /// Sends a request; every status below 200 and from 300 on is an error.
    async fn send_to(
        &self,
        method: Method,
        uri: Uri,
        body: Option<&(impl Serialize + Sync)>,
        repeat: Repeat,
    ) -> Result<Reply, Error> {
        let content = body.map(|body| {
            let json = serde_json::to_vec(body).expect("bodies of this API have text keys only");
            Content::Json(Bytes::from(json))
        });
        let call = Call { method, uri, content, repeat, traceparent: self.traceparent.clone() };
        let reply = self.transport.send(&call, Some(&*self.tokens)).await?;
        if reply.status.is_success() {
            Ok(reply)
        } else {
            let error = ApiError::read(reply.status, &reply.headers, &reply.body);
            Err(ApiError { after_unavailable: reply.after_unavailable, ..error }.into())
        }
    }
}

/// The object of an answer.
fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, Error> {
    // The parser's own words could repeat a piece of the answer, which may be a secret.
    serde_json::from_slice(&reply.body).map_err(|error| Error::UnexpectedAnswer {
        reason: format!(
            "not the object that belongs to this request (line {}, column {})",
            error.line(),
            error.column()
        ),
        request_id: request_id(&reply.headers),
    })
}
