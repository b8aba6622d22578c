//! The verification of the store, sent while it is read: a line of JSON for each finding, and one at the end.
//!
//! It reads one moment of the store beside its writes, and rests after each page. One runs at a time; it ends when whoever
//! asked has gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jackfield_model::inspect::{Verified, VerifyLine};
use jackfield_store::verify::{Findings, Pace, verify as verify_moment};
use tokio::sync::mpsc;

use crate::app::App;
use crate::error::ApiError;
use crate::response::{self, Reply, StreamBroken};

/// The media type of the answer.
pub(crate) const LINES_TYPE: &str = "application/jsonl";
/// Pieces that wait to be sent.
const AHEAD: usize = 2;
/// How often it is told how far it is, so that nobody takes the answer for one that stands still.
const PROGRESS: Duration = Duration::from_secs(1);

/// Whether a verification is under way.
#[derive(Debug, Default)]
pub(crate) struct Verifying(AtomicBool);

struct UnderWay(Arc<App>);

impl UnderWay {
    fn begin(app: &Arc<App>) -> Result<Self, ApiError> {
        if app.verifying.0.swap(true, Ordering::AcqRel) {
            return Err(ApiError::Conflict("A verification is under way already.".to_owned()));
        }
        Ok(Self(Arc::clone(app)))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.verifying.0.store(false, Ordering::Release);
    }
}

pub(super) async fn verify(app: &Arc<App>) -> Result<Reply, ApiError> {
    let under_way = UnderWay::begin(app)?;
    let snapshot = app.store.snapshot().await?;
    let (reply, mut sender) = response::stream(LINES_TYPE, AHEAD);
    // Not bounded: there are at most so many findings, and a line a second.
    let (lines, mut queue) = mpsc::unbounded_channel();
    let reading = tokio::spawn(read(under_way, snapshot, lines));
    tokio::spawn(async move {
        while let Some(line) = queue.recv().await {
            let mut text = serde_json::to_vec(&line).expect("lines have text keys and no failing values");
            text.push(b'\n');
            if sender.send_data(Bytes::from(text)).await.is_err() {
                reading.abort();
                return tracing::warn!("who asked for a verification has gone");
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
    under_way: UnderWay,
    mut snapshot: Box<dyn jackfield_store::Snapshot>,
    lines: mpsc::UnboundedSender<VerifyLine>,
) {
    let metrics = Arc::clone(&under_way.0.metrics);
    let send = |line| {
        // Who asked may have gone; then this is aborted.
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
