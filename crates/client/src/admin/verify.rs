//! The part of the admin API that verifies the store.

use bytes::BytesMut;
use jackfield_model::inspect::VerifyLine;

use super::AdminClient;
use crate::error::Error;
use crate::transport::Download;

/// The answer to a verification, read as it comes.
#[derive(Debug)]
pub struct Verification {
    download: Download,
    rest: BytesMut,
}

impl AdminClient {
    /// Lets the server read everything that its store holds, and say what is wrong. Dropping the answer ends it.
    ///
    /// # Errors
    /// [`enum@Error`]; a 409 when a verification is under way.
    pub async fn verify(&self) -> Result<Verification, Error> {
        let download = self.api.download("/admin/v1/verify").await?;
        Ok(Verification { download, rest: BytesMut::new() })
    }
}

impl Verification {
    /// The next line; nothing when the answer ended without saying that it is done.
    ///
    /// # Errors
    /// [`enum@Error`] when it does not come whole, or is not understood.
    pub async fn next(&mut self) -> Result<Option<VerifyLine>, Error> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(end + 1);
                let line = serde_json::from_slice(&line).map_err(|_| Error::UnexpectedAnswer {
                    reason: "a line of it is none of a verification".to_owned(),
                    request_id: None,
                })?;
                return Ok(Some(line));
            }
            match self.download.next().await? {
                Some(bytes) => self.rest.extend_from_slice(&bytes),
                None => return Ok(None),
            }
        }
    }
}
