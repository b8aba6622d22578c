//! How connections are made: time-outs, certificates, and the TLS that follows from them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use crate::retry::RetryPolicy;

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

pub(super) fn tls(
    extra_roots_pem: &[u8],
    identity: Option<&Identity>,
) -> Result<rustls::ClientConfig, SetupError> {
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
