//! The rate limit of each client: a token bucket (GCRA) that holds two seconds' worth of requests.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jackfield_model::ClientId;
use jackfield_store::registry::{Client, Map, Registry};

/// Limiters of clients that are gone are swept when they are this many more than the clients.
const SWEEP_SLACK: usize = 1_000;

/// The rate of one client.
#[derive(Debug)]
struct Bucket {
    rate: NonZeroU32,
    limiter: DefaultDirectRateLimiter,
}

/// Where the bucket of a client was found. It is kept beside what else is known of the client in one registry, for which
/// the client's rate is what it is.
#[derive(Debug, Default)]
pub(crate) struct FoundBucket(OnceLock<(u64, Arc<Bucket>)>);

/// The rate limits of all clients.
#[derive(Debug)]
pub(crate) struct Rates {
    /// Requests a second for clients that have no rate of their own; 0 for none.
    default_rate: u32,
    clock: DefaultClock,
    buckets: RwLock<Map<Arc<ClientId>, Arc<Bucket>>>,
    /// Grows whenever a bucket is taken away, while all of them are locked: one that was found before may be of no use.
    age: AtomicU64,
}

impl Rates {
    pub(crate) fn new(default_rate: u32) -> Self {
        Self {
            default_rate,
            clock: DefaultClock::default(),
            buckets: RwLock::default(),
            age: AtomicU64::new(0),
        }
    }

    /// Takes one request from the client's bucket, or returns the seconds until there is one.
    pub(crate) fn check(&self, client: &Client, registry: &Registry, found: &FoundBucket) -> Result<(), u64> {
        if let Some((age, bucket)) = found.0.get()
            && *age == self.age.load(Ordering::Acquire)
        {
            return self.take(bucket);
        }
        let Some(rate) = NonZeroU32::new(client.rate_limit.unwrap_or(self.default_rate)) else {
            return Ok(());
        };
        let (age, bucket) = self.bucket(client, rate, registry);
        let taken = self.take(&bucket);
        let _ = found.0.set((age, bucket));
        taken
    }

    fn take(&self, bucket: &Bucket) -> Result<(), u64> {
        bucket.limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
        })
    }

    /// The client's bucket, and the age at which it was there.
    fn bucket(&self, client: &Client, rate: NonZeroU32, registry: &Registry) -> (u64, Arc<Bucket>) {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(&client.id).filter(|bucket| bucket.rate == rate) {
            return (self.age.load(Ordering::Acquire), Arc::clone(bucket));
        }
        drop(buckets);
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > registry.clients.len() + SWEEP_SLACK {
            buckets.retain(|id, _| registry.clients.contains_key(&**id));
            self.age.fetch_add(1, Ordering::AcqRel);
        }
        // Another request may have made it meanwhile.
        let bucket = buckets.entry(Arc::clone(&client.id)).or_insert_with(|| Arc::new(Bucket::new(rate)));
        if bucket.rate != rate {
            *bucket = Arc::new(Bucket::new(rate));
            self.age.fetch_add(1, Ordering::AcqRel);
        }
        (self.age.load(Ordering::Acquire), Arc::clone(bucket))
    }

    /// Fills every bucket.
    pub(crate) fn clear(&self) {
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        buckets.clear();
        self.age.fetch_add(1, Ordering::AcqRel);
    }
}

impl Bucket {
    fn new(rate: NonZeroU32) -> Self {
        let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        Self { rate, limiter: RateLimiter::direct(Quota::per_second(rate).allow_burst(burst)) }
    }
}

#[cfg(test)]
mod tests {
    use jackfield_store::conformance::world::{client, client_id};

    use super::*;

    /// A client with this rate, and what is kept beside it.
    fn of_rate(rate: u32) -> (Client, FoundBucket) {
        (Client { rate_limit: Some(rate), ..client("one", "north", &[]) }, FoundBucket::default())
    }

    fn takes(rates: &Rates, (client, found): &(Client, FoundBucket)) -> usize {
        (0..100).take_while(|_| rates.check(client, &Registry::default(), found).is_ok()).count()
    }

    #[test]
    fn a_bucket_that_was_found_is_the_clients_own_as_long_as_it_is_there() {
        let rates = Rates::new(0);
        let (slow, other) = (of_rate(5), of_rate(5));
        assert_eq!(takes(&rates, &slow), 10, "two seconds' worth");
        assert_eq!((takes(&rates, &slow), takes(&rates, &other)), (0, 0), "however it was found");
        rates.clear();
        assert_eq!((takes(&rates, &slow), takes(&rates, &slow)), (10, 0));
        // Another rate is another bucket; the find of before is old.
        let quick = of_rate(7);
        assert_eq!((takes(&rates, &quick), takes(&rates, &quick)), (14, 0));
        let found = quick.1.0.get().map(|(age, _)| *age);
        assert_eq!(found, Some(rates.age.load(Ordering::Acquire)), "it is found at once from now on");
        let unlimited = of_rate(0);
        assert_eq!(takes(&rates, &unlimited), 100);
        assert!(rates.buckets.read().unwrap().contains_key(&client_id("one")));
    }
}
