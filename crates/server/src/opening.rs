//! From a configuration to an open store with its seed, and on to the service: at once, or as soon as the store can be
//! reached.
//!
//! A reason that may pass (the database is away, starting, full or read-only) is told in the log and tried again; any
//! other ends the start.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jackfield_store::{OpenError, Store, StoreError, StoreOptions};

use crate::admin::host::Hosts;
use crate::app::{App, Setup};
use crate::auth::issuer::{Foreign, Issuers};
use crate::auth::keys::Keys;
use crate::config::{Config, SeedSource};
use crate::journal::Journal;
use crate::lwa::person::Consent;
use crate::metrics::Metrics;
use crate::news::News;
use crate::seed::{self, Seed, SeedError};
use crate::server::{StartError, kept_admin_token};
use crate::waiting::Service;

/// Between the first two attempts; each time twice as long, up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest between two attempts.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What a start does while the store cannot be opened for a reason that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenAway {
    /// It listens, answers 503, and goes on trying.
    Wait,
    /// It ends.
    End,
}

/// The service, and the file that holds the admin token unless the configuration gave one.
pub(crate) type Opened = (Arc<App>, Option<PathBuf>);

/// A service that is about to be.
pub(crate) struct Opening(Pin<Box<dyn Future<Output = Result<Opened, StartError>>>>);

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opening")
    }
}

impl Opening {
    /// Checks what needs no store; the rest happens when this is awaited. `service` is told what it waits for.
    pub(crate) fn new(
        config: &Config,
        service: &Arc<Service>,
        when_away: WhenAway,
    ) -> Result<Self, StartError> {
        let foreign = config.foreign_tokens.as_ref().map(Foreign::new).transpose();
        let foreign = foreign.map_err(|cause| StartError::TokenIssuer { cause })?;
        let seeds = config.seeds.iter().map(read_seed).collect::<Result<Vec<_>, _>>()?;
        let trying = Trying { service: Arc::clone(service), when_away, news: News::new() };
        Ok(Self(Box::pin(open(config.clone(), seeds, foreign, trying))))
    }

    /// Tries until it is done, or it is known that it takes longer; nothing then.
    pub(crate) async fn first_attempt(
        &mut self,
        service: &Service,
        patience: Duration,
    ) -> Option<Result<Opened, StartError>> {
        tokio::select! {
            outcome = &mut self.0 => Some(outcome),
            () = service.waits() => None,
            () = tokio::time::sleep(patience) => {
                service.wait_for("the store has not answered yet");
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
    mut trying: Trying,
) -> Result<Opened, StartError> {
    let metrics = Arc::clone(trying.service.metrics());
    let options = store_options(&metrics, config.allow_readable_data);
    let store = trying.until_possible(async || Ok(config.store.open(options.clone()).await?)).await?;
    let (admin_token, admin_token_file) = match &config.admin_token {
        Some(token) => (token.0.clone(), None),
        None => kept_admin_token(config.store.directory()).map(|(token, file)| (token, Some(file)))?,
    };
    let keys = Keys::derive(store.root_key());
    let remote = config.store.directory().is_none();
    if !remote {
        // A disk is mended by an operator, who is told at once.
        trying.when_away = WhenAway::End;
    }
    trying.until_possible(async || apply_seeds(&*store, &keys, &seeds).await).await?;
    crate::clock::warn(config.clock);
    let setup = Setup {
        default_rate: config.rate_limit,
        journal: Journal::new(config.journal, config.journal_scope),
        clock: config.clock,
        allow_reset: config.allow_reset,
        lenient: config.lenient,
        seeds: seeds.into_iter().map(|(_, seed)| seed).collect(),
        issuers: Issuers { builtin: config.builtin_tokens, foreign },
        admin_hosts: Hosts { names: config.admin_hosts.clone(), certified: config.admin_tls.is_some() },
        bodies: Arc::clone(trying.service.bodies()),
        unsent: Arc::clone(trying.service.unsent()),
        max_in_flight: config.max_in_flight,
        consent: Consent { login: config.consent_login, proxies: config.consent_proxies },
    };
    Ok((Arc::new(App::new(store, metrics, &admin_token, setup)), admin_token_file))
}

fn store_options(metrics: &Arc<Metrics>, allow_readable: bool) -> StoreOptions {
    let commits = Arc::clone(metrics);
    StoreOptions {
        on_commit: Some(Arc::new(move |report| commits.commit(report))),
        allow_readable,
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

/// Attempts at what may be impossible for a while.
struct Trying {
    service: Arc<Service>,
    when_away: WhenAway,
    news: News,
}

impl Trying {
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
            let Some(cause) = passing_cause(&error).filter(|_| self.when_away == WhenAway::Wait) else {
                return Err(error);
            };
            self.service.wait_for(cause);
            if self.news.meet(cause).is_some() {
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

/// What is in the way, where that may pass by itself.
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
