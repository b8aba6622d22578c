//! Making the changes of a plan.
//!
//! There are as many flights as connections, and each stays on the thread of its connection. A flight whose answer is
//! there decides at once what its connection sends next, before other answers are looked at, so that the server is
//! never left without work. An answer that says that nothing was done lets its change wait; one that leaves it open
//! sends the change to be settled by a query; all others are final.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jackfield_model::ExternalUserId;
use jackfield_model::wire::Association;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::journal::{Journal, JournalError};
use super::pace::Pace;
use super::plan::{Change, Kind, Plan};
use super::report::{Failure, Report, Stopped};
use super::session::{Phase, Session, Stop, asked_wait, by_ids, is_refusal};
use super::settle::Unsettled;
use super::threads::Threads;
use crate::client::ExternalUsers;
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

/// What a flight is to send.
pub(super) enum Request {
    Write(Job),
    Query { jobs: Vec<Job>, ids: Vec<ExternalUserId> },
}

/// A plan that is being applied.
pub(super) struct Run {
    pub(super) session: Session,
    pub(super) changes: Arc<[Change]>,
    journal: Option<Journal>,
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

/// Sends one request after the other over a connection of its own.
struct Flight {
    run: Arc<Mutex<Run>>,
    changes: Arc<[Change]>,
    users: ExternalUsers,
    /// Which of the connections it is.
    number: usize,
}

/// A job that waits for a moment. Sorted by that moment.
struct Waiting {
    until: Instant,
    job: Job,
}

impl Session {
    /// Makes the changes of a plan, and notes them in its journal. It always answers with what became of them; ask
    /// [`Report::is_complete`]. Requests are made on threads that end with the call, also when that is given up.
    pub async fn apply(&self, plan: &Plan, journal: Option<&Journal>, stop: &Stop) -> Report {
        let began = Instant::now();
        let requests = self.progress.requests();
        let changes = Arc::clone(&plan.changes);
        let count = changes.len() as u64;
        self.progress.begin(Phase::Applying, count);
        let run = Arc::new(Mutex::new(Run {
            session: self.clone(),
            changes,
            journal: journal.map(Journal::share),
            next: 0,
            waiting: BinaryHeap::new(),
            unsettled: Unsettled::default(),
            flying: 0,
            writing: 0,
            pace: Pace::new(self.options.connections),
            report: Report::default(),
            progressed_at: began,
        }));
        self.finish(&run, stop).await;
        let mut report = std::mem::take(&mut lock(&run).report);
        // In the order of the plan, not in that of the answers.
        report.failed.sort_by_key(|failure| failure.change.number);
        report.left = count - report.done.total() - report.failed.len() as u64;
        if report.left == 0 && matches!(report.stopped, Some(Stopped::Asked)) {
            // The wish came when nothing was left to leave out.
            report.stopped = None;
        }
        report.requests = self.progress.requests() - requests;
        report.elapsed = began.elapsed();
        report
    }

    /// Begins flights whenever requests may begin, until there is nothing left to do.
    async fn finish(&self, run: &Arc<Mutex<Run>>, stop: &Stop) {
        let asked = stop.asked();
        tokio::pin!(asked);
        if stop.is_asked() {
            lock(run).stop(Stopped::Asked);
        }
        let threads = Threads::start(self.options.connections);
        let mut flights = JoinSet::new();
        let mut landed = Vec::new();
        let mut connections = 0;
        loop {
            let now = Instant::now();
            // A closure, so that the lock is not held for as long as the loop's body runs.
            let next = || lock(run).next_request(now);
            while let Some(request) = next() {
                let flight = landed.pop().unwrap_or_else(|| {
                    connections += 1;
                    Flight {
                        run: Arc::clone(run),
                        changes: Arc::clone(&lock(run).changes),
                        users: self.client.with_own_connection().external_users(self.provider),
                        number: connections,
                    }
                });
                let thread = threads.of(flight.number);
                flights.spawn_on(flight.fly(request), thread);
            }
            let (wake, stopped) = {
                let mut run = lock(run);
                (run.wake(now), run.report.stopped.is_some())
            };
            if flights.is_empty() && wake.is_none() {
                break;
            }
            let moment = wake.unwrap_or(now);
            tokio::select! {
                Some(flight) = flights.join_next() => landed.push(flight.expect("a flight does not panic")),
                () = tokio::time::sleep_until(moment), if wake.is_some() => {}
                () = &mut asked, if !stopped => lock(run).stop(Stopped::Asked),
            }
        }
        let mut run = lock(run);
        if let Some(Err(error)) = run.journal.as_ref().map(Journal::sync) {
            run.stop(Stopped::Journal(error));
        }
    }
}

// A flight that panics ends the run; nobody looks at what it left.
fn lock(run: &Mutex<Run>) -> MutexGuard<'_, Run> {
    run.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Flight {
    /// Sends one request after the other, as long as the answers leave no more to decide than what comes next here.
    async fn fly(self, mut request: Request) -> Self {
        let Self { run, changes, users, .. } = &self;
        loop {
            let next = match request {
                Request::Write(job) => {
                    let began = Instant::now();
                    let Change { external_user_id: id, after, .. } = &changes[job.at];
                    let association = after.clone().map(|after| Association::new(id.clone(), after));
                    let result = match (job.kind, &association) {
                        (Kind::Create, Some(association)) => users.create(association).await,
                        (Kind::Update, Some(association)) => users.update(association).await,
                        _ => users.delete(id).await,
                    };
                    lock(run).land_write(job, began, result)
                }
                Request::Query { jobs, ids } => {
                    let page = users.query(&by_ids(ids)).await;
                    lock(run).land_query(jobs, page.map(|page| page.account_associations));
                    None
                }
            };
            match next {
                Some(next) => request = next,
                None => return self,
            }
        }
    }
}

impl Run {
    /// What may be sent now, if anything may.
    fn next_request(&mut self, now: Instant) -> Option<Request> {
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
    fn wake(&mut self, now: Instant) -> Option<Instant> {
        let rest = self.pace.rest(now);
        let stopped = self.report.stopped.is_some();
        let waiting = self.waiting.peek().filter(|_| !stopped).map(|Reverse(waiting)| waiting.until);
        let unbegun = (!stopped && self.next < self.changes.len()).then_some(now);
        let settling = self.unsettled.ask_at(now);
        let ready = [unbegun, waiting, settling].into_iter().flatten().min()?;
        Some(rest.map_or(ready, |rest| rest.max(ready))).filter(|&moment| moment > now)
    }

    /// Answers with what is to be sent next in its place. Nothing, where more is to be decided than that.
    fn land_write(&mut self, job: Job, began: Instant, result: Result<(), Error>) -> Option<Request> {
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
