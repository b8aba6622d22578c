//! The last hour of the server, for the charts of the console. What a sample has comes from the metrics.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use jackfield_model::admin::{self, HistorySample, Role};
use jackfield_model::limit;
use jackfield_store::Timestamp;
use schemars::JsonSchema;

use super::describe::{TOP_ERRORS, describe};
use super::{AdminOperation, Query, ok};
use crate::error::ApiError;
use crate::metrics::Totals;
use crate::response::Reply;
use crate::state::State;

const INTERVAL: Duration = Duration::from_secs(limit::HISTORY_INTERVAL_SECONDS);
/// Longest that a sample waits for the store, which may be away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which samples.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
struct HistoryQuery {
    /// Only samples with a greater sequence number.
    after: Option<u64>,
}

pub(crate) static HISTORY: AdminOperation = AdminOperation::new(
    "getHistory",
    Role::Viewer,
    describe("Get the last hour of the server")
        .text("A sample every 5 seconds, in the memory of the process: requests, latency, commits, associations, memory.")
        .query::<HistoryQuery>()
        .response::<admin::History>()
        .errors(TOP_ERRORS),
    |context| Box::pin(ready(history(context.state, context.query))),
)
.outlasting_resets();

fn history(state: &State, query: &Query) -> Result<Reply, ApiError> {
    let after = query.parsed("after")?.unwrap_or_default();
    ok(&admin::History {
        interval_seconds: limit::HISTORY_INTERVAL_SECONDS,
        most: limit::HISTORY_SAMPLES,
        samples: state.operators.history.after(after),
    })
}

/// Takes samples. Never ends.
pub(crate) async fn keep_history(state: Arc<State>) {
    let mut before = state.metrics.totals();
    let mut associations = 0;
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Ok(Ok(stats)) = tokio::time::timeout(PATIENCE, state.store.stats()).await {
            associations = stats.associations;
        }
        let now = state.metrics.totals();
        state.operators.history.push(sample(&now.since(&before), associations));
        before = now;
    }
}

fn sample(totals: &Totals, associations: u64) -> HistorySample {
    HistorySample {
        sequence: 0,
        time: humantime::format_rfc3339_seconds(Timestamp::now().system_time()).to_string(),
        answered: totals.answered,
        refused: totals.refused,
        failed: totals.failed,
        p50_us: totals.quantile_us(0.5),
        p99_us: totals.quantile_us(0.99),
        commits: totals.commits,
        associations,
        memory_bytes: resident_bytes(),
    }
}

/// The memory of this process that is in use, where the system is Linux.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024)
}
