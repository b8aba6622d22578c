//! Outbound HTTP to a token issuer: the only file of the server that knows the client library.
//!
//! Answers are bounded; a redirect is not followed, since it could carry a token elsewhere.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use jackfield_model::limit;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::de::DeserializeOwned;

/// A pool of connections to an issuer. Clones share it.
#[derive(Clone)]
pub(crate) struct Outbound {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// An answer, complete.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    body: Bytes,
}

impl Outbound {
    /// Reads the trusted certificates, and those of the file beside them.
    pub(crate) fn new(ca: Option<&Path>) -> Result<Self, String> {
        let mut roots = rustls::RootCertStore::empty();
        // A machine without certificates can still speak http, or https with those of the file.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = ca {
            let unreadable = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
            let before = roots.len();
            let text = std::fs::read(path).map_err(|error| unreadable(&error))?;
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            if roots.len() == before {
                return Err(unreadable(&"it holds no certificate"));
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
        tcp.set_connect_timeout(Some(limit::ISSUER_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(limit::ISSUER_CALLS)
            .build(connector);
        Ok(Self { http })
    }

    /// Sends a request and reads the answer. The text of a failure holds neither the request nor a token.
    pub(super) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Answered, String> {
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
        let agent = concat!("jackfield/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, header::HeaderValue::from_static(agent));
        let response = self.http.request(request).await.map_err(|error| innermost(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), limit::ISSUER_ANSWER_BYTES).collect().await;
        Ok(Answered { status, body: body.map_err(|error| innermost(&*error))?.to_bytes() })
    }
}

impl Answered {
    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
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
