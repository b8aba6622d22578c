//! Requests that do not depend on each other, as many at a time as the server bears.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::pace::Pace;
use super::report::Stopped;
use super::run::is_the_end;
use super::session::{Session, Stop, asked_wait, is_refusal};
use crate::client::Client;
use crate::error::Error;

/// What became of a request.
pub(super) enum Outcome<T> {
    /// It was answered.
    Answered(T),
    /// The server will not do it.
    Refused(Error),
    /// Its answer was lost: it may have been done.
    InDoubt,
}

/// Whether a request may be repeated when its answer was lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeatable {
    Yes,
    No,
}

/// How a call of [`send_all`] ended.
pub(super) enum Ended {
    /// Every request came to an end.
    All,
    /// The server asks to wait, and may have done what was sent last. What was not landed is to be planned anew.
    Busy {
        /// What it said.
        error: Error,
        /// Whether it did something before.
        progressed: bool,
    },
    /// Nothing more is to be sent.
    Stopped(Stopped),
}

/// A request on its way or about to be sent.
struct Job<R> {
    request: R,
    /// Times that it was turned away.
    refusals: u32,
}

/// Requests that are being sent.
struct Sending<'a, R> {
    session: &'a Session,
    repeatable: Repeatable,
    pace: Pace,
    ready: VecDeque<Job<R>>,
    /// Those that were turned away, and when they may be sent again.
    waiting: Vec<(Instant, Job<R>)>,
    /// Whether the server did something.
    progressed: bool,
    progressed_at: Instant,
    /// Set as soon as nothing more is to be sent.
    ended: Option<Ended>,
}

/// Sends all requests. `land` is called once with each of those that came to an end; the others were not sent.
pub(super) async fn send_all<R, T, F>(
    session: &Session,
    stop: &Stop,
    repeatable: Repeatable,
    requests: impl IntoIterator<Item = R>,
    send: impl Fn(Arc<Client>, R) -> F,
    mut land: impl FnMut(R, Outcome<T>),
) -> Ended
where
    R: Clone + Send + 'static,
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let mut sending = Sending::new(session, repeatable, requests);
    let mut flying = JoinSet::new();
    let asked = stop.asked();
    tokio::pin!(asked);
    if stop.is_asked() && !sending.ready.is_empty() {
        return Ended::Stopped(Stopped::Asked);
    }
    loop {
        let now = Instant::now();
        while let Some(job) = sending.next(now, flying.len()) {
            session.progress.requests.fetch_add(1, Ordering::Relaxed);
            let answer = send(Arc::clone(&session.client), job.request.clone());
            flying.spawn(async move { (job, now, answer.await) });
        }
        let wake = sending.wake(now);
        if flying.is_empty() && wake.is_none() {
            return sending.ended.unwrap_or(Ended::All);
        }
        let landed = tokio::select! {
            Some(landed) = flying.join_next() => landed,
            () = tokio::time::sleep_until(wake.unwrap_or(now)), if wake.is_some() => continue,
            () = &mut asked, if sending.ended.is_none() => {
                sending.ended = Some(Ended::Stopped(Stopped::Asked));
                continue;
            }
        };
        let (job, began, result) = landed.expect("a request does not panic");
        match result {
            Ok(answer) => {
                sending.answered();
                land(job.request, Outcome::Answered(answer));
            }
            Err(error) => {
                if let Some((request, outcome)) = sending.failed(job, began, error) {
                    land(request, outcome);
                }
            }
        }
    }
}

impl<'a, R> Sending<'a, R> {
    fn new(session: &'a Session, repeatable: Repeatable, requests: impl IntoIterator<Item = R>) -> Self {
        let job = |request| Job { request, refusals: 0 };
        Self {
            session,
            repeatable,
            pace: Pace::new(session.options.connections),
            ready: requests.into_iter().map(job).collect(),
            waiting: Vec::new(),
            progressed: false,
            progressed_at: Instant::now(),
            ended: None,
        }
    }

    /// What is sent now, beside those that are in flight.
    fn next(&mut self, now: Instant, flying: usize) -> Option<Job<R>> {
        if self.ended.is_some() || flying >= self.pace.window() || self.pace.rest(now).is_some() {
            return None;
        }
        let due = self.waiting.iter().position(|(until, _)| *until <= now);
        due.map(|at| self.waiting.swap_remove(at).1).or_else(|| self.ready.pop_front())
    }

    /// When something can be sent that could not be sent at `now`, provided that there is room for it.
    fn wake(&mut self, now: Instant) -> Option<Instant> {
        if self.ended.is_some() {
            return None;
        }
        let rest = self.pace.rest(now);
        let ready = if self.ready.is_empty() { None } else { rest };
        let waiting = self.waiting.iter().map(|(until, _)| *until).min();
        let waiting = waiting.map(|until| rest.map_or(until, |rest| rest.max(until)));
        // What is due and finds no room is sent when another lands.
        ready.into_iter().chain(waiting).filter(|&moment| moment > now).min()
    }

    fn answered(&mut self) {
        self.pace.answered();
        self.progressed = true;
        self.progressed_at = Instant::now();
    }

    /// What became of a request that failed, unless it is sent again.
    fn failed<T>(&mut self, mut job: Job<R>, began: Instant, error: Error) -> Option<(R, Outcome<T>)> {
        let now = Instant::now();
        let in_doubt = error.is_outcome_unknown();
        if in_doubt && self.repeatable == Repeatable::Yes || is_refusal(&error) && !in_doubt {
            self.count_refusal();
            job.refusals += 1;
            match self.session.options.wait(job.refusals, asked_wait(&error)) {
                Some(wait) if now - self.progressed_at <= self.session.options.patience => {
                    self.pace.refused(began, now, wait);
                    self.waiting.push((now + wait, job));
                }
                _ => self.end(Ended::Stopped(Stopped::Error(error))),
            }
            None
        } else if in_doubt {
            self.count_refusal();
            if is_refusal(&error) {
                // Whether this one was done is seen by reading; what is still to be sent waits with it.
                self.end(Ended::Busy { error, progressed: self.progressed });
            }
            Some((job.request, Outcome::InDoubt))
        } else if is_the_end(&error) {
            self.end(Ended::Stopped(Stopped::Error(error)));
            None
        } else {
            self.answered();
            Some((job.request, Outcome::Refused(error)))
        }
    }

    /// Sends nothing more. The first reason is the one that counts.
    fn end(&mut self, why: Ended) {
        self.ended.get_or_insert(why);
    }

    fn count_refusal(&self) {
        self.session.progress.refused.fetch_add(1, Ordering::Relaxed);
    }
}
