//! Latencies in buckets that are at most 1 % wide: what is recorded costs a few instructions and no memory.

use std::time::Duration;

use hdrhistogram::Histogram;

/// More than four minutes, in nanoseconds. What takes longer counts as this.
const LONGEST: u64 = 1 << 38;
/// Decimal digits that are told apart.
const DIGITS: u8 = 2;

/// How often each latency was seen.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST, DIGITS).expect("the bounds are in order"))
    }
}

impl Latencies {
    /// Counts one.
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LONGEST));
    }

    /// Takes in what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    /// How many were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.len()
    }

    /// The latency in microseconds that `share` of all stayed within; 0 when nothing was counted.
    #[must_use]
    pub fn micros(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_count_from_below() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.micros(0.99).to_bits(), 0.0_f64.to_bits());
        for micros in 1..=1_000 {
            latencies.record(Duration::from_micros(micros));
        }
        for (share, wanted) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0)] {
            assert!((latencies.micros(share) / wanted - 1.0).abs() < 0.01, "{share}");
        }
    }

    #[test]
    fn parts_of_a_run_are_one_and_nothing_is_too_long() {
        let mut whole = Latencies::default();
        for latency in [Duration::from_millis(1), Duration::from_secs(3_600)] {
            let mut part = Latencies::default();
            part.record(latency);
            whole.merge(&part);
        }
        assert_eq!(whole.total(), 2);
        assert!((whole.micros(0.5) / 1e3 - 1.0).abs() < 0.01);
        assert!((whole.micros(1.0) / (LONGEST as f64 / 1e3) - 1.0).abs() < 0.01);
    }
}
