//! Changes on their way, and those of them whose outcome is open.

use jackfield_model::{ExternalUserId, limit};
use tokio::time::Instant;

use super::plan::Kind;

/// Tries of one change whose outcome could not be known.
pub(super) const TRIES: u32 = 8;

/// A change on its way.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Its place in the plan.
    pub(super) at: usize,
    /// What there is to do now. The plan's own kind, unless somebody else changed the association meanwhile.
    pub(super) kind: Kind,
    /// Tries with an open outcome.
    pub(super) tries: u32,
    /// Times that it was turned away.
    pub(super) refusals: u32,
    /// What went wrong last.
    pub(super) reason: Option<(String, Option<String>)>,
}

/// What a flight is to send.
pub(super) enum Request {
    Write(Job),
    Query { jobs: Vec<Job>, ids: Vec<ExternalUserId> },
}

/// Changes that wait for a query.
#[derive(Default)]
pub(super) struct Unsettled {
    jobs: Vec<Job>,
    /// Not before this moment: the last query failed.
    not_before: Option<Instant>,
    failures: u32,
}

impl Unsettled {
    pub(super) fn push(&mut self, job: Job) {
        self.jobs.push(job);
    }

    pub(super) fn is_full(&self) -> bool {
        self.jobs.len() >= limit::QUERY_IDS
    }

    pub(super) fn may_ask(&self, now: Instant) -> bool {
        !self.jobs.is_empty() && self.not_before.is_none_or(|moment| moment <= now)
    }

    /// When a query may be sent, `now` at the earliest; nothing when there is nothing to ask for.
    pub(super) fn ask_at(&self, now: Instant) -> Option<Instant> {
        (!self.jobs.is_empty()).then(|| self.not_before.map_or(now, |moment| moment.max(now)))
    }

    /// The jobs of the next query.
    pub(super) fn take(&mut self) -> Vec<Job> {
        self.jobs.split_off(self.jobs.len().saturating_sub(limit::QUERY_IDS))
    }

    /// A query was answered.
    pub(super) const fn answered(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }

    /// A query failed. Answers how many did so since the last that was answered.
    pub(super) const fn failed(&mut self) -> u32 {
        self.failures += 1;
        self.failures
    }

    /// Takes the jobs of a query that failed back, not to be asked for before this moment.
    pub(super) fn ask_again(&mut self, jobs: Vec<Job>, not_before: Instant) {
        self.jobs.extend(jobs);
        self.not_before = Some(not_before);
    }

    pub(super) fn clear(&mut self) {
        self.jobs.clear();
    }
}
