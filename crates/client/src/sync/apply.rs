//! Making the changes of a plan.
//!
//! There are as many flights as connections, and each stays on the thread of its connection. A flight whose answer is
//! there decides at once what its connection sends next, before other answers are looked at, so that the server is
//! never left without work. An answer that says that nothing was done lets its change wait; one that leaves it open
//! sends the change to be settled by a query; all others are final.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jackfield_model::wire::Association;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::job::Request;
use super::journal::Journal;
use super::plan::{Change, Kind, Plan};
use super::report::{Report, Stopped};
use super::run::Run;
use super::session::{Phase, Session, Stop, by_ids};
use super::threads::Threads;
use crate::client::ExternalUsers;

/// Sends one request after the other over a connection of its own.
struct Flight {
    run: Arc<Mutex<Run>>,
    changes: Arc<[Change]>,
    users: ExternalUsers,
    /// Which of the connections it is.
    number: usize,
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
        let run = Arc::new(Mutex::new(Run::new(self, changes, journal, began)));
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
                        users: self.client.with_dedicated_connection().external_users(self.provider),
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
