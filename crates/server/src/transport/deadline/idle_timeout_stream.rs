//! A socket that enforces the limits of its connection: reading and writing fail when they stall too long.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Deadlines, TURN_BYTES};

/// A stream that fails with `TimedOut` when it stalls for too long during a read or write.
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
