//! A connection that ends when one of its limits has passed.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::{Deadlines, Due, Overdue};

pin_project! {
    /// A connection that is polled again when one of its limits passes, so that it can act on it; an idle one is asked
    /// to shut down, and aborted when it does not.
    pub(crate) struct DeadlineFuture<F> {
        #[pin]
        pub(super) connection: F,
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
            this.deadlines.wait_to_be_asked(cx);
            if this.deadlines.stops() {
                (this.tell_to_end)(this.connection.as_mut());
                continue;
            }
            if this.deadlines.gives_way() {
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
                seen = this.deadlines.look();
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
