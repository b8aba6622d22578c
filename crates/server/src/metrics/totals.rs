//! Sums over all requests of clients, read from the metrics: for a history of them.

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramVec};

use super::LATENCY_BUCKETS;

/// Operations whose requests are no client's.
const NOT_CLIENTS: [&str; 4] = ["admin", "health", "docs", "metrics"];
const BUCKETS: usize = LATENCY_BUCKETS.len();

/// What was counted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Statuses below 400.
    pub(crate) answered: u64,
    /// Statuses of 400 to 499.
    pub(crate) refused: u64,
    /// Statuses of 500 and more.
    pub(crate) failed: u64,
    pub(crate) commits: u64,
    /// Requests that took at most as long as each bucket says.
    within: [u64; BUCKETS],
}

impl Totals {
    pub(super) fn read(latency: &HistogramVec, commits: &Histogram) -> Self {
        let mut totals = Self { commits: commits.get_sample_count(), ..Self::default() };
        for family in latency.collect() {
            for metric in family.get_metric() {
                let label = |name: &str| {
                    let pair = metric.get_label().iter().find(|pair| pair.name() == name);
                    pair.map_or("", |pair| pair.value())
                };
                if NOT_CLIENTS.contains(&label("operation")) {
                    continue;
                }
                let histogram = metric.get_histogram();
                let count = histogram.get_sample_count();
                match label("status").as_bytes().first() {
                    Some(b'4') => totals.refused += count,
                    Some(b'5') => totals.failed += count,
                    _ => totals.answered += count,
                }
                for (sum, bucket) in totals.within.iter_mut().zip(histogram.get_bucket()) {
                    *sum += bucket.cumulative_count();
                }
            }
        }
        totals
    }

    /// What was counted since an earlier moment.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let mut within = self.within;
        within.iter_mut().zip(before.within).for_each(|(sum, before)| *sum = sum.saturating_sub(before));
        Self {
            answered: self.answered.saturating_sub(before.answered),
            refused: self.refused.saturating_sub(before.refused),
            failed: self.failed.saturating_sub(before.failed),
            commits: self.commits.saturating_sub(before.commits),
            within,
        }
    }

    /// The latency in microseconds that this part of the requests stayed within, between the bounds of its bucket; the last
    /// bound for what took longer, and nothing without requests.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a latency for a chart"
    )]
    pub(crate) fn quantile_us(&self, part: f64) -> Option<u64> {
        let all = self.answered + self.refused + self.failed;
        if all == 0 {
            return None;
        }
        let rank = all as f64 * part;
        let (mut bound, mut below) = (0.0, 0);
        for (&upper, &within) in LATENCY_BUCKETS.iter().zip(&self.within) {
            if within as f64 >= rank && within > below {
                let share = (rank - below as f64) / (within - below) as f64;
                return Some(((bound + (upper - bound) * share) * 1e6) as u64);
            }
            (bound, below) = (upper, within);
        }
        Some((bound * 1e6) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_in_their_buckets() {
        let none = Totals::default();
        assert_eq!(none.quantile_us(0.5), None);
        // 90 below 50 µs, 10 between 1 and 2.5 ms.
        let mut totals = Totals { answered: 100, ..Totals::default() };
        for (index, &upper) in LATENCY_BUCKETS.iter().enumerate() {
            totals.within[index] = if upper >= 0.002_5 { 100 } else { 90 };
        }
        assert!((20..=50).contains(&totals.quantile_us(0.5).unwrap()));
        assert!((1_000..=2_500).contains(&totals.quantile_us(0.99).unwrap()));
        let late = Totals { failed: 1, ..Totals::default() };
        assert_eq!(late.quantile_us(0.99), Some(10_000_000), "beyond the last bucket");
        assert_eq!(totals.since(&totals), none);
    }
}
