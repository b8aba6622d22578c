//! The rate limit of each client: a token bucket (GCRA) that holds two seconds' worth of requests.

use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jackfield_model::ClientId;
use jackfield_store::registry::{Client, Map, Registry};

/// Limiters of clients that are gone are swept when they are this many more than the clients.
const SWEEP_SLACK: usize = 1_000;

#[derive(Debug)]
struct Bucket {
    rate: NonZeroU32,
    limiter: DefaultDirectRateLimiter,
}

/// The rate limits of all clients.
#[derive(Debug)]
pub(crate) struct Rates {
    /// Requests a second for clients that have no rate of their own; 0 for none.
    default_rate: u32,
    clock: DefaultClock,
    buckets: RwLock<Map<Arc<ClientId>, Bucket>>,
}

impl Rates {
    pub(crate) fn new(default_rate: u32) -> Self {
        Self { default_rate, clock: DefaultClock::default(), buckets: RwLock::default() }
    }

    /// Takes one request from the client's bucket, or returns the seconds until there is one.
    pub(crate) fn check(&self, client: &Client, registry: &Registry) -> Result<(), u64> {
        let Some(rate) = NonZeroU32::new(client.rate_limit.unwrap_or(self.default_rate)) else {
            return Ok(());
        };
        let take = |bucket: &Bucket| {
            bucket.limiter.check().map_err(|not_until| {
                let wait = not_until.wait_time_from(self.clock.now());
                wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
            })
        };
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(&client.id)
            && bucket.rate == rate
        {
            return take(bucket);
        }
        drop(buckets);
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > registry.clients.len() + SWEEP_SLACK {
            buckets.retain(|id, _| registry.clients.contains_key(&**id));
        }
        // Another request may have made it meanwhile.
        let bucket = buckets.entry(Arc::clone(&client.id)).or_insert_with(|| Bucket::new(rate));
        if bucket.rate != rate {
            *bucket = Bucket::new(rate);
        }
        take(bucket)
    }

    /// Fills every bucket.
    pub(crate) fn clear(&self) {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Bucket {
    fn new(rate: NonZeroU32) -> Self {
        let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        Self { rate, limiter: RateLimiter::direct(Quota::per_second(rate).allow_burst(burst)) }
    }
}
