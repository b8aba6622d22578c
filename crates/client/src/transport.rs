//! One HTTP exchange with time-outs and tries: the only module that names the HTTP library.

mod call;
mod dedicated;
mod download;
mod setup;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Either;
use http_body_util::channel::{Channel, Sender};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::Mutex;

use self::call::{Body, innermost};
pub(crate) use self::call::{Call, Content, Repeat, Reply};
use self::dedicated::DedicatedConnection;
pub use self::download::Download;
pub use self::setup::{Identity, Options, SetupError};
use crate::error::{Error, TransportError, origin, request_id, retry_after};
use crate::retry::RetryPolicy;
use crate::token::{AccessToken, TokenSource};

/// Pieces of an upload that wait to be sent.
const UPLOAD_AHEAD: usize = 2;

/// A pool of connections over HTTP/1.1 and, where TLS negotiates it, HTTP/2. Clones share it.
#[derive(Clone)]
pub struct Transport {
    http: legacy::Client<HttpsConnector<HttpConnector>, Body>,
    /// Makes connections over HTTP/1.1 alone.
    http1: HttpsConnector<HttpConnector>,
    /// What answers in the place of a server on a network.
    exchange: Option<Arc<dyn Exchange>>,
    /// In the place of the pool for what is no stream.
    dedicated: Option<Arc<Mutex<DedicatedConnection>>>,
    request_timeout: Duration,
    retry: RetryPolicy,
}

/// What answers requests in the place of a server on a network: for who calls a service within its own process.
#[async_trait]
pub trait Exchange: fmt::Debug + Send + Sync {
    /// The answer to a request; nothing where there will be none. The URL of the request has no scheme and no host.
    async fn exchange(&self, request: Request<Bytes>) -> Option<http::Response<Bytes>>;
}

impl Transport {
    /// A transport over this exchange, without connections.
    ///
    /// # Errors
    /// [`SetupError`] as [`Self::new`].
    pub fn over(exchange: Arc<dyn Exchange>, options: &Options) -> Result<Self, SetupError> {
        Ok(Self { exchange: Some(exchange), ..Self::new(options)? })
    }

    /// Reads the trusted certificates and makes an empty pool.
    ///
    /// # Errors
    /// [`SetupError`] when the extra certificates cannot be read.
    pub fn new(options: &Options) -> Result<Self, SetupError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(options.connect_timeout));
        let tls = setup::tls(&options.extra_roots_pem, options.identity.as_ref())?;
        let connector = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let http1 = connector().enable_http1().wrap_connector(tcp.clone());
        let connector = connector().enable_all_versions().wrap_connector(tcp);
        // The library itself repeats only requests of which not a byte was written.
        let http =
            legacy::Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Ok(Self {
            http,
            http1,
            exchange: None,
            dedicated: None,
            request_timeout: options.request_timeout,
            retry: options.retry,
        })
    }

    /// The same with a connection of its own over HTTP/1.1, for one call at a time. Clones share it.
    #[must_use]
    pub(crate) fn with_dedicated_connection(&self) -> Self {
        if self.exchange.is_some() {
            return self.clone();
        }
        let connection = DedicatedConnection::new(self.http1.clone(), self.request_timeout);
        Self { dedicated: Some(Arc::new(Mutex::new(connection))), ..self.clone() }
    }

    /// The same pool with another policy of tries.
    #[must_use]
    pub(crate) fn with_retry(&self, retry: RetryPolicy) -> Self {
        Self { retry, ..self.clone() }
    }

    /// Sends a call, again where the policy and the kind of call allow it, and answers with the last reply,
    /// whatever its status.
    pub(crate) async fn send(&self, call: &Call, tokens: Option<&dyn TokenSource>) -> Result<Reply, Error> {
        let mut attempt = 0;
        let mut renewed = false;
        let mut unavailable = false;
        loop {
            attempt += 1;
            let token = match tokens {
                Some(source) => Some(source.token().await?),
                None => None,
            };
            let outcome = self.attempt(call, token.as_ref()).await;
            trace(call, attempt, &outcome);
            if let (Ok(reply), Some(source), Some(token)) = (&outcome, tokens, &token)
                && !renewed
                && reply.refuses_the_token()
                && source.refused(token).await
            {
                renewed = true;
                continue;
            }
            let wait = match &outcome {
                Ok(reply) if reply.says_try_later() => self.retry.wait(attempt, retry_after(&reply.headers)),
                Ok(_) => None,
                Err(TransportError::Connect { .. }) => self.retry.wait(attempt, None),
                Err(TransportError::Lost { .. }) if call.repeat == Repeat::Read => {
                    self.retry.wait(attempt, None)
                }
                // A server that is slow already is not asked twice.
                Err(TransportError::Lost { .. } | TransportError::TimedOut { .. }) => None,
            };
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => {
                    let mark = |reply| Reply { after_unavailable: unavailable, ..reply };
                    return outcome.map(mark).map_err(Error::from);
                }
            }
            unavailable |= outcome.is_ok_and(|reply| reply.status == StatusCode::SERVICE_UNAVAILABLE);
        }
    }

    async fn attempt(&self, call: &Call, token: Option<&AccessToken>) -> Result<Reply, TransportError> {
        if let Some(exchange) = &self.exchange {
            return self.attempt_over(&**exchange, call, token).await;
        }
        match &self.dedicated {
            // It keeps the time-out itself.
            Some(connection) => connection.lock().await.exchange(call, token).await,
            // Boxed to keep the common future small: calls on a dedicated connection are moved.
            None => Box::pin(self.attempt_over_pool(call, token)).await,
        }
    }

    async fn attempt_over(
        &self,
        exchange: &dyn Exchange,
        call: &Call,
        token: Option<&AccessToken>,
    ) -> Result<Reply, TransportError> {
        let endpoint = || origin(&call.uri);
        let answer = exchange.exchange(call.plain_request(path_of(&call.uri), token));
        let Ok(answer) = tokio::time::timeout(self.request_timeout, answer).await else {
            return Err(TransportError::TimedOut { endpoint: endpoint(), after: self.request_timeout });
        };
        let lost = || TransportError::Lost { endpoint: endpoint(), cause: "there was no answer".to_owned() };
        let (head, body) = answer.ok_or_else(lost)?.into_parts();
        Ok(Reply { status: head.status, headers: head.headers, body, after_unavailable: false })
    }

    async fn attempt_over_pool(
        &self,
        call: &Call,
        token: Option<&AccessToken>,
    ) -> Result<Reply, TransportError> {
        let exchange = async {
            let request = call.request(call.uri.clone(), token);
            Reply::read(&call.uri, self.response(&call.uri, request).await?).await
        };
        tokio::time::timeout(self.request_timeout, exchange).await.unwrap_or_else(|_| {
            Err(TransportError::TimedOut { endpoint: origin(&call.uri), after: self.request_timeout })
        })
    }

    async fn response(
        &self,
        uri: &Uri,
        request: Request<Body>,
    ) -> Result<http::Response<Incoming>, TransportError> {
        self.http.request(request).await.map_err(|error| {
            if error.is_connect() {
                TransportError::Connect { endpoint: origin(uri), cause: innermost(&error) }
            } else {
                TransportError::Lost { endpoint: origin(uri), cause: innermost(&error) }
            }
        })
    }

    /// Sends a call once and answers with the head of the reply; its body is read as it comes.
    pub(crate) async fn download(
        &self,
        call: &Call,
        tokens: &dyn TokenSource,
    ) -> Result<http::Response<Download>, Error> {
        let token = tokens.token().await?;
        let response = self.response(&call.uri, call.request(call.uri.clone(), Some(&token)));
        let response = tokio::time::timeout(self.request_timeout, response).await;
        let response = response.unwrap_or_else(|_| {
            Err(TransportError::TimedOut { endpoint: origin(&call.uri), after: self.request_timeout })
        })?;
        let (endpoint, patience) = (origin(&call.uri), self.request_timeout);
        Ok(response.map(|body| Download { body, endpoint, patience }))
    }

    /// Sends a call once, with a body that `feed` gives as it is sent. The time is not limited: the server works while
    /// it reads.
    pub(crate) async fn upload(
        &self,
        call: &Call,
        content_type: &'static str,
        tokens: &dyn TokenSource,
        feed: impl AsyncFnOnce(Sender<Bytes, std::io::Error>),
    ) -> Result<Reply, Error> {
        let token = tokens.token().await?;
        let (sender, body) = Channel::new(UPLOAD_AHEAD);
        let mut request = call.head(call.uri.clone(), Some(&token), Either::Right(body));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let (response, ()) = tokio::join!(self.response(&call.uri, request), feed(sender));
        Ok(Reply::read(&call.uri, response?).await?)
    }
}

/// A URL without its scheme and its host.
pub(crate) fn path_of(uri: &Uri) -> Uri {
    let path = uri.path_and_query().cloned();
    Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
}

/// Method, path, status and request id; neither bodies nor headers nor queries, which can hold secrets.
fn trace(call: &Call, attempt: u32, outcome: &Result<Reply, TransportError>) {
    let (method, path) = (&call.method, call.uri.path());
    match outcome {
        Ok(reply) => tracing::debug!(
            %method,
            path,
            attempt,
            status = reply.status.as_u16(),
            request_id = request_id(&reply.headers),
            "answered"
        ),
        Err(error) => tracing::debug!(%method, path, attempt, %error, "no answer"),
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("request_timeout", &self.request_timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
