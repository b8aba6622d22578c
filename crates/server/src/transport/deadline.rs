//! The time limits of a connection, without a runtime timer for each request.
//!
//! Registering a timer takes a lock that all threads share and may wake the thread that waits for the network, by a
//! system call. The limits of a connection hardly ever pass, and almost always the next one is later than the last. So
//! they are kept as plain instants, and one timer a connection is set again only when it fires, or for a limit that
//! comes sooner.

mod deadline_future;
mod idle_timeout_stream;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use jackfield_model::limit;
use thiserror::Error;
use tokio::time::Instant;

pub(crate) use deadline_future::DeadlineFuture;
pub(crate) use idle_timeout_stream::IdleTimeoutStream;

use super::outbox::{Outbox, Unsent};

/// Most bytes that a connection reads before others get their turn, also of small frames that cost a client nothing.
const TURN_BYTES: usize = 16 * 1024;

/// The limits of one connection. A clone is the same limits.
#[derive(Clone, Debug)]
pub(crate) struct Deadlines(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Instant,
    /// Longest that HTTP/2 may stay open without a stream, and that the first head may take.
    idle_limit: Duration,
    /// Longest that a connection may take to shut down.
    closing_limit: Duration,
    head: Deadline,
    read: Deadline,
    write: Deadline,
    idle: Deadline,
    closing: Deadline,
    /// For the client to read what is unread at [`limit::READ_BYTES_PER_SECOND`].
    unread: Deadline,
    /// What must have been sent by then.
    to_be_sent: AtomicU64,
    /// Requests in flight, or with a response that is not sent.
    busy: AtomicUsize,
    /// Whether it was told to end, to make room.
    told: AtomicBool,
    /// Whether the server stops, which the connection has not acted on yet.
    stopping: AtomicBool,
    /// Whether reading and writing fail from now on.
    failed: AtomicBool,
    /// When a limit was last found to have passed.
    seen: AtomicU64,
    /// Bytes that were read in this turn.
    read_in_turn: AtomicUsize,
    task: AtomicWaker,
    outbox: Outbox,
}

/// Why a connection is aborted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// It had no stream and did not shut down in time.
    #[error("it stood idle and did not end when it was told to")]
    Idle,
    /// Its client reads answers too slowly, or not at all.
    #[error("its answers were not read")]
    Unread,
}

/// What has to be done with a connection because a limit has passed.
enum Due {
    /// Nothing that its own next step would not do.
    Step,
    TellToEnd,
    End(Overdue),
}

/// An instant in nanoseconds since the start, or none.
#[derive(Debug)]
struct Deadline(AtomicU64);

impl Deadline {
    const NONE: u64 = u64::MAX;

    const fn none() -> Self {
        Self(AtomicU64::new(Self::NONE))
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, at: u64) {
        self.0.store(at, Ordering::Relaxed);
    }

    fn clear(&self) {
        if self.get() != Self::NONE {
            self.set(Self::NONE);
        }
    }

    fn passed(&self, now: u64) -> bool {
        self.get() <= now
    }
}

impl Deadlines {
    /// Limits of a connection that begins now, without a stream: for a head and for standing idle, and for an end that
    /// it was told to come to.
    pub(crate) fn new(idle_limit: Duration, closing_limit: Duration, all: Arc<Unsent>) -> Self {
        let new = Self(Arc::new(Inner {
            start: Instant::now(),
            idle_limit,
            closing_limit,
            head: Deadline::none(),
            read: Deadline::none(),
            write: Deadline::none(),
            idle: Deadline::none(),
            closing: Deadline::none(),
            unread: Deadline::none(),
            to_be_sent: AtomicU64::new(0),
            busy: AtomicUsize::new(0),
            told: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            seen: AtomicU64::new(0),
            read_in_turn: AtomicUsize::new(0),
            task: AtomicWaker::new(),
            outbox: Outbox::new(all),
        }));
        new.0.idle.set(nanos(idle_limit));
        new
    }

    /// Notes that an exchange begins: the connection is not idle.
    pub(super) fn begin_exchange(&self) {
        self.0.busy.fetch_add(1, Ordering::Relaxed);
        self.0.idle.clear();
    }

    /// Notes that an exchange is over. The last one of a connection that carries `streams` leaves it idle; on others the
    /// library bounds the time to the next head.
    pub(super) fn end_exchange(&self, streams: bool) {
        let inner = &*self.0;
        let last = inner.busy.fetch_sub(1, Ordering::Relaxed) == 1;
        inner.read.clear();
        if last && streams {
            inner.idle.set(self.now().saturating_add(nanos(inner.idle_limit)));
        }
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    /// How long it has stood idle, or has taken for a head; nothing for one that is in use or was told to end.
    pub(crate) fn idle_for(&self) -> Option<Duration> {
        let inner = &*self.0;
        if inner.busy.load(Ordering::Relaxed) > 0 || self.is_told() {
            return None;
        }
        let until = [&inner.head, &inner.idle]
            .into_iter()
            .map(Deadline::get)
            .filter(|at| *at != Deadline::NONE)
            .min()?;
        let since = until.saturating_sub(nanos(inner.idle_limit));
        Some(Duration::from_nanos(self.now().saturating_sub(since)))
    }

    /// Asks it to shut down, unless it comes into use before.
    pub(crate) fn tell_to_end(&self) {
        self.0.told.store(true, Ordering::Relaxed);
        self.0.task.wake();
    }

    pub(crate) fn is_told(&self) -> bool {
        self.0.told.load(Ordering::Relaxed)
    }

    /// Asks it to finish what is under way and to end, since the server stops.
    pub(crate) fn stop(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
        self.0.task.wake();
    }

    /// Has the task of the connection woken when it is asked for something.
    fn wait_to_be_asked(&self, cx: &Context<'_>) {
        self.0.task.register(cx.waker());
    }

    /// Whether the server stops; said once.
    fn stops(&self) -> bool {
        let stopping = &self.0.stopping;
        stopping.load(Ordering::Relaxed) && stopping.swap(false, Ordering::Relaxed)
    }

    /// Whether it was asked to shut down, and is idle.
    fn gives_way(&self) -> bool {
        let inner = &*self.0;
        self.is_told() && inner.busy.load(Ordering::Relaxed) == 0 && inner.closing.get() == Deadline::NONE
    }

    /// Begins to watch whether answers are read, when one waits to be.
    fn watch_reading(&self) {
        let inner = &*self.0;
        if inner.outbox.handed() > 0 && inner.unread.get() == Deadline::NONE {
            self.expect_reading(self.now());
        }
    }

    /// Expects that what waits is read until twice the limit on a stream has passed: a stream is reset before its
    /// connection is ended.
    fn expect_reading(&self, now: u64) {
        let inner = &*self.0;
        let span = inner.closing_limit.saturating_mul(2);
        let least = limit::READ_BYTES_PER_SECOND.saturating_mul(span.as_secs().max(1));
        let unread = inner.outbox.handed() as u64;
        inner.to_be_sent.store(inner.outbox.sent().saturating_add(unread.min(least)), Ordering::Relaxed);
        inner.unread.set(now.saturating_add(nanos(span)));
    }

    /// From now on it has so long to end.
    fn begin_closing(&self, now: u64) {
        self.0.closing.set(now.saturating_add(nanos(self.0.closing_limit)));
    }

    /// What has to be done because of a limit that has passed at `now`.
    fn due(&self, now: u64) -> Due {
        let inner = &*self.0;
        if inner.closing.passed(now) {
            if inner.busy.load(Ordering::Relaxed) == 0 {
                return Due::End(Overdue::Idle);
            }
            // A last request that came before the client was told has limits of its own.
            self.begin_closing(now);
        }
        if inner.unread.passed(now) {
            if inner.outbox.handed() == 0 {
                inner.unread.clear();
            } else if inner.outbox.sent() < inner.to_be_sent.load(Ordering::Relaxed) {
                return Due::End(Overdue::Unread);
            } else {
                self.expect_reading(now);
            }
        }
        if inner.idle.passed(now) {
            inner.idle.clear();
            if inner.busy.load(Ordering::Relaxed) == 0 {
                self.begin_closing(now);
                return Due::TellToEnd;
            }
        }
        Due::Step
    }

    fn since_start(&self, at: Instant) -> u64 {
        nanos(at.saturating_duration_since(self.0.start))
    }

    fn now(&self) -> u64 {
        self.since_start(Instant::now())
    }

    /// The next limit that was not yet over at `seen`.
    fn next(&self, seen: u64) -> Option<u64> {
        let inner = &*self.0;
        let marks = [&inner.head, &inner.read, &inner.write, &inner.idle, &inner.closing, &inner.unread];
        marks.into_iter().map(Deadline::get).filter(|at| *at > seen && *at != Deadline::NONE).min()
    }

    /// The time when the timer has fired, for whoever looks whether a limit has passed.
    fn look(&self) -> u64 {
        let now = self.now();
        self.0.seen.store(now, Ordering::Relaxed);
        now
    }

    /// From now on reading and writing fail.
    fn fail(&self) {
        self.0.failed.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        if self.0.failed.load(Ordering::Relaxed) { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }

    /// What an attempt to read or write means for the limit on stalling.
    fn attempted<T>(
        &self,
        mark: &Deadline,
        limit: Duration,
        attempt: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if attempt.is_ready() {
            mark.clear();
            return attempt;
        }
        let now = self.now();
        match mark.get() {
            Deadline::NONE => {
                mark.set(now.saturating_add(nanos(limit)));
                Poll::Pending
            }
            at if at <= now => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            _ => Poll::Pending,
        }
    }
}

/// Nanoseconds, as many as a mark can hold.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(Deadline::NONE)
}

/// Gives the HTTP library the limit on a head from [`Deadlines`].
#[derive(Debug)]
pub(crate) struct HeadTimer(pub(crate) Deadlines);

impl hyper::rt::Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.0.0.head.set(self.0.since_start(deadline.into()));
        Box::pin(HeadLimit { deadlines: self.0.clone() })
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    fn reset(&self, _: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: std::time::Instant) {
        self.0.0.head.set(self.0.since_start(deadline.into()));
    }
}

/// Is done once the limit on the head has passed; the limit is gone with it.
struct HeadLimit {
    deadlines: Deadlines,
}

impl Future for HeadLimit {
    type Output = ();

    /// Nothing is woken from here, and no clock is read: [`DeadlineFuture`] does both, and polls the whole connection when
    /// a limit passes.
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let inner = &*self.deadlines.0;
        if inner.head.passed(inner.seen.load(Ordering::Relaxed)) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl hyper::rt::Sleep for HeadLimit {}

impl Drop for HeadLimit {
    fn drop(&mut self) {
        self.deadlines.0.head.clear();
    }
}

#[cfg(test)]
mod tests;
