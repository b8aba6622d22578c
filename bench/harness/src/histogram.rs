//! Latencies in buckets that are at most 1 % wide: what is recorded costs a few instructions and no memory.

use std::time::Duration;

/// Buckets for each doubling.
const PER_DOUBLING: usize = 128;
const BITS: u32 = PER_DOUBLING.trailing_zeros();
/// Up to 2^38 ns, more than four minutes.
const DOUBLINGS: usize = 38;

/// How often each latency was seen.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; PER_DOUBLING * DOUBLINGS], total: 0 }
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        let last = self.counts.len() - 1;
        self.counts[bucket(nanos).min(last)] += 1;
        self.total += 1;
    }

    /// Takes in what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (count, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *count += theirs;
        }
        self.total += other.total;
    }

    /// How many were counted.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The latency in microseconds that `share` of all stayed within; 0 when nothing was counted.
    #[must_use]
    pub fn micros(&self, share: f64) -> f64 {
        let wanted = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return upper(index) as f64 / 1e3;
            }
        }
        0.0
    }
}

fn bucket(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(BITS + 1);
    shift as usize * PER_DOUBLING + (nanos >> shift) as usize
}

/// The greatest value of a bucket.
fn upper(index: usize) -> u64 {
    if index < 2 * PER_DOUBLING {
        return index as u64;
    }
    let shift = index / PER_DOUBLING - 1;
    (((index - shift * PER_DOUBLING) as u64 + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_within_a_percent_of_its_bucket() {
        for nanos in (0..5_000).chain([65_535, 65_536, 1_000_000, 999_999_937, 200_000_000_000]) {
            let upper = upper(bucket(nanos));
            assert!(upper >= nanos && upper as f64 <= nanos as f64 * 1.01 + 1.0, "{nanos}: {upper}");
        }
    }

    #[test]
    fn percentiles_count_from_below() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.micros(0.99).to_bits(), 0.0_f64.to_bits());
        for micros in 1..=1_000 {
            histogram.record(Duration::from_micros(micros));
        }
        for (share, wanted) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0)] {
            assert!((histogram.micros(share) / wanted - 1.0).abs() < 0.01, "{share}");
        }
    }
}
