//! Repeated causes in the log: a cause is logged when it is new, and again a minute later.
//! An outage under load would otherwise fill a disk with one sentence.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A cause that stays the same is logged again after this long.
pub(crate) const TOLD_AGAIN: Duration = Duration::from_secs(60);
/// Causes that are remembered. More than one, because several take turns in one outage.
const CAUSES: usize = 16;

/// Causes that were logged recently.
#[derive(Debug)]
pub(crate) struct LogThrottle(Mutex<VecDeque<Logged>>);

#[derive(Debug)]
struct Logged {
    cause: String,
    at: Instant,
    /// How often it occurred since.
    since: u64,
}

impl LogThrottle {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    /// Notes a cause. When it is to be logged now: how often it occurred since it was logged last.
    pub(crate) fn should_log(&self, cause: &str) -> Option<u64> {
        // Nothing that is done under the lock can panic half-way.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = told.iter_mut().find(|known| known.cause == cause) {
            if known.at.elapsed() < TOLD_AGAIN {
                known.since += 1;
                return None;
            }
            known.at = Instant::now();
            return Some(std::mem::take(&mut known.since));
        }
        if told.len() == CAUSES {
            told.pop_front();
        }
        told.push_back(Logged { cause: cause.to_owned(), at: Instant::now(), since: 0 });
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_cause_is_told_when_it_is_new_and_once_a_minute() {
        let throttle = LogThrottle::new();
        assert_eq!(throttle.should_log("refused"), Some(0));
        assert_eq!(throttle.should_log("starting up"), Some(0));
        for cause in ["refused", "starting up", "refused"] {
            assert_eq!(throttle.should_log(cause), None);
        }
        tokio::time::advance(TOLD_AGAIN - Duration::from_secs(1)).await;
        assert_eq!(throttle.should_log("refused"), None);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(throttle.should_log("refused"), Some(3));
        assert_eq!(throttle.should_log("refused"), None);
        assert_eq!(throttle.should_log("starting up"), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let throttle = LogThrottle::new();
        for n in 0..10 * CAUSES {
            assert_eq!(throttle.should_log(&n.to_string()), Some(0));
        }
        assert_eq!(throttle.0.lock().unwrap().len(), CAUSES);
    }
}
