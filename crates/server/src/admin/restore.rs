//! The restore: an uploaded export becomes the content of the empty store, in one step.
//!
//! Meanwhile the public API answers 503. The keys of this process change with the store's, so that credentials and
//! tokens of the export are valid at once; that happens at most once, since a store is filled only once. When the
//! client disconnects during the upload, the store is empty again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use jackfield_model::admin::Role;
use jackfield_model::inspect::RestoreDone;
use jackfield_store::transfer::{Import, MoveError, Moved};
use tokio::sync::mpsc;

use super::describe::describe;
use super::{AdminOperation, EXPORT, Recorded};
use crate::endpoint::Outcome;
use crate::error::ApiError;
use crate::request::RequestBody;
use crate::response::{self, Reply};
use crate::state::{State, UnderWay};

/// Chunks of the upload that wait.
const AHEAD: usize = 4;

/// A part of the upload.
enum Piece {
    Bytes(Bytes),
    /// It came to its end.
    End,
}

pub(crate) static RESTORE: AdminOperation = AdminOperation::new(
    "restore",
    Role::Admin,
    describe("Fill the empty store")
        .text(
            "With an export, of any size. Nothing of it is seen before all of it was read and \
             compared with its checksums; meanwhile the public API answers 503. Afterwards the \
             credentials and tokens of the export are valid.",
        )
        .request_as(EXPORT)
        .response::<RestoreDone>()
        .errors(&[
            (
                400,
                "The export is damaged, cut off, or of a newer format; the message names the line. \
             Nothing was restored.",
            ),
            (409, "The store has been written to, or a restore is under way."),
        ]),
    |context| Box::pin(restore(context.state, context.upload)),
)
.streaming_its_body()
.recorded(Recorded::new("restore"));

/// Restores what the body holds. It finishes even when its client disconnects.
async fn restore(state: &Arc<State>, body: &mut RequestBody) -> Outcome {
    // Before a byte is read: an upload may be large.
    if state.store.stats().await?.last_change > 0 {
        return Err(refused(MoveError::NotEmpty));
    }
    let under_way = state
        .operators
        .restore
        .begin()
        .ok_or_else(|| ApiError::Conflict("A restore is under way already.".to_owned()))?;
    let (pieces, queue) = mpsc::channel(AHEAD);
    let mut task = tokio::spawn(put_in_place(Arc::clone(state), under_way, queue));
    let uploaded = tokio::select! {
        uploaded = upload(body, &pieces, state.limits.bodies.patience()) => uploaded,
        // It has found something wrong and waits for nothing more.
        moved = &mut task => return answer(moved),
    };
    if uploaded.is_ok() {
        // When this fails the task says why.
        let _ = pieces.send(Piece::End).await;
    }
    drop(pieces);
    let moved = task.await;
    uploaded?;
    answer(moved)
}

async fn upload(
    body: &mut RequestBody,
    pieces: &mpsc::Sender<Piece>,
    patience: Duration,
) -> Result<(), ApiError> {
    let broken_off = |how: &str| {
        ApiError::BadRequest(format!("The upload {how}; nothing was restored and the store is empty."))
    };
    loop {
        let frame = tokio::time::timeout(patience, body.frame()).await;
        match frame.map_err(|_| broken_off("stood still"))? {
            None => return Ok(()),
            Some(Err(_)) => return Err(broken_off("was broken off")),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data()
                    && pieces.send(Piece::Bytes(bytes)).await.is_err()
                {
                    // The task has ended, and says why.
                    return Ok(());
                }
            }
        }
    }
}

async fn put_in_place(
    state: Arc<State>,
    _under_way: UnderWay,
    mut queue: mpsc::Receiver<Piece>,
) -> Result<Moved, ApiError> {
    let mut import = Import::new(Arc::clone(&state.store));
    let failed = loop {
        match queue.recv().await {
            Some(Piece::Bytes(bytes)) => {
                if let Err(error) = import.push(&bytes).await {
                    break Some(error);
                }
            }
            Some(Piece::End) => {
                let moved = import.finish().await.map_err(refused)?;
                state.credentials.restored(&*state.store);
                tracing::warn!(associations = moved.associations, "a backup was restored");
                return Ok(moved);
            }
            None => break None,
        }
    };
    if let Err(error) = import.abandon().await {
        tracing::error!(%error, "what was restored so far could not be taken away; the store has to be made anew");
    }
    // The receiver may have been dropped.
    Err(failed.map_or_else(|| ApiError::BadRequest("The upload was broken off.".to_owned()), refused))
}

fn answer(moved: Result<Result<Moved, ApiError>, tokio::task::JoinError>) -> Result<Reply, ApiError> {
    let Moved { accounts, profiles, resources, associations, changes, .. } =
        moved.map_err(|error| ApiError::Internal { cause: error.to_string() })??;
    let done = RestoreDone { accounts, profiles, resources, associations, changes };
    Ok(response::json(StatusCode::OK, &done))
}

fn refused(error: MoveError) -> ApiError {
    match error {
        MoveError::Format(error) => {
            ApiError::BadRequest(format!("Line {}: {}. Nothing was restored.", error.line, error.reason))
        }
        MoveError::NotEmpty | MoveError::Another(_) => ApiError::Conflict(
            "The store has been written to; a backup is restored into a new store only.".to_owned(),
        ),
        MoveError::Store(error) => error.into(),
        error => ApiError::Internal { cause: error.to_string() },
    }
}
