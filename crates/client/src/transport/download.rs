//! An answer that is read as it comes.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::call::innermost;
use crate::error::{Error, TransportError};

/// Largest error that is read where the answer is a stream.
const ERROR_BYTES: usize = 64 * 1024;

/// The body of an answer, as it comes.
#[derive(Debug)]
pub struct Download {
    pub(super) body: Incoming,
    pub(super) endpoint: String,
    pub(super) patience: Duration,
}

impl Download {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// [`enum@Error`] when it does not come whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let frame = tokio::time::timeout(self.patience, self.body.frame()).await;
            let endpoint = self.endpoint.clone();
            match frame {
                Err(_) => return Err(TransportError::TimedOut { endpoint, after: self.patience }.into()),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => {
                    return Err(TransportError::Lost { endpoint, cause: innermost(&error) }.into());
                }
                Ok(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// All of it, when it is small.
    pub(crate) async fn whole(self) -> Bytes {
        let whole = Limited::new(self.body, ERROR_BYTES).collect().await;
        whole.map(http_body_util::Collected::to_bytes).unwrap_or_default()
    }
}
