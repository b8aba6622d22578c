//! The last hour of a server, in samples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limit;

/// What happened between two samples, and what there was at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistorySample {
    /// Its place in the order of all samples of the process, from 1, without gaps.
    #[schemars(range(min = 1))]
    pub sequence: u64,
    /// When it was taken, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// Requests of clients that were answered with a status below 400.
    pub answered: u64,
    /// Requests of clients that were answered with a status of 400 to 499.
    pub refused: u64,
    /// Requests of clients that were answered with a status of 500 or more.
    pub failed: u64,
    /// Half of these requests took at most so many microseconds, by the buckets of the metrics; absent without requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<u64>,
    /// 99 of 100 of these requests took at most so many microseconds; absent without requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<u64>,
    /// Commits of the store.
    pub commits: u64,
    /// Associations of all providers.
    pub associations: u64,
    /// Memory of the process in bytes, where the system says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
}

/// The last hour of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Seconds between two samples.
    pub interval_seconds: u64,
    /// Most samples that are kept.
    pub most: usize,
    /// The samples, oldest first.
    #[schemars(length(max = limit::HISTORY_SAMPLES))]
    pub samples: Vec<HistorySample>,
}
