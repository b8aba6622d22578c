//! From a configuration to an open store with its seed, and on to the service: at once, or as soon as the store can be
//! reached.
//!
//! After a temporary failure (the database is down, starting, full or read-only) it logs the cause and retries; any
//! other ends the start.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_store::{OpenError, Store, StoreError, StoreOptions};

use super::StartError;
use super::admin_token::kept_admin_token;
use super::usable_memory;
use crate::calls::Calls;
use crate::config::{CacheSize, Config, SeedSource};
use crate::credential::keys::Keys;
use crate::feed::Feed;
use crate::http::routes;
use crate::http::service_gate::{STORE_RETRY_AFTER, ServiceGate};
use crate::imports::Imports;
use crate::issuer::{Foreign, Issuers};
use crate::log_throttle::LogThrottle;
use crate::metrics::Metrics;
use crate::openapi;
use crate::sandbox::clock::{self, Clock};
use crate::sandbox::fault::Faults;
use crate::sandbox::ids::Ids;
use crate::sandbox::request_log::Journal;
use crate::sandbox::reset_lock::ResetLock;
use crate::seed::{self, Seed, SeedError};
use crate::skill::Skills;
use crate::state::{Consent, Credentials, Documents, Limits, Operators, Sandbox, State};
use crate::throttle::admission::Places;
use crate::throttle::guess::Guesses;
use crate::throttle::rate::Rates;
use crate::traces::Traces;

/// Between the first two attempts; each time twice as long, up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest between two attempts.
const PAUSE_MAX: Duration = STORE_RETRY_AFTER;

/// What a start does after a temporary failure to open the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnavailable {
    /// It listens, answers 503, and goes on trying.
    Wait,
    /// It ends.
    End,
}

/// The service, and the file that holds the admin token unless the configuration gave one.
pub(crate) type Opened = (Arc<State>, Option<PathBuf>);

/// A service that is about to be.
pub(crate) struct PendingStore(Pin<Box<dyn Future<Output = Result<Opened, StartError>>>>);

impl fmt::Debug for PendingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingStore")
    }
}

impl PendingStore {
    /// Checks what needs no store; the rest happens when this is awaited. `gate` learns what it waits for.
    pub(crate) fn new(
        config: &Config,
        gate: &Arc<ServiceGate>,
        on_unavailable: OnUnavailable,
    ) -> Result<Self, StartError> {
        let foreign = config.foreign_tokens.as_ref().map(Foreign::new).transpose();
        let foreign = foreign.map_err(|cause| StartError::TokenIssuer { cause })?;
        let seeds = config.seeds.iter().map(read_seed).collect::<Result<Vec<_>, _>>()?;
        let retry = RetryPolicy { gate: Arc::clone(gate), on_unavailable, throttle: LogThrottle::new() };
        Ok(Self(Box::pin(open(config.clone(), seeds, foreign, retry))))
    }

    /// Tries until it is done, or it is known that it takes longer; nothing then.
    pub(crate) async fn first_attempt(
        &mut self,
        gate: &ServiceGate,
        patience: Duration,
    ) -> Option<Result<Opened, StartError>> {
        tokio::select! {
            outcome = &mut self.0 => Some(outcome),
            () = gate.waits() => None,
            () = tokio::time::sleep(patience) => {
                gate.wait_for("the store has not answered yet");
                None
            }
        }
    }

    /// Tries until it is done.
    pub(crate) async fn done(self) -> Result<Opened, StartError> {
        self.0.await
    }
}

fn read_seed(source: &SeedSource) -> Result<(PathBuf, Seed), StartError> {
    let (path, seed) = match source {
        SeedSource::File(path) => (path.clone(), seed::read(path)),
        SeedSource::BuiltIn(text) => ("(built in)".into(), seed::parse(text)),
    };
    match seed {
        Ok(seed) => Ok((path, seed)),
        Err(cause) => Err(StartError::Seed { path, cause }),
    }
}

async fn open(
    config: Config,
    seeds: Vec<(PathBuf, Seed)>,
    foreign: Option<Foreign>,
    mut retry: RetryPolicy,
) -> Result<Opened, StartError> {
    let metrics = Arc::clone(retry.gate.metrics());
    let options = store_options(&metrics, &config);
    let store = retry.until_possible(async || Ok(config.store.open(options.clone()).await?)).await?;
    let (admin_token, admin_token_file) = match &config.admin_token {
        Some(token) => (token.0.clone(), None),
        None => kept_admin_token(config.store.directory()).map(|(token, file)| (token, Some(file)))?,
    };
    let keys = Keys::derive(store.root_key());
    let remote = config.store.directory().is_none();
    if !remote {
        // An operator has to repair a disk, so the start fails at once.
        retry.on_unavailable = OnUnavailable::End;
    }
    retry.until_possible(async || apply_seeds(&*store, &keys, &seeds).await).await?;
    clock::warn(config.clock);
    let traces = Traces::start(config.otlp_endpoint.as_deref(), config.trace_ids);
    let traces = traces.map_err(|cause| StartError::Collector { cause })?;
    let issuers = Issuers { builtin: config.builtin_tokens, foreign };
    let seeds = seeds.into_iter().map(|(_, seed)| seed).collect();
    let gate = &retry.gate;
    let state = State {
        credentials: Credentials::new(&*store, issuers, &admin_token),
        limits: limits(&config, gate),
        sandbox: sandbox(&config, seeds),
        operators: Operators { demo: config.demo, ..Operators::default() },
        consent: Consent { login: config.consent_login, proxies: config.consent_proxies },
        documents: Documents { openapi: openapi::document_text, page: openapi::page },
        feed: Feed::default(),
        skills: Skills::default(),
        imports: Imports::open(config.imports, config.store.directory(), Arc::clone(&metrics)),
        calls: Calls::default(),
        traces,
        lenient: config.lenient,
        started: Instant::now(),
        metrics,
        store,
    };
    Ok((Arc::new(state), admin_token_file))
}

fn limits(config: &Config, gate: &ServiceGate) -> Limits {
    let metrics = gate.metrics();
    let places = || Places::new(config.max_in_flight, Arc::clone(metrics));
    Limits {
        rates: Rates::new(config.rate_limit),
        guesses: Guesses::new(Arc::clone(metrics)),
        bodies: Arc::clone(gate.bodies()),
        unsent: Arc::clone(gate.unsent()),
        operations: places(),
        logins: places(),
    }
}

fn sandbox(config: &Config, seeds: Vec<Seed>) -> Sandbox {
    let ids = Ids::default();
    ids.restart(seed::id_seed(&seeds));
    Sandbox {
        clock: Clock::new(config.clock),
        initial_clock: config.clock,
        faults: Faults::default(),
        fault_operations: routes::fault_operations(),
        journal: Journal::new(config.journal, config.journal_scope),
        ids,
        reset_lock: ResetLock::new(config.allow_reset),
        seeds,
    }
}

fn store_options(metrics: &Arc<Metrics>, config: &Config) -> StoreOptions {
    let commits = Arc::clone(metrics);
    StoreOptions {
        on_commit: Some(Arc::new(move |report| commits.commit(report))),
        allow_readable: config.allow_readable_data,
        cache_bytes: CacheSize::bytes(config.store_cache, usable_memory::here()),
        ..StoreOptions::default()
    }
}

async fn apply_seeds(store: &dyn Store, keys: &Keys, seeds: &[(PathBuf, Seed)]) -> Result<(), StartError> {
    for (path, seed) in seeds {
        let applied = seed::apply(store, keys, seed).await;
        applied.map_err(|cause| StartError::Seed { path: path.clone(), cause })?;
    }
    Ok(())
}

/// Retries an action that may fail temporarily.
struct RetryPolicy {
    gate: Arc<ServiceGate>,
    on_unavailable: OnUnavailable,
    throttle: LogThrottle,
}

impl RetryPolicy {
    async fn until_possible<T>(
        &self,
        attempt: impl AsyncFn() -> Result<T, StartError>,
    ) -> Result<T, StartError> {
        let mut pause = PAUSE_MIN;
        loop {
            let error = match attempt().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let Some(cause) = passing_cause(&error).filter(|_| self.on_unavailable == OnUnavailable::Wait)
            else {
                return Err(error);
            };
            self.gate.wait_for(cause);
            if self.throttle.should_log(cause).is_some() {
                tracing::warn!(
                    cause,
                    "the store cannot be opened; requests are answered 503 and attempts go on"
                );
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
}

/// The cause of a failure that may be temporary.
fn passing_cause(error: &StartError) -> Option<&str> {
    match error {
        StartError::Open(OpenError::Unavailable { cause, .. })
        | StartError::Seed {
            cause: SeedError::Store(StoreError::Unavailable { cause } | StoreError::InDoubt { cause }),
            ..
        } => Some(cause),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
