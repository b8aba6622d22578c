//! The backup: a consistent snapshot of everything, streamed while it is read.

use std::sync::Arc;

use bytes::Bytes;
use jackfield_model::admin::Role;
use jackfield_store::transfer::Export;

use super::describe::{TOP_ERRORS, describe};
use super::{AdminOperation, EXPORT, Recorded};
use crate::error::ApiError;
use crate::response::{self, Reply, StreamBroken};
use crate::state::State;

/// Chunks that wait to be sent.
const AHEAD: usize = 2;

pub(crate) static BACKUP: AdminOperation = AdminOperation::new(
    "backup",
    Role::Operator,
    describe("Read everything as of one moment")
        .text(
            "An export that `restore` takes, with keys and hashes of secrets. Writes go on \
             meanwhile and are not part of it. An answer that ends without its last line is not \
             whole.",
        )
        .response_as(EXPORT)
        .errors(TOP_ERRORS),
    |context| Box::pin(backup(context.state)),
)
.outlasting_resets()
.recorded(Recorded::giving_out("backup"));

async fn backup(state: &Arc<State>) -> Result<Reply, ApiError> {
    let mut export = Export::new(state.store.snapshot().await?);
    let (reply, mut sender) = response::stream(response::EXPORT_TYPE, AHEAD);
    tokio::spawn(async move {
        loop {
            match export.next().await {
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(Some(piece)) => {
                    if sender.send_data(Bytes::from(piece)).await.is_err() {
                        return tracing::warn!("the client of a backup has disconnected");
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, "a backup was broken off");
                    return sender.abort(StreamBroken);
                }
            }
        }
        let moved = export.moved();
        tracing::info!(associations = moved.associations, changes = moved.changes, "a backup was sent");
    });
    Ok(reply)
}
