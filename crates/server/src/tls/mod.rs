//! TLS of a listener: 1.2 and 1.3 with the ring provider's suites, HTTP/2 and HTTP/1.1 by ALPN, and a
//! certificate that is replaced while the listener goes on. Connections keep the certificate that they began with.

mod client_ca;
mod files;
mod local_ca;
mod settings;
mod trust;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use files::PairError;
pub use local_ca::LocalCaError;
pub(crate) use settings::{FlagNames, TlsFlags};
pub use settings::{InvalidTlsName, TlsName, TlsSource};
pub use trust::Trust;

use crate::metrics::{Handshake, Metrics};
use files::{Look, PairFiles};
use local_ca::LocalCa;

/// Longest that a handshake may take, whatever a client is given for the head of a request.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// Between two checks whether to replace the certificate.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Before another try when a certificate could not be renewed.
const RENEWAL_PAUSE: Duration = Duration::from_secs(60 * 60);

/// Why a listener gets no TLS. The text is for the operator.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The operator's files.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// The local CA.
    #[error(transparent)]
    LocalCa(#[from] LocalCaError),
    /// The TLS library, or the operating system.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// The certificate in use and where the next one comes from.
#[derive(Debug)]
pub(crate) struct Tls {
    served: Arc<Served>,
    config: Arc<ServerConfig>,
    source: Source,
    hangup: Signal,
}

#[derive(Debug)]
enum Source {
    Files(PairFiles),
    SelfSigned { ca: Box<LocalCa>, names: Vec<TlsName>, renew_at: SystemTime },
}

/// Does the handshakes of a listener. Clones share everything.
#[derive(Clone)]
pub(crate) struct Handshakes {
    acceptor: TlsAcceptor,
    metrics: Arc<Metrics>,
    limit: Duration,
}

/// The configuration of every handshake.
#[derive(Debug)]
struct Served(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// The cryptography of all of this server's TLS.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl Tls {
    /// Reads or makes the certificate. From here on SIGHUP replaces it. With `client_ca`, clients must present a
    /// certificate signed by one in that file.
    ///
    /// # Errors
    /// [`TlsError`] when there is none that can be used.
    pub(crate) fn open(
        flags: FlagNames,
        source: TlsSource,
        client_ca: Option<&Path>,
    ) -> Result<Self, TlsError> {
        let (source, key) = match source {
            TlsSource::Files { cert, key } => {
                let (files, pair) = PairFiles::open(flags, cert, key)?;
                (Source::Files(files), pair)
            }
            TlsSource::SelfSigned { directory, names } => {
                let now = SystemTime::now();
                let ca = LocalCa::open(&directory, now)?;
                let leaf = ca.issue(&names, now)?;
                (Source::SelfSigned { ca: Box::new(ca), names, renew_at: leaf.renew_at }, leaf.key)
            }
        };
        let setup = |error: &dyn std::fmt::Display| TlsError::Setup(error.to_string());
        let served = Arc::new(Served(ArcSwap::new(key)));
        let certificates: Arc<dyn ResolvesServerCert> = Arc::<Served>::clone(&served);
        let clients = client_ca.map(client_ca::verifier).transpose()?;
        let config = config(certificates, clients).map_err(|error| setup(&error))?;
        let hangup = signal(SignalKind::hangup()).map_err(|error| setup(&error))?;
        Ok(Self { served, config: Arc::new(config), source, hangup })
    }

    /// What does the handshakes of a listener whose clients get this long for a head.
    pub(crate) fn handshakes(&self, metrics: &Arc<Metrics>, head: Duration) -> Handshakes {
        Handshakes {
            acceptor: TlsAcceptor::from(Arc::clone(&self.config)),
            metrics: Arc::clone(metrics),
            limit: head.min(HANDSHAKE_MAX),
        }
    }

    /// What clients need to trust a listener; nothing when the operator provides the certificate.
    pub(crate) fn trust(&self, listening: SocketAddr) -> Option<Trust> {
        match &self.source {
            Source::Files(_) => None,
            Source::SelfSigned { ca, names, .. } => {
                Some(Trust::new(ca.cert_file(), names.clone(), listening))
            }
        }
    }

    /// Replaces the certificate when its files change, when it is about to expire, and on SIGHUP. Never ends.
    pub(crate) async fn keep_fresh(mut self, mut metrics: Arc<Metrics>) {
        loop {
            let at_once = tokio::select! {
                () = tokio::time::sleep(LOOK_INTERVAL) => false,
                _ = self.hangup.recv() => true,
            };
            // Files may be on a disk that makes one wait.
            let look = tokio::task::spawn_blocking(move || {
                self.look(at_once, SystemTime::now(), &metrics);
                (self, metrics)
            });
            match look.await {
                Ok((refreshed, shared)) => (self, metrics) = (refreshed, shared),
                // The process is ending.
                Err(_) => return,
            }
        }
    }

    fn look(&mut self, at_once: bool, now: SystemTime, metrics: &Metrics) {
        match &mut self.source {
            Source::Files(files) => match files.look(at_once) {
                Look::Same => {}
                Look::New(pair) => {
                    self.served.0.store(pair);
                    metrics.certificate(true);
                    tracing::info!("the TLS certificate was read again; new connections get it");
                }
                Look::Broken(error) => {
                    metrics.certificate(false);
                    tracing::warn!(%error, "the new TLS certificate is of no use; the one before stays");
                }
            },
            Source::SelfSigned { renew_at, .. } if now < *renew_at && !at_once => {}
            Source::SelfSigned { ca, names, renew_at } => match ca.issue(names, now) {
                Ok(leaf) => {
                    self.served.0.store(leaf.key);
                    *renew_at = leaf.renew_at;
                    metrics.certificate(true);
                    tracing::info!("the TLS certificate was renewed; new connections get it");
                }
                Err(error) => {
                    *renew_at = now + RENEWAL_PAUSE;
                    metrics.certificate(false);
                    tracing::warn!(%error, "the TLS certificate could not be renewed; the one before stays");
                }
            },
        }
    }
}

fn config(
    certificates: Arc<dyn ResolvesServerCert>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
) -> Result<ServerConfig, rustls::Error> {
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&versions)?;
    let builder = match clients {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A client that comes back saves the signature. Tickets need no memory for each client.
    config.ticketer = rustls::crypto::ring::Ticketer::new()?;
    Ok(config)
}

impl Handshakes {
    /// A connection with TLS; nothing when the client speaks none, or takes too long. A failure is only counted and
    /// logged at `debug`: any client can cause as many as it likes.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match tokio::time::timeout(self.limit, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                self.metrics.handshake(Handshake::Done);
                Some(stream)
            }
            Ok(Err(error)) => {
                self.metrics.handshake(Handshake::Failed);
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => {
                self.metrics.handshake(Handshake::Late);
                tracing::debug!("a TLS handshake took too long");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(directory: &std::path::Path) -> Tls {
        let names = vec!["a.example".parse().unwrap()];
        let source = TlsSource::SelfSigned { directory: directory.to_owned(), names };
        Tls::open(FlagNames::PUBLIC, source, None).unwrap()
    }

    #[tokio::test]
    async fn a_certificate_is_renewed_when_it_is_due_and_when_asked() {
        let home = tempfile::tempdir().unwrap();
        let mut tls = tls(home.path());
        let metrics = Metrics::default();
        let serial = |tls: &Tls| tls.served.0.load().end_entity_cert().unwrap().to_vec();
        let Source::SelfSigned { renew_at, .. } = tls.source else { panic!("it has a CA") };
        let first = serial(&tls);
        tls.look(false, renew_at - Duration::from_secs(1), &metrics);
        assert_eq!(serial(&tls), first, "not due yet");
        tls.look(false, renew_at, &metrics);
        let second = serial(&tls);
        assert_ne!(second, first);
        tls.look(false, renew_at + LOOK_INTERVAL, &metrics);
        assert_eq!(serial(&tls), second, "once is enough");
        tls.look(true, renew_at + LOOK_INTERVAL, &metrics);
        assert_ne!(serial(&tls), second);
    }

    #[tokio::test]
    async fn a_renewal_that_fails_leaves_the_certificate_and_waits() {
        let home = tempfile::tempdir().unwrap();
        let mut tls = tls(home.path());
        let metrics = Metrics::default();
        let first = tls.served.0.load_full();
        // So late that the CA itself has expired.
        let late = SystemTime::now() + Duration::from_secs(11 * 366 * 24 * 60 * 60);
        tls.look(false, late, &metrics);
        assert!(Arc::ptr_eq(&first, &tls.served.0.load()));
        let Source::SelfSigned { renew_at, .. } = &tls.source else { panic!("it has a CA") };
        assert_eq!(*renew_at, late + RENEWAL_PAUSE);
    }
}
