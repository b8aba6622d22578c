//! How many requests are in flight: as many as the server bears.
//!
//! The window opens by one with each answer at first, then by one a round trip (additive increase), and halves when
//! the server says that it is too much (multiplicative decrease), once for all requests of one round trip. When most
//! answers say so, nothing is sent until the time is up that the last of them asked for: then it is no single
//! request that is unlucky, the server is overloaded and the client backs off.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Answers that decide whether the server is overloaded.
const RECENT: usize = 16;

/// The window and what moves it.
#[derive(Debug)]
pub(crate) struct Pace {
    window: f64,
    most: f64,
    /// Until the first refusal the window opens fast.
    opening: bool,
    /// Requests that began before this say nothing new.
    halved_at: Option<Instant>,
    resting_until: Option<Instant>,
    /// Whether each of the last answers was a refusal.
    recent: VecDeque<bool>,
}

impl Pace {
    /// Begins with a small window that opens to `most`.
    pub(crate) fn new(most: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "connections are few")]
        let most = most.max(1) as f64;
        Self {
            window: most.min(4.0),
            most,
            opening: true,
            halved_at: None,
            resting_until: None,
            recent: VecDeque::with_capacity(RECENT),
        }
    }

    /// Requests that may be in flight.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the number of connections"
    )]
    pub(crate) const fn window(&self) -> usize {
        self.window as usize
    }

    /// Until when nothing is to be sent.
    pub(crate) fn rest(&mut self, now: Instant) -> Option<Instant> {
        self.resting_until = self.resting_until.filter(|&until| until > now);
        self.resting_until
    }

    /// The server worked on a request.
    pub(crate) fn answered(&mut self) {
        self.note(false);
        self.window = (self.window + if self.opening { 1.0 } else { 1.0 / self.window }).min(self.most);
    }

    /// The server turned away a request that began at `began`, and asks to wait.
    pub(crate) fn refused(&mut self, began: Instant, now: Instant, wait: Duration) {
        self.note(true);
        self.opening = false;
        if self.halved_at.is_none_or(|at| began >= at) {
            self.window = (self.window / 2.0).max(1.0);
            self.halved_at = Some(now);
        }
        let refusals = self.recent.iter().filter(|&&refused| refused).count();
        if refusals * 2 > self.recent.len() {
            self.resting_until = self.resting_until.max(Some(now + wait));
            // What comes after the rest is judged anew.
            self.recent.clear();
        }
    }

    fn note(&mut self, refused: bool) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_window_opens_fast_then_by_one_a_round_trip() {
        let mut pace = Pace::new(16);
        assert_eq!(pace.window(), 4);
        (0..20).for_each(|_| pace.answered());
        assert_eq!(pace.window(), 16, "never above the most");
        let now = Instant::now();
        pace.refused(now, now, SECOND);
        assert_eq!(pace.window(), 8);
        (0..8).for_each(|_| pace.answered());
        assert_eq!(pace.window(), 8, "a little less than nine after one round trip");
        (0..2).for_each(|_| pace.answered());
        assert_eq!(pace.window(), 9);
        assert_eq!(Pace::new(0).window(), 1);
    }

    #[test]
    fn refusals_of_one_round_trip_count_once() {
        let mut pace = Pace::new(32);
        (0..40).for_each(|_| pace.answered());
        let began = Instant::now();
        let later = began + SECOND;
        (0..5).for_each(|_| pace.refused(began, later, SECOND));
        assert_eq!(pace.window(), 16);
        pace.refused(later, later + SECOND, SECOND);
        assert_eq!(pace.window(), 8);
    }

    #[test]
    fn a_server_that_refuses_most_gets_rest_and_one_unlucky_request_does_not_stop_others() {
        let mut pace = Pace::new(8);
        let now = Instant::now();
        for n in 0..100 {
            if n % 5 == 4 {
                pace.refused(now, now, SECOND);
            } else {
                pace.answered();
            }
            assert_eq!(pace.rest(now), None);
        }
        (0..12).for_each(|_| pace.refused(now, now, SECOND));
        assert_eq!(pace.rest(now), Some(now + SECOND));
        assert_eq!(pace.rest(now + SECOND), None, "it ends");
    }
}
