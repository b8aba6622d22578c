//! Operations for anyone who can reach a listener: health, readiness, metrics, the API document and its page.

use std::fmt;
use std::future::ready;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::description::{Content, Description, INTERNAL, Tag, Text};
use crate::endpoint::{Endpoint, Incoming, Outcome};
use crate::metrics;
use crate::response::{self, Reply};
use crate::router::Operation;
use crate::state::State;
use crate::webhook;

/// An operation without authentication.
pub(crate) struct Probe {
    operation: Operation,
    run: for<'a> fn(&'a State) -> BoxFuture<'a, Outcome>,
}

/// Alive: the process answers.
pub(crate) static HEALTH: Probe =
    Probe::new("getHealth", "health", describe("Is the process alive?").response::<Health>(), |_| {
        Box::pin(ready(Ok(healthy("ok"))))
    });
/// Ready: the store can be read and written.
pub(crate) static READINESS: Probe = Probe::new(
    "getReadiness",
    "health",
    describe("Can the store be read and written?")
        .response::<Health>()
        .errors(&[(500, "The store holds something unexpected."), (503, "Not now.")]),
    |state| Box::pin(readiness(state)),
);
pub(crate) static METRICS: Probe = Probe::new(
    "getMetrics",
    "metrics",
    describe("Metrics in the Prometheus text format")
        .response_as(Content::new::<Text>("text/plain"))
        .errors(&[INTERNAL, (503, "The store cannot be read.")]),
    |state| Box::pin(show_metrics(state)),
);
pub(crate) static OPENAPI: Probe =
    Probe::new("getOpenApi", "docs", describe("This document").response::<Document>(), |state| {
        let document = (state.documents.openapi)();
        Box::pin(ready(Ok(response::bytes(StatusCode::OK, &response::JSON, document))))
    });
pub(crate) static DOCS: Probe = Probe::new(
    "getDocs",
    "docs",
    describe("This document as a page").response_as(Content::new::<Text>("text/html")),
    |state| Box::pin(ready(Ok(page((state.documents.page)())))),
);

/// The certificate chain of requests to skills. The name in the path is that of the chain, or anything: verifiers look
/// at what they get.
pub(crate) static CHAIN: Probe = Probe::new(
    "getSkillSigningChain",
    "skill_chain",
    describe("The certificate chain that requests to skills are signed with: the leaf, then the CA to trust")
        .response_as(Content::new::<Text>("application/x-pem-file")),
    |state| Box::pin(chain(state)),
);

impl Probe {
    const fn new(
        id: &'static str,
        name: &'static str,
        description: Description,
        run: for<'a> fn(&'a State) -> BoxFuture<'a, Outcome>,
    ) -> Self {
        Self { operation: Operation::for_anyone(id, name, description), run }
    }

    /// Whether this is what serves an operation.
    pub(crate) fn serves(&self, operation: &Operation) -> bool {
        self.operation.id == operation.id
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt(f)
    }
}

impl Endpoint for Probe {
    fn operation(&self) -> &Operation {
        &self.operation
    }

    fn serve<'a>(&'static self, incoming: Incoming<'a>) -> BoxFuture<'a, Outcome> {
        (self.run)(incoming.state)
    }
}

/// Whether an operation says how the server is, and nothing else.
pub(crate) fn is_about_health(operation: &Operation) -> bool {
    HEALTH.serves(operation) || READINESS.serves(operation)
}

const fn describe(summary: &'static str) -> Description {
    Description::new(Tag::Server, summary)
}

/// Any JSON object.
#[derive(JsonSchema)]
struct Document {}

/// The answer of a server that is well.
#[derive(Serialize, JsonSchema)]
struct Health {
    /// A word for it.
    status: &'static str,
}

pub(crate) fn healthy(status: &'static str) -> Reply {
    response::json(StatusCode::OK, &Health { status })
}

async fn readiness(state: &State) -> Outcome {
    state.store.check().await?;
    Ok(healthy("ready"))
}

async fn chain(state: &State) -> Outcome {
    static TYPE: HeaderValue = HeaderValue::from_static("application/x-pem-file");
    let (_, chain) = state.skills.chain(state.keys()).await;
    Ok(response::bytes(StatusCode::OK, &TYPE, chain))
}

async fn show_metrics(state: &State) -> Outcome {
    let metrics = &state.metrics;
    metrics.clock_offset.set(state.sandbox.clock.offset().seconds());
    metrics.in_flight.set(i64::try_from(state.limits.in_flight()).unwrap_or(i64::MAX));
    metrics.change_streams.set(i64::try_from(state.feed.open_streams()).unwrap_or(i64::MAX));
    metrics.unsent_bytes.set(i64::try_from(state.limits.unsent.bytes()).unwrap_or(i64::MAX));
    metrics.webhooks.show(&webhook::lags(state).await);
    // The metrics of the process are available also while the store is not.
    let stats = state.store.stats().await.ok();
    let text = metrics.render(stats.as_ref(), &state.store.registry());
    Ok(response::bytes(StatusCode::OK, &metrics::CONTENT_TYPE, text))
}

fn page(html: Bytes) -> Reply {
    let mut response = response::bytes(StatusCode::OK, &response::HTML, html);
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
