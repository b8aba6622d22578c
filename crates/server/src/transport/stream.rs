//! Streams of HTTP/2 whose answers are not read: each is reset on its own, and the connection goes on.
//!
//! The HTTP library runs a stream as a task of its own, which waits as long as the client's window is shut. It takes the
//! next part of a body when the window has opened again. So a task that waits after it was handed a part, and is handed
//! no other one within the limit, is a stream that is not read. Dropping the task resets the stream.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::metrics::{Limit, Metrics};

/// What the body of a stream last did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    None,
    /// It gave a part to the library, which waits for the client.
    Gave,
    /// It has nothing to give yet and waits for the server.
    Waits,
}

thread_local! {
    /// What a body did since the task of its stream was polled. A task is polled by one thread at a time, and polls its
    /// body itself.
    static STEP: Cell<Step> = const { Cell::new(Step::None) };
}

/// Notes that a body gave a part to the library.
pub(crate) fn gave() {
    STEP.set(Step::Gave);
}

/// Notes that a body waits for what makes it.
pub(crate) fn waits() {
    STEP.set(Step::Waits);
}

/// Runs the tasks of the streams of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Streams(Arc<Shared>);

/// What the streams of a connection have in common: of its own, so that threads do not contend for one count of clones.
#[derive(Debug)]
struct Shared {
    limit: Duration,
    metrics: Arc<Metrics>,
}

impl Streams {
    /// A client may leave a part of an answer unread for so long.
    pub(crate) fn new(limit: Duration, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Shared { limit, metrics }))
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        // Boxed once: the runtime would move it ten times, and it takes some kilobytes.
        tokio::spawn(Patient { task: Box::pin(task), timer: None, shared: Arc::clone(&self.0) });
    }
}

pin_project! {
    struct Patient<F> {
        #[pin]
        task: F,
        // Set while it is the client's turn: hardly ever.
        timer: Option<Pin<Box<Sleep>>>,
        shared: Arc<Shared>,
    }
}

impl<F: Future<Output = ()>> Future for Patient<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        STEP.set(Step::None);
        if this.task.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        match STEP.replace(Step::None) {
            Step::None => {}
            Step::Gave => *this.timer = Some(Box::pin(tokio::time::sleep(this.shared.limit))),
            Step::Waits => *this.timer = None,
        }
        let Some(timer) = this.timer else { return Poll::Pending };
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.shared.metrics.limited(Limit::Unread);
        tracing::debug!("a stream was reset: its answer was not read");
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::mpsc;
    use tokio::time::Instant;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn patient<F>(task: F) -> Patient<F> {
        Patient { task, timer: None, shared: Streams::new(LIMIT, Arc::default()).0 }
    }

    /// A task that notes each step that it is sent, and never ends.
    fn stepping(mut steps: mpsc::UnboundedReceiver<Step>) -> impl Future<Output = ()> {
        poll_fn(move |cx| {
            while let Poll::Ready(Some(step)) = steps.poll_recv(cx) {
                STEP.set(step);
            }
            Poll::Pending
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_is_not_taken_ends_the_stream() {
        let (sender, steps) = mpsc::unbounded_channel();
        let start = Instant::now();
        let task = tokio::spawn(patient(stepping(steps)));
        // As long as it is the server's turn nothing is late.
        tokio::time::sleep(LIMIT * 3).await;
        for step in [Step::Gave, Step::Gave, Step::Waits] {
            sender.send(step).unwrap();
            tokio::time::sleep(LIMIT * 9 / 10).await;
        }
        tokio::time::sleep(LIMIT * 3).await;
        sender.send(Step::Gave).unwrap();
        task.await.unwrap();
        assert_eq!(start.elapsed(), LIMIT * 97 / 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_read_ends_by_itself() {
        let start = Instant::now();
        patient(async { gave() }).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
