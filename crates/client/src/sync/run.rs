//! A plan that is being applied: what may be sent when, and what becomes of the answers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use tokio::time::Instant;

use super::job::{Job, Request, Unsettled};
use super::journal::{Journal, JournalError};
use super::pace::Pace;
use super::plan::{Change, Kind};
use super::report::{Failure, Report, Stopped};
use super::session::{Session, asked_wait, is_refusal};
use crate::error::Error;

/// A plan that is being applied.
pub(super) struct Run {
    pub(super) session: Session,
    pub(super) changes: Arc<[Change]>,
    pub(super) journal: Option<Journal>,
    /// The first change of the plan that was not begun yet.
    next: usize,
    waiting: BinaryHeap<Reverse<Waiting>>,
    pub(super) unsettled: Unsettled,
    /// Requests in flight.
    pub(super) flying: usize,
    /// The writes among them.
    writing: usize,
    pub(super) pace: Pace,
    pub(super) report: Report,
    /// When the server last did something for us.
    pub(super) progressed_at: Instant,
}

/// A job that waits for a moment. Sorted by that moment.
struct Waiting {
    until: Instant,
    job: Job,
}

impl Run {
    pub(super) fn new(
        session: &Session,
        changes: Arc<[Change]>,
        journal: Option<&Journal>,
        now: Instant,
    ) -> Self {
        Self {
            session: session.clone(),
            changes,
            journal: journal.map(Journal::share),
            next: 0,
            waiting: BinaryHeap::new(),
            unsettled: Unsettled::default(),
            flying: 0,
            writing: 0,
            pace: Pace::new(session.options.connections),
            report: Report::default(),
            progressed_at: now,
        }
    }

    /// What may be sent now, if anything may.
    pub(super) fn next_request(&mut self, now: Instant) -> Option<Request> {
        if self.flying >= self.pace.window() || self.pace.rest(now).is_some() {
            return None;
        }
        let request = if self.unsettled.is_full() && self.unsettled.may_ask(now) {
            self.query()
        } else if let Some(job) = self.next_job(now) {
            self.writing += 1;
            Request::Write(job)
        } else if self.writing == 0 && self.unsettled.may_ask(now) {
            // Nothing else is to come that could fill the query.
            self.query()
        } else {
            return None;
        };
        self.flying += 1;
        self.session.progress.requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Some(request)
    }

    /// A query for what waits for one.
    fn query(&mut self) -> Request {
        let jobs = self.unsettled.take();
        let ids = jobs.iter().map(|job| self.changes[job.at].external_user_id.clone()).collect();
        Request::Query { jobs, ids }
    }

    fn next_job(&mut self, now: Instant) -> Option<Job> {
        if self.report.stopped.is_some() {
            return None;
        }
        if self.waiting.peek().is_some_and(|Reverse(waiting)| waiting.until <= now) {
            return self.waiting.pop().map(|Reverse(waiting)| waiting.job);
        }
        let at = self.next;
        let change = self.changes.get(at)?;
        self.next += 1;
        Some(Job { at, kind: change.kind(), tries: 0, refusals: 0, reason: None })
    }

    /// The next moment at which something can begin that could not begin at `now`. What can begin then and finds the
    /// window full begins when a request lands.
    pub(super) fn wake(&mut self, now: Instant) -> Option<Instant> {
        let rest = self.pace.rest(now);
        let stopped = self.report.stopped.is_some();
        let waiting = self.waiting.peek().filter(|_| !stopped).map(|Reverse(waiting)| waiting.until);
        let unbegun = (!stopped && self.next < self.changes.len()).then_some(now);
        let settling = self.unsettled.ask_at(now);
        let ready = [unbegun, waiting, settling].into_iter().flatten().min()?;
        Some(rest.map_or(ready, |rest| rest.max(ready))).filter(|&moment| moment > now)
    }

    /// Answers with what is to be sent next in its place. Nothing, where more is to be decided than that.
    pub(super) fn land_write(
        &mut self,
        job: Job,
        began: Instant,
        result: Result<(), Error>,
    ) -> Option<Request> {
        let now = Instant::now();
        self.flying -= 1;
        self.writing -= 1;
        match result {
            Ok(()) => {
                self.pace.answered();
                self.done(&job, false, now);
                // Where the window has opened, more flights than this one may begin.
                if self.flying + 1 >= self.pace.window() { self.next_request(now) } else { None }
            }
            Err(error) => {
                self.land_error(job, began, now, error);
                None
            }
        }
    }

    fn land_error(&mut self, mut job: Job, began: Instant, now: Instant, error: Error) {
        let status = error.status();
        job.reason = Some((error.to_string(), error.request_id().map(str::to_owned)));
        if is_refusal(&error) {
            self.count_refusal();
            job.refusals += 1;
            match self.session.options.wait(job.refusals, asked_wait(&error)) {
                Some(wait) if now - self.progressed_at <= self.session.options.patience => {
                    self.pace.refused(began, now, wait);
                    self.wait(job, now + wait);
                }
                _ => self.stop(Stopped::Error(error)),
            }
        } else if error.is_outcome_unknown() {
            self.count_refusal();
            job.tries += 1;
            self.unsettled.push(job);
        } else if matches!(
            (job.kind, status),
            (Kind::Create, Some(409)) | (Kind::Update | Kind::Delete, Some(404))
        ) {
            // Somebody else was faster, or our own try of before: a query tells.
            self.pace.answered();
            job.tries += 1;
            self.unsettled.push(job);
        } else if is_the_end(&error) {
            self.stop(Stopped::Error(error));
        } else {
            self.pace.answered();
            self.fail(job, now);
        }
    }

    pub(super) fn done(&mut self, job: &Job, found: bool, now: Instant) {
        let Change { number, .. } = self.changes[job.at];
        self.progressed_at = now;
        self.report.count(self.changes[job.at].kind(), found);
        self.count_end(|journal| journal.done(number));
    }

    pub(super) fn fail(&mut self, job: Job, now: Instant) {
        let change = self.changes[job.at].clone();
        let number = change.number;
        self.progressed_at = now;
        let (reason, request_id) = job.reason.unwrap_or_default();
        self.report.failed.push(Failure { change, reason, request_id });
        self.session.progress.failed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.count_end(|journal| journal.failed_change(number));
    }

    pub(super) fn wait(&mut self, job: Job, until: Instant) {
        self.waiting.push(Reverse(Waiting { until, job }));
    }

    /// Begins nothing more. The first reason is the one that counts.
    pub(super) fn stop(&mut self, why: Stopped) {
        self.report.stopped.get_or_insert(why);
    }

    pub(super) fn count_refusal(&self) {
        self.session.progress.refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    fn count_end(&mut self, note: impl FnOnce(&Journal) -> Result<(), JournalError>) {
        self.session.progress.done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if let Some(Err(error)) = self.journal.as_ref().map(note) {
            self.stop(Stopped::Journal(error));
        }
    }
}

/// Whether every further change would fail in the same way.
pub(super) fn is_the_end(error: &Error) -> bool {
    match error {
        Error::Login(_) | Error::NoToken { .. } => true,
        Error::Api(error) => matches!(error.status, 300..=399 | 401 | 403 | 405),
        Error::Transport(_) | Error::UnexpectedAnswer { .. } => false,
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.until.cmp(&other.until)
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.until == other.until
    }
}

impl Eq for Waiting {}
