//! One HTTP exchange with time-outs and tries: the only module that names the HTTP library.

mod own;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio::sync::Mutex;

use self::own::OwnConnection;
use crate::error::{Error, TransportError, origin, request_id, retry_after};
use crate::retry::RetryPolicy;
use crate::token::{AccessToken, TokenSource};

/// Largest answer that is read, in bytes: more than any page of this API.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// Largest error that is read where the answer is a stream.
const ERROR_BYTES: usize = 64 * 1024;
/// Pieces of an upload that wait to be sent.
const UPLOAD_AHEAD: usize = 2;

/// How connections are made and calls are tried.
///
/// ```
/// use std::time::Duration;
///
/// use jackfield_client::{Options, RetryPolicy, Transport};
///
/// let patient = RetryPolicy { attempts: 10, longest_wait: Duration::from_secs(120), ..RetryPolicy::default() };
/// let options = Options { request_timeout: Duration::from_secs(5), retry: patient, ..Options::default() };
/// let transport = Transport::new(&options)?;
/// # Ok::<(), jackfield_client::SetupError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// Longest time to make a connection.
    pub connect_timeout: Duration,
    /// Longest time from sending a request until its answer is complete, each try on its own.
    pub request_timeout: Duration,
    /// When a call is tried again.
    pub retry: RetryPolicy,
    /// Certificates in PEM form that are trusted beside those of the operating system.
    pub extra_roots_pem: Vec<u8>,
    /// What is shown to a server that asks who calls.
    pub identity: Option<Identity>,
}

/// A certificate and its key, with which a client says who it is. The debug form hides the key.
#[derive(Clone)]
pub struct Identity {
    /// Certificate chain in PEM form, the client's own certificate first.
    pub certificates_pem: Vec<u8>,
    /// Its private key in PEM form, not encrypted.
    pub key_pem: Vec<u8>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            extra_roots_pem: Vec::new(),
            identity: None,
        }
    }
}

/// The body of a request: in memory, or as it comes.
type Body = Either<Full<Bytes>, Channel<Bytes, std::io::Error>>;

/// Why no transport could be made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SetupError {
    /// The extra certificates cannot be read.
    #[error("the extra certificates are not PEM certificates: {0}")]
    Certificates(String),
    /// The client's own certificate and key cannot be used.
    #[error("the client's certificate cannot be used with its key: {0}")]
    Identity(String),
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// A pool of connections over HTTP/1.1 and, where TLS negotiates it, HTTP/2. Clones share it.
#[derive(Clone)]
pub struct Transport {
    http: legacy::Client<HttpsConnector<HttpConnector>, Body>,
    /// Makes connections over HTTP/1.1 alone.
    http1: HttpsConnector<HttpConnector>,
    /// In the place of the pool for what is no stream.
    own: Option<Arc<Mutex<OwnConnection>>>,
    request_timeout: Duration,
    retry: RetryPolicy,
}

/// A request, kept so that it can be sent again.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) content: Option<Content>,
    pub(crate) repeat: Repeat,
}

/// What a request carries.
pub(crate) enum Content {
    Json(Bytes),
    Form(String),
}

/// Whether a request may be sent again when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing.
    Read,
    /// It may have been done already.
    Write,
}

/// An answer, complete.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether an earlier try of the same call was answered 503.
    pub(crate) after_unavailable: bool,
}

impl Transport {
    /// Reads the trusted certificates and makes an empty pool.
    ///
    /// # Errors
    /// [`SetupError`] when the extra certificates cannot be read.
    pub fn new(options: &Options) -> Result<Self, SetupError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(options.connect_timeout));
        let tls = tls(&options.extra_roots_pem, options.identity.as_ref())?;
        let connector = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let http1 = connector().enable_http1().wrap_connector(tcp.clone());
        let connector = connector().enable_all_versions().wrap_connector(tcp);
        // The library itself repeats only requests of which not a byte was written.
        let http =
            legacy::Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Ok(Self { http, http1, own: None, request_timeout: options.request_timeout, retry: options.retry })
    }

    /// The same with a connection of its own over HTTP/1.1, for one call at a time. Clones share it.
    #[must_use]
    pub(crate) fn with_own_connection(&self) -> Self {
        let own = OwnConnection::new(self.http1.clone(), self.request_timeout);
        Self { own: Some(Arc::new(Mutex::new(own))), ..self.clone() }
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
        match &self.own {
            // It keeps the time-out itself.
            Some(own) => own.lock().await.exchange(call, token).await,
            // Boxed, so that a call on a connection of its own is not the larger for it: calls are moved.
            None => Box::pin(self.attempt_over_pool(call, token)).await,
        }
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

/// The body of an answer, as it comes.
#[derive(Debug)]
pub struct Download {
    body: Incoming,
    endpoint: String,
    patience: Duration,
}

impl Download {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// [`enum@Error`] when it does not come whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let frame = tokio::time::timeout(self.patience, self.body.frame()).await;
            let endpoint = self.endpoint.clone();
            match frame {
                Err(_) => return Err(TransportError::TimedOut { endpoint, after: self.patience }.into()),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    return Err(TransportError::Lost { endpoint, cause: innermost(&error) }.into());
                }
                Ok(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// All of it, when it is small.
    pub(crate) async fn whole(self) -> Bytes {
        let whole = Limited::new(self.body, ERROR_BYTES).collect().await;
        whole.map(http_body_util::Collected::to_bytes).unwrap_or_default()
    }
}

impl Call {
    /// The request for this URL, or this path on a connection to its server.
    fn request(&self, uri: Uri, token: Option<&AccessToken>) -> Request<Body> {
        let (content_type, body) = match &self.content {
            None => (None, Bytes::new()),
            Some(Content::Json(json)) => (Some("application/json"), json.clone()),
            Some(Content::Form(form)) => {
                (Some("application/x-www-form-urlencoded"), Bytes::from(form.clone()))
            }
        };
        let mut request = self.head(uri, token, Either::Left(Full::new(body)));
        if let Some(content_type) = content_type {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        request
    }

    fn head(&self, uri: Uri, token: Option<&AccessToken>, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        let agent = HeaderValue::from_static(concat!("jackfield/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().insert(USER_AGENT, agent);
        if let Some(token) = token {
            request.headers_mut().insert(AUTHORIZATION, token.header());
        }
        request
    }
}

impl Reply {
    /// Reads the body of an answer to the end.
    async fn read(uri: &Uri, response: http::Response<Incoming>) -> Result<Self, TransportError> {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES)
            .collect()
            .await
            .map_err(|error| TransportError::Lost { endpoint: origin(uri), cause: innermost(&*error) })?;
        let body = body.to_bytes();
        Ok(Self { status: head.status, headers: head.headers, body, after_unavailable: false })
    }

    /// A status that says that another try is in order. A write may have been stored before a 503 all the same, see
    /// [`Error::is_outcome_unknown`].
    fn says_try_later(&self) -> bool {
        matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    }

    /// A 401 that is about the token: RFC 6750 calls that `invalid_token`; a server that gives no reason may
    /// mean it too.
    fn refuses_the_token(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
            && self
                .headers
                .get(WWW_AUTHENTICATE)
                .is_none_or(|challenge| challenge.to_str().is_ok_and(|text| text.contains("invalid_token")))
    }
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

fn tls(extra_roots_pem: &[u8], identity: Option<&Identity>) -> Result<rustls::ClientConfig, SetupError> {
    let mut roots = rustls::RootCertStore::empty();
    // A machine without certificates can still speak http, or https with the extra ones.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if !extra_roots_pem.is_empty() {
        let unreadable = |error: &dyn fmt::Display| SetupError::Certificates(error.to_string());
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(extra_roots_pem) {
            let certificate = certificate.map_err(|error| unreadable(&error))?;
            roots.add(certificate).map_err(|error| unreadable(&error))?;
        }
        if roots.len() == before {
            return Err(SetupError::Certificates("there is none".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::Tls(error.to_string()))?
        .with_root_certificates(roots);
    let Some(identity) = identity else { return Ok(builder.with_no_client_auth()) };
    let unusable = |error: &dyn fmt::Display| SetupError::Identity(error.to_string());
    let chain = CertificateDer::pem_slice_iter(&identity.certificates_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(&error))?;
    // What the reader of keys says could quote one.
    let key = PrivateKeyDer::from_pem_slice(&identity.key_pem)
        .map_err(|_| unusable(&"there is no private key in PEM form (an encrypted one is none)"))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| unusable(&error))
}

/// The cause at the end of a chain: the part that says something to a person.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("request_timeout", &self.request_timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
