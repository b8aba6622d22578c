//! The backup: everything as of one moment, sent while it is read.

use std::sync::Arc;

use bytes::Bytes;
use jackfield_store::moving::Export;

use crate::app::App;
use crate::error::ApiError;
use crate::response::{self, Reply, StreamBroken};

/// The media type of an export (RFC 8878).
pub(crate) const EXPORT_TYPE: &str = "application/zstd";
/// Pieces that wait to be sent.
const AHEAD: usize = 2;

pub(super) async fn backup(app: &Arc<App>) -> Result<Reply, ApiError> {
    let mut export = Export::new(app.store.snapshot().await?);
    let (reply, mut sender) = response::stream(EXPORT_TYPE, AHEAD);
    tokio::spawn(async move {
        loop {
            match export.next().await {
                Ok(Some(piece)) if piece.is_empty() => {}
                Ok(Some(piece)) => {
                    if sender.send_data(Bytes::from(piece)).await.is_err() {
                        return tracing::warn!("who asked for a backup has gone");
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
