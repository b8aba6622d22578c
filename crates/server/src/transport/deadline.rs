//! The time limits of a connection, without a timer of the runtime for each request.
//!
//! Registering a timer takes a lock that all threads share and may wake the thread that waits for the network, by a
//! system call. The limits of a connection hardly ever pass, and almost always the next one is later than the last. So
//! they are kept as plain instants, and one timer a connection is set again only when it fires, or for a limit that
//! comes sooner.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use jackfield_model::limit;
use pin_project_lite::pin_project;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::transport::exchange::{Exchange, Outbox, Unsent};

/// Most bytes that a connection reads before others get their turn: small frames that cost a client nothing fill it as well.
const TURN_BYTES: usize = 16 * 1024;

/// The limits of one connection. A clone is the same limits.
#[derive(Clone, Debug)]
pub(crate) struct Deadlines(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Instant,
    /// Longest that HTTP/2 may stay open without a stream, and that the first head may take.
    idle_limit: Duration,
    /// Longest that a connection that was told to end may take for it.
    closing_limit: Duration,
    head: Deadline,
    read: Deadline,
    write: Deadline,
    idle: Deadline,
    closing: Deadline,
    /// For what is unread to be read at [`limit::READ_BYTES_PER_SECOND`].
    unread: Deadline,
    /// What must have been sent by then.
    to_be_sent: AtomicU64,
    /// Requests being worked on, or with an answer that is not sent.
    busy: AtomicUsize,
    /// Whether it was told to end, to make room.
    told: AtomicBool,
    /// Whether reading and writing fail from now on.
    failed: AtomicBool,
    /// Bytes that were read in this turn.
    read_in_turn: AtomicUsize,
    task: AtomicWaker,
    outbox: Outbox,
}

/// Why a connection is ended whatever it says to that.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// It had no stream, was told to end, and did not.
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
            failed: AtomicBool::new(false),
            read_in_turn: AtomicUsize::new(0),
            task: AtomicWaker::new(),
            outbox: Outbox::new(all),
        }));
        new.0.idle.set(nanos(idle_limit));
        new
    }

    /// While the exchange lives the client owes nothing but the rest of a body and the reading of an answer, and these
    /// have limits of their own. The last one of a connection that carries `streams` leaves it idle; on others the
    /// library bounds the time to the next head.
    pub(crate) fn exchange(&self, streams: bool) -> Exchange {
        self.0.busy.fetch_add(1, Ordering::Relaxed);
        self.0.idle.clear();
        Exchange::new(self.clone(), streams)
    }

    /// Notes that an exchange is over.
    pub(crate) fn exchanged(&self, streams: bool) {
        let own = &*self.0;
        let last = own.busy.fetch_sub(1, Ordering::Relaxed) == 1;
        own.read.clear();
        if last && streams {
            own.idle.set(self.now().saturating_add(nanos(own.idle_limit)));
        }
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    /// How long it has stood idle, or has taken for a head; nothing for one that is in use or was told to end.
    pub(crate) fn idle_for(&self) -> Option<Duration> {
        let own = &*self.0;
        if own.busy.load(Ordering::Relaxed) > 0 || self.is_told() {
            return None;
        }
        let until =
            [&own.head, &own.idle].into_iter().map(Deadline::get).filter(|at| *at != Deadline::NONE).min()?;
        let since = until.saturating_sub(nanos(own.idle_limit));
        Some(Duration::from_nanos(self.now().saturating_sub(since)))
    }

    /// Tells it to end, unless it comes into use before it hears that.
    pub(crate) fn tell_to_end(&self) {
        self.0.told.store(true, Ordering::Relaxed);
        self.0.task.wake();
    }

    pub(crate) fn is_told(&self) -> bool {
        self.0.told.load(Ordering::Relaxed)
    }

    /// Whether it has heard that it is to end, and stands idle.
    fn gives_way(&self, cx: &Context<'_>) -> bool {
        let own = &*self.0;
        if own.busy.load(Ordering::Relaxed) > 0 {
            return false;
        }
        // Only who is idle is told, and has been waiting since.
        own.task.register(cx.waker());
        self.is_told() && own.closing.get() == Deadline::NONE
    }

    /// Begins to watch whether answers are read, when one waits to be.
    fn watch_reading(&self) {
        let own = &*self.0;
        if own.outbox.handed() > 0 && own.unread.get() == Deadline::NONE {
            self.expect_reading(self.now());
        }
    }

    /// Expects that what waits is read until twice the limit on a stream has passed: a stream is reset before its
    /// connection is ended.
    fn expect_reading(&self, now: u64) {
        let own = &*self.0;
        let span = own.closing_limit.saturating_mul(2);
        let least = limit::READ_BYTES_PER_SECOND.saturating_mul(span.as_secs().max(1));
        let unread = own.outbox.handed() as u64;
        own.to_be_sent.store(own.outbox.sent().saturating_add(unread.min(least)), Ordering::Relaxed);
        own.unread.set(now.saturating_add(nanos(span)));
    }

    /// From now on it has so long to end.
    fn begin_closing(&self, now: u64) {
        self.0.closing.set(now.saturating_add(nanos(self.0.closing_limit)));
    }

    /// What has to be done because of a limit that has passed at `now`.
    fn due(&self, now: u64) -> Due {
        let own = &*self.0;
        if own.closing.passed(now) {
            if own.busy.load(Ordering::Relaxed) == 0 {
                return Due::End(Overdue::Idle);
            }
            // A last request that came before the client was told has limits of its own.
            self.begin_closing(now);
        }
        if own.unread.passed(now) {
            if own.outbox.handed() == 0 {
                own.unread.clear();
            } else if own.outbox.sent() < own.to_be_sent.load(Ordering::Relaxed) {
                return Due::End(Overdue::Unread);
            } else {
                self.expect_reading(now);
            }
        }
        if own.idle.passed(now) {
            own.idle.clear();
            if own.busy.load(Ordering::Relaxed) == 0 {
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
        let own = &*self.0;
        let marks = [&own.head, &own.read, &own.write, &own.idle, &own.closing, &own.unread];
        marks.into_iter().map(Deadline::get).filter(|at| *at > seen && *at != Deadline::NONE).min()
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

    /// Nothing is woken from here: [`DeadlineFuture`] polls the whole connection when a limit passes.
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.deadlines.0.head.get() <= self.deadlines.now() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl hyper::rt::Sleep for HeadLimit {}

impl Drop for HeadLimit {
    fn drop(&mut self) {
        self.deadlines.0.head.clear();
    }
}

/// A stream that fails with `TimedOut` when it stands still for too long while someone wants to read or write.
#[derive(Debug)]
pub(crate) struct IdleTimeoutStream<S> {
    stream: S,
    deadlines: Deadlines,
    /// Longest without a byte to read.
    read_limit: Duration,
    /// Longest without room to write.
    write_limit: Duration,
}

impl<S> IdleTimeoutStream<S> {
    pub(crate) const fn new(
        stream: S,
        deadlines: Deadlines,
        read_limit: Duration,
        write_limit: Duration,
    ) -> Self {
        Self { stream, deadlines, read_limit, write_limit }
    }

    fn wrote<T>(&self, attempt: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.deadlines.attempted(&self.deadlines.0.write, self.write_limit, attempt)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for IdleTimeoutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.deadlines.check()?;
        let turn = &self.deadlines.0.read_in_turn;
        if turn.load(Ordering::Relaxed) >= TURN_BYTES {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let attempt = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.deadlines.0.read_in_turn.fetch_add(buffer.filled().len() - before, Ordering::Relaxed);
        if attempt.is_pending() && self.deadlines.0.busy.load(Ordering::Relaxed) > 0 {
            return Poll::Pending;
        }
        self.deadlines.attempted(&self.deadlines.0.read, self.read_limit, attempt)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for IdleTimeoutStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(attempt)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(attempt)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let attempt = Pin::new(&mut self.stream).poll_flush(cx);
        self.wrote(attempt)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let attempt = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.wrote(attempt)
    }
}

pin_project! {
    /// A connection that is polled again when one of its limits passes, so that it can act on it; one that stands idle
    /// is told to end, and is ended when it does not.
    pub(crate) struct DeadlineFuture<F> {
        #[pin]
        connection: F,
        deadlines: Deadlines,
        tell_to_end: fn(Pin<&mut F>),
        #[pin]
        timer: Sleep,
        // For when the timer is set.
        armed: Option<u64>,
    }
}

impl<F: Future> DeadlineFuture<F> {
    pub(crate) fn new(deadlines: Deadlines, connection: F, tell_to_end: fn(Pin<&mut F>)) -> Self {
        // Not registered before it is polled, and by then it is set.
        let timer = tokio::time::sleep(Duration::ZERO);
        Self { connection, deadlines, tell_to_end, timer, armed: None }
    }

    /// Has the connection finish what is under way and end.
    pub(crate) fn end(self: Pin<&mut Self>) {
        let this = self.project();
        (this.tell_to_end)(this.connection);
    }
}

impl<F: Future> Future for DeadlineFuture<F> {
    type Output = Result<F::Output, Overdue>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        this.deadlines.0.read_in_turn.store(0, Ordering::Relaxed);
        // A limit that had passed when the connection was polled is not reported to it twice.
        let mut seen = 0;
        loop {
            if let Poll::Ready(output) = this.connection.as_mut().poll(cx) {
                return Poll::Ready(Ok(output));
            }
            this.deadlines.watch_reading();
            if this.deadlines.gives_way(cx) {
                this.deadlines.begin_closing(this.deadlines.now());
                (this.tell_to_end)(this.connection.as_mut());
                continue;
            }
            loop {
                let Some(at) = this.deadlines.next(seen) else { return Poll::Pending };
                if this.armed.is_none_or(|armed| at < armed) {
                    let instant = this.deadlines.0.start + Duration::from_nanos(at);
                    this.timer.as_mut().reset(instant);
                    *this.armed = Some(at);
                }
                if this.timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                *this.armed = None;
                seen = this.deadlines.now();
                if at <= seen {
                    break;
                }
            }
            match this.deadlines.due(seen) {
                Due::Step => {}
                Due::TellToEnd => (this.tell_to_end)(this.connection.as_mut()),
                Due::End(why) => {
                    // The library ends the streams of a connection in order when its network fails.
                    this.deadlines.fail();
                    let _ = this.connection.as_mut().poll(cx);
                    return Poll::Ready(Err(why));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
