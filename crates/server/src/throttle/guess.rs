//! Limits on guessing: client secrets, refresh tokens, authorization codes, consent passwords, the admin token.
//!
//! Failures are counted for the client together with the address, for the address, and for the client. Beyond a limit
//! a failure is a 429 instead of the specific error, and so is a correct secret that could have been guessed: one of
//! less than [`limit::STRONG_SECRET_BYTES`]. A longer one is never refused, because nobody can guess it; so an
//! attacker cannot lock a client out, from any address. An earlier success of a client or user from an address exempts
//! that address from the limits that failures elsewhere can exhaust.
//!
//! Each count is a token bucket (GCRA) in a table of limited size. `governor` cannot say how long to wait without
//! taking a token, and its tables are not bounded.

use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foldhash::quality::RandomState;
use jackfield_model::limit::{self, GuessBound};
use quick_cache::unsync::Cache;
use tokio::time::Instant;

use crate::log_throttle::LogThrottle;
use crate::metrics::Metrics;
use crate::transport::peer::Origin;

/// What a client may try to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Guess {
    /// A client's secret, or the client.
    ClientSecret,
    RefreshToken,
    Code,
    /// The password of the consent page.
    ConsentPassword,
    AdminToken,
}

impl Guess {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::RefreshToken => "refresh_token",
            Self::Code => "code",
            Self::ConsentPassword => "consent_password",
            Self::AdminToken => "admin_token",
        }
    }
}

/// Who tries, and at what. `of` is the client, the organization, or empty where there is none of that name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) at: Guess,
    pub(crate) of: &'a str,
    pub(crate) from: Origin,
}

/// Recent failures, and recent successes.
pub(crate) struct Guesses {
    hasher: RandomState,
    pairs: Buckets,
    passwords: Buckets,
    sources: Buckets,
    targets: Buckets,
    admin: Buckets,
    /// Attempts that succeeded recently, by the hash of target and address.
    known: Mutex<Cache<u64, ()>>,
    /// Refusals that are being delayed.
    held: AtomicUsize,
    news: LogThrottle,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Guesses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guesses(…)")
    }
}

impl Guesses {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            hasher: RandomState::default(),
            pairs: Buckets::new(limit::GUESSES_OF_CLIENT_AND_ADDRESS),
            passwords: Buckets::new(limit::GUESSES_OF_PASSWORD),
            sources: Buckets::new(limit::GUESSES_OF_ADDRESS),
            targets: Buckets::new(limit::GUESSES_OF_CLIENT),
            admin: Buckets::new(limit::GUESSES_OF_ADMIN_TOKEN),
            known: Mutex::new(Cache::new(limit::GUESS_TABLE)),
            held: AtomicUsize::new(0),
            news: LogThrottle::new(),
            metrics,
        }
    }

    /// Seconds until an attempt that could be a guess is accepted again.
    pub(crate) fn wait(&self, attempt: Attempt<'_>) -> Option<u64> {
        let pair = self.hasher.hash_one((attempt.of, attempt.from));
        let of_pair = self.pairs(attempt.at).wait(pair);
        let others = || {
            let of_source = self.sources.wait(self.hasher.hash_one(attempt.from));
            of_source.max(self.targets.wait(self.hasher.hash_one(attempt.of)))
        };
        let known = lock(&self.known).get(&pair).is_some();
        let wait = if known { of_pair } else { of_pair.max(others()) };
        (wait > Duration::ZERO).then(|| seconds(wait))
    }

    /// Counts a failed attempt; when it was one too many, returns the seconds until the next one is accepted.
    pub(crate) fn failed(&self, attempt: Attempt<'_>) -> Option<u64> {
        let Attempt { at, of, from } = attempt;
        self.metrics.login_failed(at.name());
        if let Some(before) = self.news.should_log(at.name()) {
            tracing::warn!(what = at.name(), of, %from, before, "a login failed; more are logged once a minute");
        }
        let wait = if at == Guess::AdminToken {
            self.admin.take(self.hasher.hash_one(from))
        } else {
            let pair = self.pairs(at).take(self.hasher.hash_one((of, from)));
            let source = self.sources.take(self.hasher.hash_one(from));
            // Invented names belong to no client.
            let target =
                if of.is_empty() { Duration::ZERO } else { self.targets.take(self.hasher.hash_one(of)) };
            pair.max(source).max(target)
        };
        (wait > Duration::ZERO).then(|| {
            self.metrics.limited(crate::metrics::Limit::Guesses);
            seconds(wait)
        })
    }

    /// Records a successful attempt: failures from elsewhere do not block it for now.
    pub(crate) fn succeeded(&self, attempt: Attempt<'_>) {
        let pair = self.hasher.hash_one((attempt.of, attempt.from));
        lock(&self.known).insert(pair, ());
    }

    /// Secrets that people choose are easier to guess than generated ones.
    const fn pairs(&self, at: Guess) -> &Buckets {
        match at {
            Guess::ConsentPassword => &self.passwords,
            _ => &self.pairs,
        }
    }

    /// Delays a refusal, the longer the more there are: a program that guesses as fast as it can waits, instead of
    /// taking the processor from others. It holds no shared resource meanwhile.
    pub(crate) async fn hold(&self) {
        let held = self.held.fetch_add(1, Ordering::Relaxed) + 1;
        let _held = Held(&self.held);
        let turn = limit::GUESS_PACE.saturating_mul(u32::try_from(held).unwrap_or(u32::MAX));
        tokio::time::sleep(turn.min(limit::GUESS_HELD_MAX)).await;
    }
}

struct Held<'a>(&'a AtomicUsize);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A token bucket for each key: when it will be full again.
struct Buckets {
    start: Instant,
    bound: GuessBound,
    full_at: Mutex<Cache<u64, Duration>>,
}

impl Buckets {
    fn new(bound: GuessBound) -> Self {
        Self { start: Instant::now(), bound, full_at: Mutex::new(Cache::new(limit::GUESS_TABLE)) }
    }

    /// How long until there is something in the bucket.
    fn wait(&self, key: u64) -> Duration {
        let full_at = lock(&self.full_at).get(&key).copied().unwrap_or_default();
        self.until_next(full_at)
    }

    /// Takes a token, or returns how long until there is one. An attempt over the limit takes none: further guessing
    /// does not prolong the wait.
    fn take(&self, key: u64) -> Duration {
        let mut table = lock(&self.full_at);
        let full_at = table.get(&key).copied().unwrap_or_default();
        let wait = self.until_next(full_at);
        if wait == Duration::ZERO {
            table.insert(key, full_at.max(self.start.elapsed()) + self.bound.every);
        }
        wait
    }

    fn until_next(&self, full_at: Duration) -> Duration {
        let room = self.bound.every * (self.bound.burst - 1);
        full_at.saturating_sub(self.start.elapsed()).saturating_sub(room)
    }
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// No code under these locks can panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::peer::Peer;

    fn from(text: &str) -> Origin {
        Peer::at(std::net::SocketAddr::new(text.parse().unwrap(), 1), false).origin()
    }

    fn attempt<'a>(of: &'a str, address: &str) -> Attempt<'a> {
        Attempt { at: Guess::ClientSecret, of, from: from(address) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_holds_its_burst_and_fills_again() {
        let bound = GuessBound { burst: 3, every: Duration::from_secs(2) };
        let buckets = Buckets::new(bound);
        for _ in 0..3 {
            assert_eq!((buckets.wait(1), buckets.take(1)), (Duration::ZERO, Duration::ZERO));
        }
        assert_eq!((buckets.wait(1), buckets.take(1)), (bound.every, bound.every));
        assert_eq!(buckets.take(2), Duration::ZERO, "another key has its own");
        tokio::time::advance(bound.every).await;
        assert_eq!(buckets.take(1), Duration::ZERO);
        assert_eq!(buckets.take(1), bound.every);
        tokio::time::advance(3 * bound.every).await;
        for _ in 0..3 {
            assert_eq!(buckets.take(1), Duration::ZERO);
        }
        assert_eq!(buckets.take(1), bound.every);
    }

    #[tokio::test(start_paused = true)]
    async fn who_guesses_harms_himself() {
        let guesses = Guesses::new(Arc::default());
        guesses.succeeded(attempt("a", "192.0.2.1"));
        let burst = limit::GUESSES_OF_CLIENT_AND_ADDRESS.burst;
        for _ in 0..burst {
            assert_eq!(guesses.failed(attempt("a", "192.0.2.9")), None);
        }
        assert!(guesses.failed(attempt("a", "192.0.2.9")).is_some());
        assert!(guesses.wait(attempt("a", "192.0.2.9")).is_some());
        for (of, address) in [("a", "192.0.2.1"), ("a", "192.0.2.2"), ("b", "192.0.2.9")] {
            assert_eq!(guesses.wait(attempt(of, address)), None, "{of} {address}");
        }
        // Many addresses use up what a client has for addresses that it does not know.
        for n in 0..limit::GUESSES_OF_CLIENT.burst {
            guesses.failed(attempt("a", &format!("198.51.{}.{}", n / 250, n % 250)));
        }
        assert!(guesses.wait(attempt("a", "203.0.113.1")).is_some());
        assert_eq!(guesses.wait(attempt("a", "192.0.2.1")), None, "it did well before");
        assert_eq!(guesses.wait(attempt("b", "203.0.113.1")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_is_bounded_whatever_it_guesses() {
        let guesses = Guesses::new(Arc::default());
        for n in 0..limit::GUESSES_OF_ADDRESS.burst {
            assert_eq!(guesses.failed(attempt(&n.to_string(), "2001:db8::1")), None);
        }
        assert!(guesses.failed(attempt("new", "2001:db8::2")).is_some(), "the same network");
        assert!(guesses.wait(attempt("newer", "2001:db8::3")).is_some());
        assert_eq!(guesses.wait(attempt("newer", "2001:db8:0:1::3")), None);
    }

    #[tokio::test(start_paused = true)]
    async fn tables_are_bounded() {
        let buckets = Buckets::new(limit::GUESSES_OF_CLIENT);
        for key in 0..3 * limit::GUESS_TABLE as u64 {
            buckets.take(key);
        }
        assert!(lock(&buckets.full_at).len() <= limit::GUESS_TABLE);
    }
}
