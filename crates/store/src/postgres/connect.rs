//! Connections: a bounded pool of them, the TLS below, and the settings of each session.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Connect, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::task::JoinHandle;
use tokio_postgres::config::LoadBalanceHosts;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::{PostgresUrl, TlsSettings, Verify};

/// How long a statement waits for a free connection.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// How long it takes at most until a connection is there; a URL may name several hosts.
const CONNECT_MAX: Duration = Duration::from_secs(8);

/// What each session is told. The database ends what takes too long before the node stops waiting for it, so that
/// the node knows the end. Plans are made once,
/// unless the engine has to see the provider to find its shard, and by index: a table that was small when a statement was planned is
/// not scanned when it has grown. Compiling statements this short would cost more than running them. A commit is on stable storage, whatever the database's default is.
const SESSION: &str = "
    SET statement_timeout = '4s';
    SET lock_timeout = '2s';
    SET idle_in_transaction_session_timeout = '10s';
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET jit = off;
    SET client_min_messages = error;
    SELECT set_config('plan_cache_mode', 'force_generic_plan', false)
        WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus');
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Makes connections.
#[derive(Clone)]
pub(super) struct Connector {
    /// The settings for each host alone, in the order of the URL.
    hosts: Arc<[Config]>,
    /// They are tried in any order.
    balanced: bool,
    tls: MakeRustlsConnect,
}

type Connected = (Client, Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>);

impl Connector {
    /// # Errors
    /// A certificate or key that cannot be used.
    pub(super) fn new(url: &PostgresUrl) -> Result<Self, String> {
        let hosts = super::url::each_host(&url.config).into();
        let balanced = url.config.get_load_balance_hosts() == LoadBalanceHosts::Random;
        Ok(Self { hosts, balanced, tls: MakeRustlsConnect::new(tls(&url.tls)?) })
    }

    /// Connects to the first host that takes part. The library bounds the time until the system of a host accepts;
    /// here it is the time until the database has, because a database that hangs still has a system that accepts.
    async fn open(&self) -> Result<Connected, Error> {
        let count = self.hosts.len();
        let first = if self.balanced { usize::from(uuid::Uuid::new_v4().as_bytes()[0]) % count } else { 0 };
        let mut failed = None;
        for host in (first..first + count).map(|index| &self.hosts[index % count]) {
            let bound = host.get_connect_timeout().copied().unwrap_or(CONNECT_MAX);
            match tokio::time::timeout(bound, host.connect(self.tls.clone())).await {
                Ok(Ok(connected)) => return Ok(connected),
                Ok(Err(error)) => failed = Some(error),
                // The library's other crates make their time-outs so.
                Err(_) => failed = Some(Error::__private_api_timeout()),
            }
        }
        Err(failed.expect("a URL names a host"))
    }

    pub(super) fn pool(&self, size: usize) -> Result<Pool, String> {
        let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(self.hosts[0].clone(), Session(self.clone()), settings);
        Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_MAX))
            .create_timeout(Some(CONNECT_MAX))
            .recycle_timeout(Some(WAIT_MAX))
            .build()
            .map_err(|error| error.to_string())
    }

    /// A connection beside the pool with none of the session's settings.
    pub(super) async fn connect(&self) -> Result<(Client, JoinHandle<()>), Error> {
        let (client, connection) = self.open().await?;
        let task = tokio::spawn(async move {
            // The end of a connection shows at the statement that it ends.
            let _ = connection.await;
        });
        Ok((client, task))
    }

    /// A connection beside the pool that tells of notifications.
    pub(super) async fn listen(
        &self,
        notified: Arc<tokio::sync::Notify>,
    ) -> Result<(Client, JoinHandle<()>), Error> {
        let (client, mut connection) = self.open().await?;
        let task = tokio::spawn(async move {
            let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = futures_util::StreamExt::next(&mut messages).await {
                if matches!(message, AsyncMessage::Notification(_)) {
                    notified.notify_one();
                }
            }
        });
        client.batch_execute(SESSION).await?;
        Ok((client, task))
    }
}

/// Connections of the pool.
struct Session(Connector);

impl Connect for Session {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(async move {
            let (client, task) = self.0.connect().await?;
            client.batch_execute(SESSION).await?;
            Ok((client, task))
        })
    }
}

fn tls(settings: &TlsSettings) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match settings.verify {
        Verify::Full => builder.with_root_certificates(roots(settings)?),
        Verify::Authority => {
            let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(settings)?), provider);
            let inner = inner.build().map_err(|error| format!("sslrootcert: {error}"))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Lenient::AnyHost(inner)))
        }
        Verify::Nothing => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Lenient::AnyCertificate(provider)))
        }
    };
    let Some((certificate, key)) = &settings.client_certificate else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("sslcert {}: {error}", certificate.display()))?;
    let key =
        PrivateKeyDer::from_pem_file(key).map_err(|error| format!("sslkey {}: {error}", key.display()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| format!("sslcert: {error}"))
}

fn roots(settings: &TlsSettings) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match &settings.root_certificates {
        Some(file) => {
            let failed = |error: &dyn std::fmt::Display| format!("sslrootcert {}: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))? {
                let certificate = certificate.map_err(|error| failed(&error))?;
                roots.add(certificate).map_err(|error| failed(&error))?;
            }
        }
        None => {
            let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            tracing::debug!(added, "certificates of the system are trusted for the database");
        }
    }
    Ok(roots)
}

/// What the modes of PostgreSQL take that verify less than everything.
#[derive(Debug)]
enum Lenient {
    /// Any certificate: the connection is encrypted, and nobody knows to whom. A signature with the key of a certificate
    /// that nobody vouches for proves nothing, and the certificates that databases make for themselves are not always of
    /// a version that could be read here: neither is looked at.
    AnyCertificate(Arc<CryptoProvider>),
    /// The certificate of any host that a trusted authority vouches for.
    AnyHost(Arc<WebPkiServerVerifier>),
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Self::AnyHost(inner) = self else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self {
            Self::AnyCertificate(_) => Ok(HandshakeSignatureValid::assertion()),
            Self::AnyHost(inner) => inner.verify_tls12_signature(message, certificate, signed),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self {
            Self::AnyCertificate(_) => Ok(HandshakeSignatureValid::assertion()),
            Self::AnyHost(inner) => inner.verify_tls13_signature(message, certificate, signed),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        match self {
            Self::AnyCertificate(provider) => provider.signature_verification_algorithms.supported_schemes(),
            Self::AnyHost(inner) => inner.supported_verify_schemes(),
        }
    }
}
