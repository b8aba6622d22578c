//! A server from its configuration to its end: store, seed, listeners, connections, background work.

use std::future::Future;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_model::ClientId;
use jackfield_model::admin::Secret;
use jackfield_store::{OpenError, Retention, RetentionClock, Store, Timestamp};
use thiserror::Error;
use tokio::sync::watch;

use crate::admin::act;
use crate::auth::access_token;
use crate::config::{AdminTls, Config, ConsentLogin};
use crate::connection::{self, Door, Most, Timeouts};
use crate::cors::Cors;
use crate::descriptors;
use crate::lwa;
use crate::opening::{Opening, WhenAway};
#[cfg(feature = "in-process")]
use crate::peer::Peer;
use crate::private;
use crate::router::Listener;
use crate::seed::SeedError;
use crate::sockets::Sockets;
use crate::supervisor::Supervisor;
use crate::tls::{FlagNames, Tls, TlsError, TlsSource, Trust};
use crate::waiting::Service;

/// What is in flight when a server is told to stop gets this long to finish.
const GRACE: Duration = Duration::from_secs(10);
/// A store that takes longer than this to open is one that is awaited: the listeners accept meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks for changes that are older than the retention.
const TRIM_INTERVAL: Duration = Duration::from_secs(60);
/// Name of the file in the data directory that holds the admin token.
pub const ADMIN_TOKEN_FILE: &str = "admin-token";

/// A server that accepts connections.
#[derive(Debug)]
pub struct Server {
    service: Arc<Service>,
    /// A store that is still to be opened.
    opening: Option<Opening>,
    public: Sockets,
    plain: Option<Sockets>,
    admin: Sockets,
    tls: Option<Tls>,
    admin_tls: Option<Tls>,
    config: Config,
    admin_token_file: Option<PathBuf>,
}

/// Why a server does not start. The text is for the operator.
#[derive(Debug, Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The seed file is wrong.
    #[error("--seed {path}: {cause}", path = .path.display())]
    Seed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: SeedError,
    },
    /// The admin token cannot be read or kept.
    #[error("the admin token cannot be kept in {path}: {cause}", path = .path.display())]
    AdminToken {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        cause: std::io::Error,
    },
    /// The public listener gets no TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Another token issuer cannot be asked with these settings.
    #[error("--token-issuer: {cause}")]
    TokenIssuer {
        /// What is wrong.
        cause: String,
    },
    /// An address cannot be listened on.
    #[error("{flag} {address} cannot be listened on: {cause}")]
    Listen {
        /// The flag.
        flag: &'static str,
        /// The address, or the name that has none.
        address: String,
        /// What is in the way.
        cause: std::io::Error,
    },
    /// The admin listener could be reached from elsewhere, and what is said there overheard.
    #[error(
        "--admin-listen {address} is no loopback address and would be plain: give it TLS with --admin-tls-cert and \
         --admin-tls-key or with --admin-tls-self-signed, or allow it with --admin-plaintext"
    )]
    AdminPlaintext {
        /// The address.
        address: SocketAddr,
    },
}

impl StartError {
    /// Whether the configuration is at fault, as against the machine it meets.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Seed { cause, .. } => cause.is_configuration(),
            Self::Tls(cause) => matches!(cause, TlsError::Pair(_)),
            Self::TokenIssuer { .. } | Self::AdminPlaintext { .. } | Self::Open(OpenError::Readable(_)) => {
                true
            }
            Self::Open(_) | Self::AdminToken { .. } | Self::Listen { .. } => false,
        }
    }
}

impl Server {
    /// Opens the store, applies the seed and listens. Connections wait until [`Server::run`]. A store that is away for
    /// a reason that may pass is awaited by [`Server::run`], or ends the start.
    ///
    /// # Errors
    /// [`StartError`] saying what to do.
    pub async fn start(config: Config, when_away: WhenAway) -> Result<Self, StartError> {
        refuse_overheard_admin(&config).await?;
        let open = |source: TlsSource| Tls::open(FlagNames::PUBLIC, source, None);
        let tls = config.tls.clone().map(open).transpose()?;
        let open = |tls: AdminTls| Tls::open(FlagNames::ADMIN, tls.source, tls.client_ca.as_deref());
        let admin_tls = config.admin_tls.clone().map(open).transpose()?;
        let service = Arc::new(Service::new(config.body_timeout, Cors::new(config.cors_origins.clone())));
        let mut opening = Opening::new(&config, &service, when_away)?;
        config.secret_files.iter().for_each(|file| private::warn_of_readers(file));
        let (opening, admin_token_file) = match opening.first_attempt(&service, PATIENCE).await {
            Some(opened) => {
                let (app, admin_token_file) = opened?;
                service.open(app);
                (None, admin_token_file)
            }
            None => (Some(opening), None),
        };
        let plain = match &config.plain_listen {
            Some(address) => Some(Sockets::listen("--plain-listen", address).await?),
            None => None,
        };
        Ok(Self {
            public: Sockets::listen("--listen", &config.listen).await?,
            plain,
            tls,
            admin: Sockets::listen("--admin-listen", &config.admin_listen).await?,
            admin_tls,
            service,
            opening,
            config,
            admin_token_file,
        })
    }

    /// Where the public API is served.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn public_address(&self) -> std::io::Result<SocketAddr> {
        self.public.address()
    }

    /// The base URL of the public API: its scheme and address.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn public_url(&self) -> std::io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.public_address()?))
    }

    /// Where the public API is served without TLS beside the listener that has it.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn plain_address(&self) -> std::io::Result<Option<SocketAddr>> {
        self.plain.as_ref().map(Sockets::address).transpose()
    }

    /// What clients need to trust the public listener; nothing when it is plain or its certificate is the operator's
    /// business.
    #[must_use]
    pub fn trust(&self) -> Option<Trust> {
        self.tls.as_ref()?.trust(self.public_address().ok()?)
    }

    /// Where the admin API is served.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn admin_address(&self) -> std::io::Result<SocketAddr> {
        self.admin.address()
    }

    /// The base URL of the admin API: its scheme and address.
    ///
    /// # Errors
    /// When the operating system does not tell.
    pub fn admin_url(&self) -> std::io::Result<String> {
        let scheme = if self.admin_tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.admin_address()?))
    }

    /// Whether whoever reaches the consent page may allow.
    #[must_use]
    pub fn consent_is_open(&self) -> bool {
        self.config.consent_login == ConsentLogin::Open
    }

    /// The kind of store, for the ready line.
    #[must_use]
    pub fn store_kind(&self) -> &'static str {
        self.config.store.kind()
    }

    /// The file that holds the admin token, unless the configuration gave one.
    #[must_use]
    pub fn admin_token_file(&self) -> Option<&Path> {
        self.admin_token_file.as_deref()
    }

    /// An access token of a client for its granted scopes; nothing when there is no such client, or no store yet.
    #[must_use]
    pub fn issue_access_token(&self, client: &ClientId, life: Duration) -> Option<Secret> {
        let app = self.service.app()?;
        let client = app.store.registry().clients.get(client).cloned()?;
        Some(lwa::issue(app, &client, &client.scopes, life.as_secs()).access_token)
    }

    /// Status and body of the answer to a request to the public listener, as a connection would send them, without one;
    /// nothing when a fault rule keeps the answer.
    #[cfg(feature = "in-process")]
    pub async fn answer(
        &self,
        request: http::Request<http_body_util::Full<bytes::Bytes>>,
    ) -> Option<(http::StatusCode, bytes::Bytes)> {
        let answer = self.service.respond(Listener::Public, Peer::LOCAL, None, request).await.ok()?;
        let (status, body) = (answer.status(), answer.into_body());
        let body = http_body_util::BodyExt::collect(body).await.ok()?;
        Some((status, body.to_bytes()))
    }

    /// Serves until `stop` is done, then finishes what is in flight, 10 s at most, and closes the store. As long as the
    /// store is away, requests are answered 503.
    ///
    /// # Errors
    /// [`StartError`] when the store was away and then cannot be opened for a reason that does not pass.
    pub async fn run(
        self,
        stop: impl Future<Output = ()>,
        supervisor: &Supervisor,
    ) -> Result<(), StartError> {
        let Self { service, opening, public, plain, admin, tls, admin_tls, config, mut admin_token_file } =
            self;
        // Each connection has a receiver until it has ended.
        let (stopping, stopped) = watch::channel(false);
        let timeouts = Timeouts { head: config.header_timeout, stall: config.body_timeout };
        let handshakes =
            |tls: &Option<Tls>| tls.as_ref().map(|tls| tls.handshakes(service.metrics(), timeouts.head));
        let mut doors = public.doors(handshakes(&tls).as_ref(), Listener::Public);
        doors.extend(plain.into_iter().flat_map(|plain| plain.doors(None, Listener::Public)));
        doors.extend(admin.doors(handshakes(&admin_tls).as_ref(), Listener::Admin));
        let keep_fresh = |tls: Tls| tokio::spawn(tls.keep_fresh(Arc::clone(service.metrics())));
        let refreshing: Vec<_> = [tls, admin_tls].into_iter().flatten().map(keep_fresh).collect();
        let shares = descriptors::shares(config.max_connections, &doors, config.open_files);
        let accept = |door: Door| {
            let most = Most {
                connections: if door.which == Listener::Admin { shares.admin } else { shares.public },
                of_one_origin: config.max_connections_per_address,
            };
            connection::accept(door, Arc::clone(&service), timeouts, most, stopped.clone())
        };
        let serving = futures_util::future::join_all(doors.into_iter().map(accept));
        let until_stopped = async {
            let outcome = tokio::select! {
                () = stop => Ok(()),
                error = work(&service, opening, &config, &mut admin_token_file, supervisor) => Err(error),
                () = supervisor.keep_alive() => Ok(()),
            };
            tracing::info!("stopping: what is in flight is finished");
            supervisor.stopping();
            stopping.send_replace(true);
            if let Some(app) = service.app() {
                app.journal.close();
            }
            outcome
        };
        let (_, outcome) = tokio::join!(serving, until_stopped);
        for task in refreshing {
            task.abort();
        }
        drop(stopped);
        if tokio::time::timeout(GRACE, stopping.closed()).await.is_err() {
            tracing::warn!("some requests did not finish in time and were cut off");
        }
        if let Some(app) = service.app() {
            app.store.close().await;
        }
        if let (None, Some(file)) = (config.store.directory(), admin_token_file) {
            // The token dies with this process; the file is of no use any more.
            let _ = std::fs::remove_file(file);
        }
        outcome
    }
}

/// What a server does beside answering: it opens the store if that is still to be done, then forgets old changes. It
/// goes on until the server stops, unless the store cannot be opened at all.
async fn work(
    service: &Service,
    opening: Option<Opening>,
    config: &Config,
    admin_token_file: &mut Option<PathBuf>,
    supervisor: &Supervisor,
) -> StartError {
    if let Some(opening) = opening {
        let mut causes = service.causes();
        let telling = async {
            loop {
                let cause = causes.borrow_and_update().clone();
                supervisor.waiting(cause.as_deref().unwrap_or_default());
                if causes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let opened = tokio::select! {
            opened = opening.done() => opened,
            () = telling => unreachable!("it goes on until the store is open"),
        };
        match opened {
            Ok((app, file)) => {
                *admin_token_file = file;
                service.open(app);
                tracing::info!("the store is open");
            }
            Err(error) => return error,
        }
    }
    supervisor.ready();
    if let Some(app) = service.app() {
        let telling = act::keep_telling(Arc::clone(app));
        tokio::join!(trim_changes(Arc::clone(&app.store), config.change_retention), telling);
    }
    std::future::pending().await
}

/// Tokens and secrets go over the admin listener: beyond this machine it is plain only where an operator says so. A name
/// that is not known is refused when it is listened on.
async fn refuse_overheard_admin(config: &Config) -> Result<(), StartError> {
    if config.admin_tls.is_some() || config.admin_plaintext {
        return Ok(());
    }
    let addresses = config.admin_listen.resolve().await.unwrap_or_default();
    match addresses.into_iter().find(|address| !address.ip().is_loopback()) {
        Some(address) => Err(StartError::AdminPlaintext { address }),
        None => Ok(()),
    }
}

async fn trim_changes(store: Arc<dyn Store>, retention: Option<Duration>) {
    let Some(mut retention) = retention.map(Retention::new) else { return };
    let mut clock = RetentionClock::new(Instant::now(), Timestamp::now());
    loop {
        let now = clock.look(Instant::now(), Timestamp::now());
        if let Err(error) = retention.apply(&*store, now).await {
            tracing::warn!(%error, "old changes could not be forgotten");
        }
        tokio::time::sleep(TRIM_INTERVAL).await;
    }
}

/// The admin token of the data directory, made when it is not there. A store without a directory has a token for as
/// long as the process lives, in a file of the system's directory for temporary files.
pub(crate) fn kept_admin_token(directory: Option<&Path>) -> Result<(String, PathBuf), StartError> {
    let path = match directory {
        Some(directory) => directory.join(ADMIN_TOKEN_FILE),
        None => std::env::temp_dir().join(format!("jackfield-{}-{ADMIN_TOKEN_FILE}", std::process::id())),
    };
    let failed = |cause| StartError::AdminToken { path: path.clone(), cause };
    match std::fs::read_to_string(&path) {
        Ok(token) if directory.is_some() && !token.trim().is_empty() => {
            return Ok((token.trim().to_owned(), path));
        }
        Ok(_) => std::fs::remove_file(&path).map_err(failed)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let token = access_token::random_text::<32>();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(failed)?;
    file.write_all(token.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    tracing::info!(path = %path.display(), "the admin token was made");
    Ok((token, path))
}
