//! The part of the admin API that moves everything: backup and restore.

use std::io;

use bytes::Bytes;
use http_body_util::channel::Sender;
use jackfield_model::inspect::RestoreDone;

use super::AdminClient;
use crate::error::Error;
use crate::transport::Download;

/// The media type of an export (RFC 8878).
const EXPORT_TYPE: &str = "application/zstd";

impl AdminClient {
    /// Everything that the server holds as of now, keys and hashes of secrets among it, read as it comes.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn backup(&self) -> Result<Download, Error> {
        self.api.download("/admin/v1/backup").await
    }

    /// Fills the empty store of the server with a backup; `next` gives its bytes, and none at the end.
    ///
    /// # Errors
    /// [`Error`]; a 400 when the backup is damaged, a 409 when the store has been written to.
    pub async fn restore(
        &self,
        mut next: impl FnMut() -> io::Result<Option<Bytes>>,
    ) -> Result<RestoreDone, Error> {
        let feed = async |sender| feed(sender, &mut next).await;
        self.api.upload("/admin/v1/restore", EXPORT_TYPE, feed).await
    }
}

/// Sends what `next` gives, to its end.
pub(super) async fn feed(
    mut sender: Sender<Bytes, io::Error>,
    next: &mut impl FnMut() -> io::Result<Option<Bytes>>,
) {
    loop {
        match next() {
            Ok(Some(bytes)) => {
                if sender.send_data(bytes).await.is_err() {
                    // There is an answer already.
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return sender.abort(error),
        }
    }
}
