//! The way of spans to their collector.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

use crate::outbound::{Bounds, Outbound};

/// How long a collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The way to the collector, used by a thread of the exporter's own.
#[derive(Clone)]
pub(super) struct Collector {
    outbound: Outbound,
    runtime: Handle,
    /// Whether the last attempt failed: a failure is said once.
    fails: Arc<AtomicBool>,
}

impl Collector {
    /// The way, which says in `fails` whether the last attempt failed.
    ///
    /// # Errors
    /// What is wrong with the certificates of the machine.
    pub(super) fn new(fails: Arc<AtomicBool>) -> Result<Self, String> {
        let bounds = Bounds { connect: TIMEOUT, idle: 1, answer: 64 * 1024 };
        Ok(Self { outbound: Outbound::new(None, bounds)?, runtime: Handle::current(), fails })
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}

#[async_trait::async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let outbound = self.outbound.clone();
        let sending =
            async move { tokio::time::timeout(TIMEOUT, outbound.send(request.map(Full::new))).await };
        let sent: Result<_, HttpError> = match self.runtime.spawn(sending).await? {
            Ok(Ok(answered)) if answered.status.is_success() => Ok(answered),
            Ok(Ok(answered)) => Err(format!("it answered {}", answered.status).into()),
            Ok(Err(unanswered)) => Err(unanswered.to_string().into()),
            Err(_) => Err(format!("no answer within {TIMEOUT:?}").into()),
        };
        let failed = sent.is_err();
        if self.fails.swap(failed, Ordering::Relaxed) != failed {
            match &sent {
                Ok(_) => tracing::info!("traces reach their collector again"),
                Err(error) => tracing::warn!("traces do not reach their collector and are lost: {error}"),
            }
        }
        let answered = sent?;
        let mut response = Response::new(answered.body);
        *response.status_mut() = answered.status;
        Ok(response)
    }
}
