//! One provider that is brought to a desired state: reading, and what all phases share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use jackfield_model::wire::{Association, QueryRequest, QueryResponse};
use jackfield_model::{ExternalUserId, ServiceProviderId, limit};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::plan::{Comparison, Desired, Only, Plan};
use crate::client::Client;
use crate::error::{Error, TransportError};
use crate::paging::next_request;
use crate::retry::RetryPolicy;

/// Queries by id that are in flight at a time.
const QUERIES: usize = 8;

/// How a provider is brought to a desired state.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which kinds of change may be made.
    pub only: Only,
    /// Whether associations that the desired state does not name are removed.
    pub delete_missing: bool,
    /// Most requests in flight, at least 1.
    pub connections: usize,
    /// How long a server that takes nothing is borne with, and the longest wait that it may ask for.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { only: Only::ALL, delete_missing: false, connections: 32, patience: Duration::from_secs(300) }
    }
}

/// Brings one provider to a desired state: [`Self::plan`], [`Self::apply`](Session::apply), and
/// [`Self::plan`] again, which then has nothing to change.
#[derive(Clone, Debug)]
pub struct Session {
    /// Tries once: what is tried again, and when, is decided here.
    pub(super) client: Arc<Client>,
    pub(super) provider: ServiceProviderId,
    pub(super) options: Options,
    pub(super) progress: Arc<Progress>,
}

/// What a session is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It reads what there is.
    Reading,
    /// It makes changes.
    Applying,
}

/// How far a session is; to be looked at from elsewhere while it runs.
#[derive(Debug, Default)]
pub struct Progress {
    phase: AtomicU8,
    pub(super) total: AtomicU64,
    pub(super) done: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) refused: AtomicU64,
}

/// A wish to end early, made from elsewhere. Clones share it.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Session {
    /// A session for one provider.
    #[must_use]
    pub fn new(client: &Client, provider: ServiceProviderId, options: Options) -> Self {
        Self {
            client: Arc::new(client.with_retry(RetryPolicy::never())),
            provider,
            options,
            progress: Arc::default(),
        }
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Compares the desired state with what there is. It reads all pages, or asks for the ids 30 at a time where that
    /// takes fewer requests and nothing else needs to be known.
    ///
    /// # Errors
    /// [`Error`] when the server refuses, or gives no answer for as long as the patience lasts.
    pub async fn plan(&self, desired: &Desired) -> Result<Plan, Error> {
        self.progress.begin(Phase::Reading, desired.len() as u64);
        let mut comparison = Comparison::new(desired, self.options.only, self.options.delete_missing);
        let ids: Vec<ExternalUserId> = desired.ids().cloned().collect();
        let total = self.read(&ids, &mut |association| comparison.actual(association)).await?;
        Ok(comparison.finish(total))
    }

    /// Calls `take` with each association of these ids, and perhaps with others; with all of them where the missing are to
    /// be deleted. Answers how many the provider has, where that is known then.
    pub(super) async fn read(
        &self,
        ids: &[ExternalUserId],
        take: &mut impl FnMut(Association),
    ) -> Result<Option<u64>, Error> {
        let by_ids = ids.len().div_ceil(limit::QUERY_IDS) as u64;
        if !self.options.delete_missing && by_ids == 1 {
            self.read_ids(ids, take).await?;
            return Ok(None);
        }
        let mut request =
            QueryRequest { external_user_ids: None, max_results: limit::PAGE_MAX, next_token: None };
        let mut page = self.query(&request).await?;
        let total = page.pagination_context.total_count;
        let further_pages = total.div_ceil(u64::from(limit::PAGE_MAX)).saturating_sub(1);
        if !self.options.delete_missing && by_ids < further_pages {
            self.read_ids(ids, take).await?;
            return Ok(Some(total));
        }
        self.progress.total.store(total, Ordering::Relaxed);
        loop {
            let next = next_request(&request, &page)?;
            self.progress.done.fetch_add(page.account_associations.len() as u64, Ordering::Relaxed);
            page.account_associations.into_iter().for_each(&mut *take);
            match next {
                Some(next) => request = next,
                None => return Ok(Some(total)),
            }
            page = self.query(&request).await?;
        }
    }

    /// Calls `take` with each association of the provider, sorted by the bytes of the id.
    ///
    /// # Errors
    /// [`Error`] as [`Self::plan`], or that of `take`, after which nothing more is read.
    pub async fn export<E: From<Error>>(
        &self,
        mut take: impl FnMut(Association) -> Result<(), E>,
    ) -> Result<(), E> {
        self.progress.begin(Phase::Reading, 0);
        let mut request =
            QueryRequest { external_user_ids: None, max_results: limit::PAGE_MAX, next_token: None };
        loop {
            let page = self.query(&request).await?;
            self.progress.total.store(page.pagination_context.total_count, Ordering::Relaxed);
            let next = next_request(&request, &page)?;
            for association in page.account_associations {
                take(association)?;
                self.progress.done.fetch_add(1, Ordering::Relaxed);
            }
            match next {
                Some(next) => request = next,
                None => return Ok(()),
            }
        }
    }

    async fn read_ids(
        &self,
        ids: &[ExternalUserId],
        take: &mut impl FnMut(Association),
    ) -> Result<(), Error> {
        let mut batches = ids.chunks(limit::QUERY_IDS);
        let mut asked = JoinSet::new();
        loop {
            while asked.len() < QUERIES.min(self.options.connections.max(1))
                && let Some(batch) = batches.next()
            {
                let (session, request) = (self.clone(), by_ids(batch.to_vec()));
                let count = batch.len() as u64;
                asked.spawn(async move { session.query(&request).await.map(|page| (page, count)) });
            }
            let Some(answer) = asked.join_next().await else { return Ok(()) };
            let (page, count) = answer.expect("a query does not panic")?;
            self.progress.done.fetch_add(count, Ordering::Relaxed);
            page.account_associations.into_iter().for_each(&mut *take);
        }
    }

    async fn query(&self, request: &QueryRequest) -> Result<QueryResponse, Error> {
        self.patiently(|| self.client.query(self.provider, request)).await
    }

    /// The answer to a read, asked for again while the server may only be busy.
    pub(super) async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let began = Instant::now();
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.progress.requests.fetch_add(1, Ordering::Relaxed);
            let error = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) if is_temporary(&error) => error,
                Err(error) => return Err(error),
            };
            self.progress.refused.fetch_add(1, Ordering::Relaxed);
            match self.options.wait(attempt, asked_wait(&error)) {
                Some(wait) if began.elapsed() + wait <= self.options.patience => {
                    tokio::time::sleep(wait).await;
                }
                _ => return Err(error),
            }
        }
    }
}

impl Options {
    /// How long to wait after the `attempt`th refusal (from 1): what the server asks for, and a draw on top whose
    /// bound doubles. `None` when the server asks for more than the patience.
    pub(super) fn wait(&self, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
        let policy = RetryPolicy {
            attempts: u32::MAX,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(5),
            longest_wait: self.patience,
        };
        policy.wait(attempt, asked)
    }
}

impl Progress {
    /// What the session is at.
    #[must_use]
    pub fn phase(&self) -> Phase {
        if self.phase.load(Ordering::Relaxed) == 0 { Phase::Reading } else { Phase::Applying }
    }

    /// How many associations or changes the phase is about, as far as that is known.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// How many of them are done, well or not.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Changes that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Requests to the API so far, all phases together.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Requests that the server turned away or that got no answer.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, phase: Phase, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.failed.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.phase.store(u8::from(phase == Phase::Applying), Ordering::Relaxed);
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Asks to end: nothing new is begun, what is in flight is finished.
    pub fn now(&self) {
        self.0.send_replace(true);
    }

    /// Whether that was asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked.
    pub(super) async fn asked(&self) {
        // The sender lives in `self`: the wait cannot fail.
        let _ = self.0.subscribe().wait_for(|&asked| asked).await;
    }
}

/// The query for these ids.
pub(super) const fn by_ids(ids: Vec<ExternalUserId>) -> QueryRequest {
    QueryRequest { external_user_ids: Some(ids), max_results: limit::PAGE_MAX, next_token: None }
}

/// Whether the same query may succeed later.
pub(super) const fn is_temporary(error: &Error) -> bool {
    match error {
        Error::Transport(_) => true,
        Error::Api(error) => matches!(error.status, 429 | 500..=599),
        Error::Login(error) => matches!(error.status, 429 | 500..=599),
        Error::UnexpectedAnswer { .. } | Error::NoToken { .. } => false,
    }
}

/// Whether a write that failed so was turned away without being carried out, and may be taken later.
pub(super) fn is_refusal(error: &Error) -> bool {
    match error {
        Error::Transport(TransportError::Connect { .. }) => true,
        Error::Api(error) => matches!(error.status, 429 | 503),
        Error::Login(_) => is_temporary(error),
        _ => false,
    }
}

/// How long the server asks to wait.
pub(super) const fn asked_wait(error: &Error) -> Option<Duration> {
    match error {
        Error::Api(error) => error.retry_after,
        Error::Login(error) => error.retry_after,
        _ => None,
    }
}
