//! Counts actions of operators that the change record does not have yet.
//!
//! Frequent requests do not make the record grow: wrong tokens are recorded once a minute with their number, reads of
//! the journal once an hour for each token and address.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jackfield_model::limit;
use jackfield_store::Actor;
use serde_json::{Value, json};

/// Between two entries about wrong admin tokens.
pub(crate) const FAILURES_INTERVAL: Duration = Duration::from_secs(60);
/// Between two entries about one reader of the journal.
const READS_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// What is not recorded yet.
#[derive(Debug, Default)]
pub(crate) struct Acts {
    failures: Mutex<Failures>,
    readers: Mutex<HashMap<(Actor, IpAddr), Reads>>,
}

#[derive(Debug, Default)]
struct Failures {
    told: Option<Instant>,
    count: u64,
    addresses: BTreeSet<IpAddr>,
}

#[derive(Debug)]
struct Reads {
    told: Instant,
    /// Since then.
    count: u64,
}

impl Acts {
    /// Counts a wrong token; returns what to record now, if anything.
    pub(crate) fn fail(&self, address: IpAddr, now: Instant) -> Option<Value> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.count += 1;
        if failures.addresses.len() < limit::ACT_ADDRESSES {
            failures.addresses.insert(address);
        }
        failures.tell(now)
    }

    /// Wrong tokens that are not recorded yet.
    pub(crate) fn unsaid(&self, now: Instant) -> Option<Value> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).tell(now)
    }

    /// Counts a read of the journal; returns how many to record now, if any.
    pub(crate) fn read(&self, reader: (Actor, IpAddr), now: Instant) -> Option<u64> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() >= limit::ACT_READERS && !readers.contains_key(&reader) {
            readers.retain(|_, reads| now.duration_since(reads.told) < READS_INTERVAL);
        }
        if readers.len() >= limit::ACT_READERS && !readers.contains_key(&reader) {
            return None;
        }
        match readers.get_mut(&reader) {
            Some(reads) if now.duration_since(reads.told) < READS_INTERVAL => {
                reads.count += 1;
                None
            }
            known => {
                let count = known.map_or(0, |reads| reads.count) + 1;
                readers.insert(reader, Reads { told: now, count: 0 });
                Some(count)
            }
        }
    }
}

impl Failures {
    fn tell(&mut self, now: Instant) -> Option<Value> {
        let early = self.told.is_some_and(|told| now.duration_since(told) < FAILURES_INTERVAL);
        if early || self.count == 0 {
            return None;
        }
        self.told = Some(now);
        let addresses: Vec<String> =
            std::mem::take(&mut self.addresses).iter().map(ToString::to_string).collect();
        Some(json!({ "count": std::mem::take(&mut self.count), "addresses": addresses }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn wrong_tokens_are_told_once_a_minute_with_their_number() {
        let (acts, start) = (Acts::default(), Instant::now());
        assert_eq!(acts.fail(ADDRESS, start).unwrap()["count"], 1);
        for second in 1..60 {
            assert_eq!(acts.fail(ADDRESS, start + Duration::from_secs(second)), None);
        }
        let told = acts.fail(ADDRESS, start + FAILURES_INTERVAL).unwrap();
        assert_eq!((&told["count"], &told["addresses"]), (&json!(60), &json!(["127.0.0.1"])));
        assert_eq!(acts.unsaid(start + 3 * FAILURES_INTERVAL), None);
        for number in 0..100_u8 {
            acts.fail([10, 0, 0, number].into(), start + FAILURES_INTERVAL);
        }
        let told = acts.unsaid(start + 3 * FAILURES_INTERVAL).unwrap();
        assert_eq!(told["count"], 100);
        assert_eq!(told["addresses"].as_array().unwrap().len(), limit::ACT_ADDRESSES);
    }

    #[test]
    fn a_reader_of_the_journal_is_told_once_an_hour() {
        let (acts, start) = (Acts::default(), Instant::now());
        let reader = || (Actor::Admin, ADDRESS);
        assert_eq!(acts.read(reader(), start), Some(1));
        assert_eq!(acts.read((Actor::Operator("a".into()), ADDRESS), start), Some(1));
        for second in 1..100 {
            assert_eq!(acts.read(reader(), start + Duration::from_secs(second)), None);
        }
        assert_eq!(acts.read(reader(), start + READS_INTERVAL), Some(100));
        for number in 0..2 * limit::ACT_READERS {
            acts.read((Actor::Operator(number.to_string().into()), ADDRESS), start + READS_INTERVAL);
        }
        assert!(acts.readers.lock().unwrap().len() <= limit::ACT_READERS);
    }
}
