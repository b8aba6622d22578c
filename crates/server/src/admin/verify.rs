//! The verification of the store, streamed while it reads: a line of JSON for each finding, and one at the end.
//!
//! It reads a snapshot of the store while writes go on, and pauses after each page. One runs at a time; it ends when
//! the client disconnects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jackfield_model::admin::Role;
use jackfield_model::inspect::{Verified, VerifyLine};
use jackfield_store::verify::{Findings, Pace, verify as verify_moment};
use schemars::JsonSchema;
use tokio::sync::mpsc;

use super::AdminOperation;
use super::describe::describe;
use crate::description::Content;
use crate::error::ApiError;
use crate::metrics::Metrics;
use crate::response::{self, Reply, StreamBroken};
use crate::state::{State, UnderWay};

/// Chunks that wait to be sent.
const AHEAD: usize = 2;
/// Interval of progress lines, so that a client can tell a slow verification from a stalled one.
const PROGRESS: Duration = Duration::from_secs(1);

/// JSON Lines: `{"finding": {"place", "problem"}}` for each finding, at most 1,000; `{"progress": …}`; at the end
/// `{"done": {"accounts", "profiles", "resources", "associations", "changes", "findings"}}`.
#[derive(JsonSchema)]
#[schemars(with = "String")]
enum VerifyLines {}

pub(crate) static VERIFY: AdminOperation = AdminOperation::new(
    "verify",
    Role::Operator,
    describe("Verify the store")
        .text(
            "Everything is read as of one moment, and what is kept twice is compared. A line for \
             each finding, one a second with how far it is, and one at the end; an answer that \
             ends without it is not whole. One verification runs at a time, and takes at most a \
             quarter of a core.",
        )
        .response_as(Content::new::<VerifyLines>(response::JSON_LINES_TYPE))
        .errors(&[(409, "A verification is under way already.")]),
    |context| Box::pin(verify(context.state)),
)
.outlasting_resets();

async fn verify(state: &Arc<State>) -> Result<Reply, ApiError> {
    let under_way = state
        .operators
        .verification
        .begin()
        .ok_or_else(|| ApiError::Conflict("A verification is under way already.".to_owned()))?;
    let snapshot = state.store.snapshot().await?;
    let (reply, mut sender) = response::stream(response::JSON_LINES_TYPE, AHEAD);
    // Not bounded: there are at most so many findings, and a line a second.
    let (lines, mut queue) = mpsc::unbounded_channel();
    let reading = tokio::spawn(read(Arc::clone(&state.metrics), under_way, snapshot, lines));
    tokio::spawn(async move {
        while let Some(line) = queue.recv().await {
            let mut text = serde_json::to_vec(&line).expect("lines have text keys and no failing values");
            text.push(b'\n');
            if sender.send_data(Bytes::from(text)).await.is_err() {
                reading.abort();
                return tracing::warn!("the client of a verification has disconnected");
            }
            if matches!(line, VerifyLine::Done(_)) {
                return;
            }
        }
        sender.abort(StreamBroken);
    });
    Ok(reply)
}

async fn read(
    metrics: Arc<Metrics>,
    _under_way: UnderWay,
    mut snapshot: Box<dyn jackfield_store::Snapshot>,
    lines: mpsc::UnboundedSender<VerifyLine>,
) {
    let send = |line| {
        // The receiver may have been dropped; then this is aborted.
        let _ = lines.send(line);
    };
    let mut tell = |finding: jackfield_model::inspect::Finding| {
        tracing::error!(
            place = finding.place,
            problem = finding.problem,
            "the store is not what it should be"
        );
        send(VerifyLine::Finding(finding));
    };
    let mut told = Instant::now();
    let mut progress = |done: &Verified| {
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            send(VerifyLine::Progress(*done));
        }
    };
    let mut findings = Findings::new(&mut tell);
    match verify_moment(&mut *snapshot, Pace::Quarter, &mut findings, &mut progress).await {
        Ok(done) => {
            metrics.verified(done.findings);
            tracing::info!(
                associations = done.associations,
                findings = done.findings,
                "the store was verified"
            );
            send(VerifyLine::Done(done));
        }
        Err(error) => tracing::error!(%error, "a verification was broken off"),
    }
}
