//! Making the changes of a plan.
//!
//! One task decides everything and carries out all requests, each on a connection of its own: when an answer is there
//! the next request goes out at once, before other answers are looked at, so that the server is never left without
//! work. An answer that says that nothing was done lets its change wait; one that leaves it open sends the change to be
//! settled by a query; all others are final.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::task::Poll;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use jackfield_model::wire::Association;
use tokio::time::Instant;

use super::journal::{Journal, JournalError};
use super::pace::Pace;
use super::plan::{Change, Kind, Plan};
use super::report::{Failure, Report, Stopped};
use super::session::{Phase, Session, Stop, asked_wait, is_refusal};
use super::settle::Unsettled;
use crate::client::Client;
use crate::error::Error;

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

/// A request on its way.
pub(super) type Flight = BoxFuture<'static, Landed>;

/// A request that ended, with the client that carried it out.
pub(super) enum Landed {
    Write { client: Client, job: Job, began: Instant, result: Result<(), Error> },
    Query { client: Client, jobs: Vec<Job>, result: Result<Vec<Association>, Error> },
}

/// A plan that is being applied.
pub(super) struct Run<'a> {
    pub(super) session: &'a Session,
    pub(super) plan: &'a Plan,
    journal: Option<&'a mut Journal>,
    /// The first change of the plan that was not begun yet.
    next: usize,
    waiting: BinaryHeap<Reverse<Waiting>>,
    pub(super) unsettled: Unsettled,
    flights: FuturesUnordered<Flight>,
    /// Clients without a request, each with a connection of its own.
    idle: Vec<Client>,
    /// Writes in flight.
    pub(super) writing: usize,
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

impl Session {
    /// Makes the changes of a plan, and notes them in its journal. It always answers with what became of them; ask
    /// [`Report::is_complete`].
    pub async fn apply(&self, plan: &Plan, journal: Option<&mut Journal>, stop: &Stop) -> Report {
        let began = Instant::now();
        let requests = self.progress.requests();
        self.progress.begin(Phase::Applying, plan.changes.len() as u64);
        let run = Run {
            session: self,
            plan,
            journal,
            next: 0,
            waiting: BinaryHeap::new(),
            unsettled: Unsettled::default(),
            flights: FuturesUnordered::new(),
            idle: Vec::new(),
            writing: 0,
            pace: Pace::new(self.options.connections),
            report: Report::default(),
            progressed_at: began,
        };
        // One task does the work of many: the runtime's budget for one would end its turn in the midst of the answers
        // that are there. It waits whenever there are none.
        let mut report = tokio::task::unconstrained(run.finish(stop)).await;
        // In the order of the plan, not in that of the answers.
        report.failed.sort_by_key(|failure| failure.change.number);
        report.left = plan.changes.len() as u64 - report.done.total() - report.failed.len() as u64;
        if report.left == 0 && matches!(report.stopped, Some(Stopped::Asked)) {
            // The wish came when nothing was left to leave out.
            report.stopped = None;
        }
        report.requests = self.progress.requests() - requests;
        report.elapsed = began.elapsed();
        report
    }
}

impl Run<'_> {
    async fn finish(mut self, stop: &Stop) -> Report {
        let asked = stop.asked();
        tokio::pin!(asked);
        if stop.is_asked() {
            self.stop(Stopped::Asked);
        }
        loop {
            let now = Instant::now();
            self.begin_what_may(now).await;
            let wake = self.wake(now);
            if self.flights.is_empty() && wake.is_none() {
                break;
            }
            let moment = wake.unwrap_or(now);
            tokio::select! {
                Some(landed) = self.flights.next() => self.land(landed),
                () = tokio::time::sleep_until(moment), if wake.is_some() => {}
                () = &mut asked, if self.report.stopped.is_none() => self.stop(Stopped::Asked),
            }
        }
        if let Some(Err(error)) = self.journal.as_mut().map(|journal| journal.sync()) {
            self.stop(Stopped::Journal(error));
        }
        self.report
    }

    /// Begins requests until the window is full or there is nothing to begin.
    async fn begin_what_may(&mut self, now: Instant) {
        while self.pace.rest(now).is_none() && self.flights.len() < self.pace.window() {
            let mut flight = if self.unsettled.is_full() && self.unsettled.may_ask(now) {
                self.begin_query()
            } else if let Some(job) = self.next_job(now) {
                self.begin_write(job)
            } else if self.writing == 0 && self.unsettled.may_ask(now) {
                // Nothing else is to come that could fill the query.
                self.begin_query()
            } else {
                return;
            };
            // Sent now; among the others it would wait until all answers that are there were read.
            match poll_fn(|cx| Poll::Ready(flight.as_mut().poll(cx))).await {
                Poll::Ready(landed) => self.land(landed),
                Poll::Pending => self.flights.push(flight),
            }
        }
    }

    /// A client whose connection is free.
    pub(super) fn client(&mut self) -> Client {
        self.idle.pop().unwrap_or_else(|| self.session.client.with_own_connection())
    }

    fn next_job(&mut self, now: Instant) -> Option<Job> {
        if self.report.stopped.is_some() {
            return None;
        }
        if self.waiting.peek().is_some_and(|Reverse(waiting)| waiting.until <= now) {
            return self.waiting.pop().map(|Reverse(waiting)| waiting.job);
        }
        let at = self.next;
        let change = self.plan.changes.get(at)?;
        self.next += 1;
        Some(Job { at, kind: change.kind(), tries: 0, refusals: 0, reason: None })
    }

    /// The next moment at which something can begin that could not begin at `now`. What can begin then and finds the
    /// window full begins when a request lands.
    fn wake(&mut self, now: Instant) -> Option<Instant> {
        let rest = self.pace.rest(now);
        let stopped = self.report.stopped.is_some();
        let waiting = self.waiting.peek().filter(|_| !stopped).map(|Reverse(waiting)| waiting.until);
        let unbegun = (!stopped && self.next < self.plan.changes.len()).then_some(now);
        let settling = self.unsettled.ask_at(now);
        let ready = [unbegun, waiting, settling].into_iter().flatten().min()?;
        Some(rest.map_or(ready, |rest| rest.max(ready))).filter(|&moment| moment > now)
    }

    fn begin_write(&mut self, job: Job) -> Flight {
        let client = self.client();
        let change = &self.plan.changes[job.at];
        let id = change.external_user_id.clone();
        let association = change.after.clone().map(|after| Association::new(id.clone(), after));
        let provider = self.session.provider;
        self.writing += 1;
        self.count_request();
        Box::pin(async move {
            let began = Instant::now();
            let result = match (job.kind, &association) {
                (Kind::Create, Some(association)) => client.create(provider, association).await,
                (Kind::Update, Some(association)) => client.update(provider, association).await,
                _ => client.delete(provider, &id).await,
            };
            Landed::Write { client, job, began, result }
        })
    }

    fn land(&mut self, landed: Landed) {
        match landed {
            Landed::Query { client, jobs, result } => {
                self.idle.push(client);
                self.land_query(jobs, result);
            }
            Landed::Write { client, job, began, result } => {
                self.idle.push(client);
                self.writing -= 1;
                match result {
                    Ok(()) => {
                        self.pace.answered();
                        self.done(&job, false);
                    }
                    Err(error) => self.land_error(job, began, error),
                }
            }
        }
    }

    fn land_error(&mut self, mut job: Job, began: Instant, error: Error) {
        let now = Instant::now();
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
            self.fail(job);
        }
    }

    pub(super) fn done(&mut self, job: &Job, found: bool) {
        let change = &self.plan.changes[job.at];
        self.progressed_at = Instant::now();
        self.report.count(change.kind(), found);
        self.count_end(|journal| journal.done(change.number));
    }

    pub(super) fn fail(&mut self, job: Job) {
        let change: &Change = &self.plan.changes[job.at];
        self.progressed_at = Instant::now();
        let (reason, request_id) = job.reason.unwrap_or_default();
        self.report.failed.push(Failure { change: change.clone(), reason, request_id });
        self.session.progress.failed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.count_end(|journal| journal.failed_change(change.number));
    }

    pub(super) fn wait(&mut self, job: Job, until: Instant) {
        self.waiting.push(Reverse(Waiting { until, job }));
    }

    /// Begins nothing more. The first reason is the one that counts.
    pub(super) fn stop(&mut self, why: Stopped) {
        self.report.stopped.get_or_insert(why);
    }

    pub(super) fn count_request(&self) {
        self.session.progress.requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    pub(super) fn count_refusal(&self) {
        self.session.progress.refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    fn count_end(&mut self, note: impl FnOnce(&mut Journal) -> Result<(), JournalError>) {
        self.session.progress.done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if let Some(Err(error)) = self.journal.as_mut().map(|journal| note(journal)) {
            self.stop(Stopped::Journal(error));
        }
    }
}

/// Whether every further change would fail in the same way.
fn is_the_end(error: &Error) -> bool {
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
