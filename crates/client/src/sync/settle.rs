//! Changes whose outcome is open, settled by queries of 30 ids: a write is sent again only when a query showed that it
//! was not made.

use std::collections::HashMap;

use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId, limit};
use tokio::time::Instant;

use super::apply::{Job, Request, Run, TRIES};
use super::plan::Kind;
use super::report::Stopped;
use super::session::{asked_wait, is_temporary};
use crate::error::Error;

/// Tries of a query once the run is to end.
const LAST_TRIES: u32 = 5;

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

    fn take(&mut self) -> Vec<Job> {
        self.jobs.split_off(self.jobs.len().saturating_sub(limit::QUERY_IDS))
    }
}

impl Run {
    /// A query for what waits for one.
    pub(super) fn query(&mut self) -> Request {
        let jobs = self.unsettled.take();
        let ids = jobs.iter().map(|job| self.changes[job.at].external_user_id.clone()).collect();
        Request::Query { jobs, ids }
    }

    pub(super) fn land_query(&mut self, jobs: Vec<Job>, result: Result<Vec<Association>, Error>) {
        let now = Instant::now();
        self.flying -= 1;
        match result {
            Ok(found) => {
                self.pace.answered();
                self.progressed_at = now;
                self.unsettled.failures = 0;
                self.unsettled.not_before = None;
                let found: HashMap<ExternalUserId, AmazonId> =
                    found.into_iter().map(|one| (one.external_user_id, one.amazon_id)).collect();
                for job in jobs {
                    let id = &self.changes[job.at].external_user_id;
                    self.settle(job, found.get(id), now);
                }
            }
            Err(error) if is_temporary(&error) => self.query_again(jobs, now, error),
            Err(error) => self.stop(Stopped::Error(error)),
        }
    }

    fn query_again(&mut self, jobs: Vec<Job>, now: Instant, error: Error) {
        self.count_refusal();
        self.unsettled.failures += 1;
        let failures = self.unsettled.failures;
        let options = &self.session.options;
        let patient = now - self.progressed_at <= options.patience;
        let ending = self.report.stopped.is_some();
        match options.wait(failures, asked_wait(&error)) {
            Some(wait) if patient && !(ending && failures >= LAST_TRIES) => {
                self.unsettled.jobs.extend(jobs);
                self.unsettled.not_before = Some(now + wait);
            }
            // What is open stays open; a run that goes on from the journal settles it.
            _ => {
                self.unsettled.jobs.clear();
                self.stop(Stopped::Error(error));
            }
        }
    }

    fn settle(&mut self, mut job: Job, actual: Option<&AmazonId>, now: Instant) {
        let change = &self.changes[job.at];
        let kind = match (actual, &change.after) {
            (actual, after) if actual == after.as_ref() => return self.done(&job, true, now),
            (_, None) => Kind::Delete,
            (None, Some(_)) => Kind::Create,
            (Some(_), Some(_)) => Kind::Update,
        };
        if kind != change.kind() && !self.session.options.only.allows(kind) {
            let reason =
                format!("somebody else changed the association; it would take {kind}, which may not be made");
            job.reason = Some((reason, None));
            return self.fail(job, now);
        }
        if job.tries >= TRIES {
            return self.fail(job, now);
        }
        job.kind = kind;
        match self.session.options.wait(job.tries, None) {
            Some(wait) => self.wait(job, now + wait),
            None => self.fail(job, now),
        }
    }
}
