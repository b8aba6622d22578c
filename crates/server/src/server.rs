//! A server from its configuration to its end: store, seed, listeners, connections, background work.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_model::ClientId;
use jackfield_model::admin::Secret;
use jackfield_store::{Retention, RetentionClock, Store, Timestamp};
use tokio::sync::watch;

use crate::admin;
use crate::auth;
use crate::config::{AdminTls, Config, ConsentLogin};
use crate::http::admin_hosts::AdminHosts;
use crate::http::connection::{self, ListenerConfig, Most, Timeouts};
use crate::http::cors::Cors;
use crate::http::descriptors;
use crate::http::listeners::Sockets;
use crate::http::service_gate::ServiceGate;
use crate::private;
use crate::router::Listener;
use crate::startup::{OnUnavailable, PendingStore, StartError};
use crate::state::State;
use crate::supervisor::Supervisor;
use crate::tls::{FlagNames, Tls, TlsSource, Trust};
#[cfg(feature = "in-process")]
use crate::transport::peer::Peer;
use crate::webhook;

/// Requests in flight at shutdown get this long to finish.
const GRACE: Duration = Duration::from_secs(10);
/// When a store takes longer than this to open, the listeners accept meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks for changes that are older than the retention.
const TRIM_INTERVAL: Duration = Duration::from_secs(60);

/// A server that accepts connections.
#[derive(Debug)]
pub struct Server {
    gate: Arc<ServiceGate>,
    /// A store that is still to be opened.
    pending: Option<PendingStore>,
    public: Sockets,
    plain: Option<Sockets>,
    admin: Sockets,
    tls: Option<Tls>,
    admin_tls: Option<Tls>,
    config: Config,
    admin_token_file: Option<PathBuf>,
}

impl Server {
    /// Opens the store, applies the seed and listens. Connections wait until [`Server::run`]. When the store is
    /// unavailable for a temporary reason, [`Server::run`] retries, or the start fails.
    ///
    /// # Errors
    /// [`StartError`] saying what to do.
    pub async fn start(config: Config, on_unavailable: OnUnavailable) -> Result<Self, StartError> {
        refuse_overheard_admin(&config).await?;
        let open = |source: TlsSource| Tls::open(FlagNames::PUBLIC, source, None);
        let tls = config.tls.clone().map(open).transpose()?;
        let open = |tls: AdminTls| Tls::open(FlagNames::ADMIN, tls.source, tls.client_ca.as_deref());
        let admin_tls = config.admin_tls.clone().map(open).transpose()?;
        let gate = Arc::new(ServiceGate::new(
            config.body_timeout,
            Cors::new(config.cors_origins.clone()),
            AdminHosts { names: config.admin_hosts.clone(), certified: config.admin_tls.is_some() },
        ));
        let mut pending = PendingStore::new(&config, &gate, on_unavailable)?;
        config.secret_files.iter().for_each(|file| private::warn_of_readers(file));
        let (pending, admin_token_file) = match pending.first_attempt(&gate, PATIENCE).await {
            Some(opened) => {
                let (state, admin_token_file) = opened?;
                gate.open(state);
                (None, admin_token_file)
            }
            None => (Some(pending), None),
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
            gate,
            pending,
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

    /// What clients need to trust the public listener; nothing when it is plain or the operator provides the
    /// certificate.
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

    /// Whether anyone who reaches the consent page may approve.
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
        let state = self.gate.state()?;
        let client = state.store.registry().clients.get(client).cloned()?;
        Some(auth::issue(state, &client, &client.scopes, life.as_secs()).access_token)
    }

    /// A link that signs in to the console once, within ten minutes, for the admin token that the server was started with;
    /// nothing when that was revoked, or there is no store yet.
    ///
    /// # Errors
    /// When the operating system does not tell where the server listens.
    pub fn console_link(&self) -> std::io::Result<Option<Secret>> {
        let Some(state) = self.gate.state() else { return Ok(None) };
        let Some(token) = admin::bootstrap_link(state) else { return Ok(None) };
        Ok(Some(Secret(format!("{}/console/#token={token}", self.admin_url()?))))
    }

    /// Status and body of the answer to a request to the public listener, as a connection would send them, without one;
    /// nothing when a fault rule keeps the answer.
    #[cfg(feature = "in-process")]
    pub async fn answer(
        &self,
        request: http::Request<http_body_util::Full<bytes::Bytes>>,
    ) -> Option<(http::StatusCode, bytes::Bytes)> {
        let responded = std::pin::pin!(self.gate.respond(Listener::Public, Peer::LOCAL, None, request));
        match responded.await {
            Ok(mut answer) => Some((answer.status(), answer.body_mut().whole().await.ok()?)),
            Err(_) => None,
        }
    }

    /// Serves until `stop` is done, then finishes requests in flight, 10 s at most, and closes the store. While the
    /// store is unavailable, it answers requests with 503.
    ///
    /// # Errors
    /// [`StartError`] when the store was unavailable and then cannot be opened for a permanent reason.
    pub async fn run(
        self,
        stop: impl Future<Output = ()>,
        supervisor: &Supervisor,
    ) -> Result<(), StartError> {
        let endpoint = self.public_url().unwrap_or_default();
        let Self { gate, pending, public, plain, admin, tls, admin_tls, config, mut admin_token_file } = self;
        let public_url = config.public_url.clone().or_else(|| {
            let scheme = if tls.is_some() { "https" } else { "http" };
            Some(format!("{scheme}://{}", public.address().ok()?))
        });
        let public_url = public_url.unwrap_or_default();
        if let Some(state) = gate.state() {
            state.skills.set_public_url(public_url.clone());
        }
        // Each connection has a receiver until it has ended.
        let (stopping, stopped) = watch::channel(false);
        let timeouts = Timeouts { head: config.header_timeout, stall: config.body_timeout };
        let handshakes =
            |tls: &Option<Tls>| tls.as_ref().map(|tls| tls.handshakes(gate.metrics(), timeouts.head));
        let mut listeners = public.configure(handshakes(&tls).as_ref(), Listener::Public);
        listeners.extend(plain.into_iter().flat_map(|plain| plain.configure(None, Listener::Public)));
        listeners.extend(admin.configure(handshakes(&admin_tls).as_ref(), Listener::Admin));
        let keep_fresh = |tls: Tls| tokio::spawn(tls.keep_fresh(Arc::clone(gate.metrics())));
        let refreshing: Vec<_> = [tls, admin_tls].into_iter().flatten().map(keep_fresh).collect();
        let shares = descriptors::shares(config.max_connections, &listeners, config.open_files);
        let accept = |listener: ListenerConfig| {
            let most = Most {
                connections: if listener.which == Listener::Admin { shares.admin } else { shares.public },
                of_one_origin: config.max_connections_per_address,
            };
            connection::accept(listener, Arc::clone(&gate), timeouts, most, stopped.clone())
        };
        let serving = futures_util::future::join_all(listeners.into_iter().map(accept));
        let until_stopped = async {
            let outcome = tokio::select! {
                () = stop => Ok(()),
                error = work(&gate, pending, &config, (endpoint, public_url), &mut admin_token_file, supervisor) => Err(error),
                () = supervisor.keep_alive() => Ok(()),
            };
            tracing::info!("stopping: what is in flight is finished");
            supervisor.stopping();
            stopping.send_replace(true);
            if let Some(state) = gate.state() {
                end_background(state).await;
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
        if let Some(state) = gate.state() {
            state.store.close().await;
            state.traces.close().await;
        }
        if let (None, Some(file)) = (config.store.directory(), admin_token_file) {
            // The token ends with this process; the file is useless now.
            let _ = std::fs::remove_file(file);
        }
        outcome
    }
}

/// The background work of a server: it opens the store if that is still to be done, then deletes old changes. It runs
/// until the server stops, unless the store cannot be opened at all.
async fn work(
    gate: &Arc<ServiceGate>,
    pending: Option<PendingStore>,
    config: &Config,
    (endpoint, public_url): (String, String),
    admin_token_file: &mut Option<PathBuf>,
    supervisor: &Supervisor,
) -> StartError {
    if let Some(pending) = pending {
        let mut causes = gate.causes();
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
            opened = pending.done() => opened,
            () = telling => unreachable!("it goes on until the store is open"),
        };
        match opened {
            Ok((state, file)) => {
                *admin_token_file = file;
                state.skills.set_public_url(public_url);
                gate.open(state);
                tracing::info!("the store is open");
            }
            Err(error) => return error,
        }
    }
    supervisor.ready();
    if let Some(state) = gate.state() {
        // This is said once in the life of a state.
        let _ = state.operators.endpoint.set(endpoint);
        tokio::join!(
            trim_changes(Arc::clone(&state.store), config.change_retention),
            admin::keep_telling(Arc::clone(state)),
            admin::keep_history(Arc::clone(state)),
            state.feed.look(&*state.store),
            webhook::run(Arc::clone(state)),
        );
    }
    std::future::pending().await
}

/// Ends what goes on by itself: readers who wait, deliveries to webhooks, imports.
async fn end_background(state: &State) {
    state.sandbox.journal.close();
    state.feed.close();
    webhook::close(state).await;
    // What is in flight is finished, and the rest is left to go on from.
    if tokio::time::timeout(GRACE, state.imports.close()).await.is_err() {
        tracing::warn!("an import did not end in time and was cut off");
    }
}

/// Tokens and secrets go over the admin listener: on a non-loopback address it is plain only with `--admin-plaintext`.
/// An unknown name is refused when the server binds it.
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
