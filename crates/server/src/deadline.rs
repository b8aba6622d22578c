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
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// The limits of one connection. A clone is the same limits.
#[derive(Clone, Debug)]
pub(crate) struct Deadlines(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Instant,
    head: Mark,
    read: Mark,
    write: Mark,
    /// Requests being worked on.
    busy: AtomicUsize,
}

/// An instant in nanoseconds since the start, or none.
#[derive(Debug)]
struct Mark(AtomicU64);

impl Mark {
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
}

impl Deadlines {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            head: Mark::none(),
            read: Mark::none(),
            write: Mark::none(),
            busy: AtomicUsize::new(0),
        }))
    }

    /// While the guard lives the client owes nothing but the rest of a body, and that has a limit of its own.
    pub(crate) fn busy(&self) -> Busy {
        self.0.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    fn since_start(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.0.start).as_nanos();
        u64::try_from(nanos).unwrap_or(Mark::NONE)
    }

    fn now(&self) -> u64 {
        self.since_start(Instant::now())
    }

    /// The next limit that was not yet over at `seen`.
    fn next(&self, seen: u64) -> Option<u64> {
        let marks = [&self.0.head, &self.0.read, &self.0.write];
        marks.into_iter().map(Mark::get).filter(|at| *at > seen && *at != Mark::NONE).min()
    }

    /// What an attempt to read or write means for the limit on stalling.
    fn attempted<T>(
        &self,
        mark: &Mark,
        limit: Duration,
        attempt: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if attempt.is_ready() {
            mark.clear();
            return attempt;
        }
        let now = self.now();
        match mark.get() {
            Mark::NONE => {
                mark.set(now.saturating_add(u64::try_from(limit.as_nanos()).unwrap_or(Mark::NONE)));
                Poll::Pending
            }
            at if at <= now => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            _ => Poll::Pending,
        }
    }
}

/// Says that a request is being worked on.
pub(crate) struct Busy(Deadlines);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.busy.fetch_sub(1, Ordering::Relaxed);
        self.0.0.read.clear();
    }
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

    /// Nothing is woken from here: [`Bounded`] polls the whole connection when a limit passes.
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
pub(crate) struct Stalling<S> {
    stream: S,
    deadlines: Deadlines,
    /// Longest without a byte to read.
    read_limit: Duration,
    /// Longest without room to write.
    write_limit: Duration,
}

impl<S> Stalling<S> {
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

impl<S: AsyncRead + Unpin> AsyncRead for Stalling<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let attempt = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if attempt.is_pending() && self.deadlines.0.busy.load(Ordering::Relaxed) > 0 {
            return Poll::Pending;
        }
        self.deadlines.attempted(&self.deadlines.0.read, self.read_limit, attempt)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stalling<S> {
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
    /// A connection that is polled again when one of its limits passes, so that it can act on it.
    pub(crate) struct Bounded<F> {
        #[pin]
        connection: F,
        deadlines: Deadlines,
        #[pin]
        timer: Sleep,
        // For when the timer is set.
        armed: Option<u64>,
    }
}

impl<F: Future> Bounded<F> {
    pub(crate) fn new(deadlines: Deadlines, connection: F) -> Self {
        // Not registered before it is polled, and by then it is set.
        let timer = tokio::time::sleep(Duration::ZERO);
        Self { connection, deadlines, timer, armed: None }
    }
}

impl<F: Future> Future for Bounded<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        // A limit that had passed when the connection was polled is not reported to it twice.
        let mut seen = 0;
        loop {
            if let Poll::Ready(output) = this.connection.as_mut().poll(cx) {
                return Poll::Ready(output);
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
        }
    }
}

#[cfg(test)]
mod tests;
