//! When to try again, and after how long.

use std::time::Duration;

/// How often and how patiently a call is tried again.
///
/// Tried again are answers that say so (429, 503), connections that could not be made, and reads whose answer was
/// lost. A write whose answer was lost is not. A 503 may in a rare case be about a write that was stored: what its
/// repetition meets then is told by [`Error::is_outcome_unknown`](crate::Error::is_outcome_unknown).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, the first one included; 0 counts as 1.
    pub attempts: u32,
    /// Upper bound of the first wait; it doubles with every try. The wait itself is drawn evenly from zero to
    /// the bound ("full jitter"), so that clients that failed together do not come back together.
    pub base: Duration,
    /// The bound grows no further than this.
    pub cap: Duration,
    /// A server that asks for a longer wait than this is not waited for: the error is answered at once.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(5),
            longest_wait: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// One try, no more.
    #[must_use]
    pub const fn never() -> Self {
        Self { attempts: 1, base: Duration::ZERO, cap: Duration::ZERO, longest_wait: Duration::ZERO }
    }

    /// How long to wait after the `attempt`th try (from 1) failed; `None` to give up.
    pub(crate) fn wait(&self, attempt: u32, retry_after: Option<Duration>) -> Option<Duration> {
        self.wait_with(attempt, retry_after, fastrand::f64())
    }

    /// [`Self::wait`] with the draw (0 to 1) given.
    fn wait_with(&self, attempt: u32, retry_after: Option<Duration>, draw: f64) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let asked = retry_after.unwrap_or_default();
        if asked > self.longest_wait {
            return None;
        }
        let bound = self.base.saturating_mul(1 << (attempt - 1).min(20)).min(self.cap);
        // Never earlier than asked; the draw on top spreads those who were told the same.
        Some(asked + bound.mul_f64(draw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 4,
        base: Duration::from_millis(100),
        cap: Duration::from_millis(250),
        longest_wait: Duration::from_secs(2),
    };

    #[test]
    fn waits_double_up_to_the_cap_and_end() {
        let longest: Vec<_> =
            (1..=4).map(|n| POLICY.wait_with(n, None, 1.0).map(|d| d.as_millis())).collect();
        assert_eq!(longest, [Some(100), Some(200), Some(250), None]);
        assert_eq!(POLICY.wait_with(1, None, 0.0), Some(Duration::ZERO));
        assert_eq!(RetryPolicy::never().wait(1, None), None);
        let far = RetryPolicy { attempts: u32::MAX, ..POLICY };
        assert_eq!(far.wait_with(1_000_000, None, 1.0), Some(POLICY.cap));
    }

    #[test]
    fn the_servers_wish_is_the_least_wait_unless_it_is_too_long() {
        let asked = Duration::from_secs(2);
        assert_eq!(POLICY.wait_with(1, Some(asked), 0.0), Some(asked));
        assert_eq!(POLICY.wait_with(1, Some(asked), 1.0), Some(asked + POLICY.base));
        assert_eq!(POLICY.wait_with(1, Some(asked + Duration::from_secs(1)), 0.0), None);
    }
}
