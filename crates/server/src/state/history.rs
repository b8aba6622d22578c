//! The last hour of the process: samples in a ring.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jackfield_model::admin::HistorySample;
use jackfield_model::limit;

/// The samples, oldest first, without gaps.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<VecDeque<HistorySample>>);

impl History {
    /// Adds a sample, whose place follows that of the last one.
    pub(crate) fn push(&self, sample: HistorySample) {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = samples.back().map_or(0, |last| last.sequence) + 1;
        if samples.len() == limit::HISTORY_SAMPLES {
            samples.pop_front();
        }
        samples.push_back(HistorySample { sequence, ..sample });
    }

    /// The samples with a greater sequence number. One from another life of the server is greater than all, and counts
    /// for none.
    pub(crate) fn after(&self, sequence: u64) -> Vec<HistorySample> {
        let samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = samples.back().map_or(0, |last| last.sequence);
        let sequence = if sequence > last { 0 } else { sequence };
        samples.iter().filter(|sample| sample.sequence > sequence).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(associations: u64) -> HistorySample {
        HistorySample {
            sequence: 0,
            time: String::new(),
            answered: 0,
            refused: 0,
            failed: 0,
            p50_us: None,
            p99_us: None,
            commits: 0,
            associations,
            memory_bytes: None,
        }
    }

    #[test]
    fn the_newest_are_kept() {
        let history = History::default();
        assert!(history.after(0).is_empty());
        let most = limit::HISTORY_SAMPLES as u64;
        (1..=most + 3).for_each(|n| history.push(sample(n)));
        let all = history.after(0);
        assert_eq!(all.len(), limit::HISTORY_SAMPLES);
        assert!(all.iter().all(|sample| sample.sequence == sample.associations));
        assert_eq!((all[0].sequence, all[all.len() - 1].sequence), (4, most + 3));
        assert_eq!(history.after(most + 2).len(), 1);
        assert_eq!(history.after(most + 3).len(), 0);
        assert_eq!(history.after(most + 4).len(), limit::HISTORY_SAMPLES, "of another life");
    }
}
