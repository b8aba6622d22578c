//! Waiting for a condition with a deadline, instead of sleeping for luck.

use std::time::{Duration, Instant};

/// How long anything that should happen soon may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

const STEP: Duration = Duration::from_millis(5);

/// Asks `condition` until it gives a value. Blocks the thread: for conditions about another process.
///
/// # Panics
/// When `deadline` passes first; the message says `what` was awaited.
pub fn until<T>(what: &str, deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < deadline, "after {deadline:?} still not so: {what}");
        std::thread::sleep(STEP);
    }
}

/// The same without blocking the thread.
///
/// # Panics
/// When `deadline` passes first; the message says `what` was awaited.
pub async fn until_async<T>(
    what: &str,
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(start.elapsed() < deadline, "after {deadline:?} still not so: {what}");
        tokio::time::sleep(STEP).await;
    }
}
