//! Outbound HTTP, to token issuers, skills and webhooks: the only file of the server that knows the client library.
//!
//! Answers are bounded; a redirect is not followed, since it could carry a token elsewhere.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::de::DeserializeOwned;

/// A pool of connections. Clones share it.
#[derive(Clone)]
pub(crate) struct Outbound {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    bounds: Bounds,
}

/// What bounds a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// To connect.
    pub(crate) connect: Duration,
    /// Connections to one host that wait for the next request.
    pub(crate) idle: usize,
    /// Bytes of an answer.
    pub(crate) answer: usize,
}

/// An answer, complete.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// Why there is no answer. The text holds neither the request nor a token.
#[derive(Debug)]
pub(crate) struct Unanswered(Box<dyn std::error::Error + Send + Sync>);

impl Outbound {
    /// The same as [`Self::new`], with the certificates of a file.
    pub(crate) fn with_ca_file(ca: Option<&Path>, bounds: Bounds) -> Result<Self, String> {
        let Some(path) = ca else { return Self::new(None, bounds) };
        let text = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::new(Some(&text), bounds).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Reads the trusted certificates of the machine, and these in PEM form beside them.
    pub(crate) fn new(ca: Option<&[u8]>, bounds: Bounds) -> Result<Self, String> {
        let mut roots = rustls::RootCertStore::empty();
        // A machine without certificates can still speak http, or https with those that are given.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(text) = ca {
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(text) {
                let certificate = certificate.map_err(|error| error.to_string())?;
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
            if roots.len() == before {
                return Err("it holds no certificate".to_owned());
            }
        }
        let tls =
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_root_certificates(roots)
                .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(bounds.connect));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(bounds.idle)
            .build(connector);
        Ok(Self { http, bounds })
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answered, Unanswered> {
        let response = self.begin(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), self.bounds.answer).collect().await;
        Ok(Answered { status, body: body.map_err(Unanswered)?.to_bytes() })
    }

    /// Sends a request whose answer says all by its status. A short body is read, so that the connection can be used again.
    pub(crate) async fn status(&self, request: Request<Full<Bytes>>) -> Result<StatusCode, Unanswered> {
        let response = self.begin(request).await?;
        let status = response.status();
        let _ = Limited::new(response.into_body(), self.bounds.answer).collect().await;
        Ok(status)
    }

    async fn begin(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Unanswered> {
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
        let agent = concat!("jackfield/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, header::HeaderValue::from_static(agent));
        self.http.request(request).await.map_err(|error| Unanswered(error.into()))
    }
}

impl Unanswered {
    /// A cause of this type.
    pub(crate) fn cause<E: std::error::Error + 'static>(&self) -> Option<&E> {
        let mut at: &(dyn std::error::Error + 'static) = &*self.0;
        loop {
            if let Some(found) = at.downcast_ref() {
                return Some(found);
            }
            // An error of the operating system may wrap that of a library, several times, and names only what is below.
            at = match at.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
                Some(inner) => inner,
                None => at.source()?,
            };
        }
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&innermost(&*self.0))
    }
}

impl Answered {
    /// The body as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        // The parser's own text could quote the answer.
        serde_json::from_slice(&self.body)
            .map_err(|error| format!("its answer is not what it should be (at byte {})", error.column()))
    }
}

/// The cause at the end of a chain: the part that says something to a person.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
