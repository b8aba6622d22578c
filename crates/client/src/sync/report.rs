//! What became of a plan.

use std::time::Duration;

use super::journal::JournalError;
use super::plan::{Change, Counts, Kind};
use crate::error::Error;

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Report {
    /// Changes that were made.
    pub done: Counts,
    /// Of those the ones whose answer was lost and that a query found to be made, or that somebody else had made.
    pub found_done: u64,
    /// Changes that the server will not make, or that did not succeed in many tries.
    pub failed: Vec<Failure>,
    /// Changes that were not tried, or whose outcome is not known, because the run ended early.
    pub left: u64,
    /// Why the run ended early.
    pub stopped: Option<Stopped>,
    /// Requests that it took, without those for tokens.
    pub requests: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// A change that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The change.
    pub change: Change,
    /// Why.
    pub reason: String,
    /// The request that failed last, where it bore an id.
    pub request_id: Option<String>,
}

/// Why a run ended early.
#[derive(Debug)]
pub enum Stopped {
    /// It was asked to.
    Asked,
    /// No change can succeed any more, or none did for as long as the patience lasts.
    Error(Error),
    /// What was done could not be noted any more.
    Journal(JournalError),
}

impl Report {
    /// Whether every change was made.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.left == 0 && self.stopped.is_none()
    }

    pub(super) const fn count(&mut self, kind: Kind, found: bool) {
        self.done.add(kind);
        if found {
            self.found_done += 1;
        }
    }
}
