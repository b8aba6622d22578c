//! The clock that tokens live by.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time for tokens: seconds since 1970-01-01 UTC.
#[derive(Debug, Default)]
pub(crate) struct Clock;

impl Clock {
    /// The time now.
    pub(crate) fn seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}
