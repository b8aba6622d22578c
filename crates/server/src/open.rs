//! What everybody who can reach a listener may ask: health, readiness, metrics, the API document and its page.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::error::ApiError;
use crate::metrics;
use crate::openapi;
use crate::response::{self, Reply};
use crate::router::OpenOperation;

pub(crate) async fn run(app: &App, operation: OpenOperation) -> Result<Reply, ApiError> {
    match operation {
        // Alive: the process answers.
        OpenOperation::Health => Ok(healthy("ok")),
        // Ready: the store can be read and written.
        OpenOperation::Ready => {
            app.store.check().await?;
            Ok(healthy("ready"))
        }
        OpenOperation::Metrics => {
            app.metrics.clock_offset.set(app.clock.offset().seconds());
            app.metrics.in_flight.set(i64::try_from(app.in_flight()).unwrap_or(i64::MAX));
            app.metrics.unsent_bytes.set(i64::try_from(app.unsent.bytes()).unwrap_or(i64::MAX));
            // What the process knows of itself is shown also while the store is away.
            let stats = app.store.stats().await.ok();
            let text = app.metrics.render(stats.as_ref(), &app.store.registry());
            Ok(response::bytes(StatusCode::OK, &metrics::CONTENT_TYPE, text))
        }
        OpenOperation::OpenApi => {
            Ok(response::bytes(StatusCode::OK, &response::JSON, openapi::document_text()))
        }
        OpenOperation::Docs => Ok(page(openapi::page())),
    }
}

/// The answer of a server that is well.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Health {
    /// A word for it.
    status: &'static str,
}

fn healthy(status: &'static str) -> Reply {
    response::json(StatusCode::OK, &Health { status })
}

fn page(html: Bytes) -> Reply {
    let mut response = response::bytes(StatusCode::OK, &response::HTML, html);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
