//! Changes whose outcome is open, settled by queries of 30 ids: a write is sent again only when a query showed that it
//! was not made.

use std::collections::HashMap;

use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId};
use tokio::time::Instant;

use super::job::{Job, TRIES};
use super::plan::Kind;
use super::report::Stopped;
use super::run::Run;
use super::session::{asked_wait, is_temporary};
use crate::error::Error;

/// Tries of a query once the run is to end.
const LAST_TRIES: u32 = 5;

impl Run {
    pub(super) fn land_query(&mut self, jobs: Vec<Job>, result: Result<Vec<Association>, Error>) {
        let now = Instant::now();
        self.flying -= 1;
        match result {
            Ok(found) => {
                self.pace.answered();
                self.progressed_at = now;
                self.unsettled.answered();
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
        let failures = self.unsettled.failed();
        let options = &self.session.options;
        let patient = now - self.progressed_at <= options.patience;
        let ending = self.report.stopped.is_some();
        match options.wait(failures, asked_wait(&error)) {
            Some(wait) if patient && !(ending && failures >= LAST_TRIES) => {
                self.unsettled.ask_again(jobs, now + wait);
            }
            // What is open stays open; a run that goes on from the journal settles it.
            _ => {
                self.unsettled.clear();
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
