//! Traces: a span for each request, with spans for its steps, and for each request to another program, sent to a collector over
//! OTLP.
//!
//! The names follow the [semantic conventions of HTTP](https://opentelemetry.io/docs/specs/semconv/http/http-spans/). A caller's
//! `traceparent` is continued, and passed on to the programs that are asked for it. The standard variables `OTEL_…` decide about
//! sampling, queue, headers and resource. Neither secrets nor bodies are in an attribute; a path or id, which names an object, is
//! only where the operator wants it.

mod collector;
mod command;
mod outgoing;
mod request;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

use self::collector::Collector;
pub use self::command::CommandTrace;
pub(crate) use self::outgoing::Outgoing;
pub(crate) use self::request::{Answered, RequestTrace};

/// How long the last spans may take on their way when the server stops.
const LAST: Duration = Duration::from_secs(5);
/// The path of spans below the address of a collector (OTLP/HTTP).
const SPANS: &str = "/v1/traces";
/// Any of these says where a collector is, as the specification of the exporter has it.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What says the span of a caller. A name that is made needs no look at its letters.
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

tokio::task_local! {
    /// The span of the request that this task works for.
    static CURRENT: Option<SpanContext>;
}

/// The traces of a server; off unless there is a collector.
#[derive(Debug, Default)]
pub(crate) struct Traces(Option<Tracing>);

#[derive(Debug)]
struct Tracing {
    tracer: SdkTracer,
    provider: SdkTracerProvider,
    with_ids: bool,
    /// Whether the last attempt to send failed.
    fails: Arc<AtomicBool>,
}

impl Traces {
    /// Begins to trace where a collector is named, here or by the variables of the exporter.
    ///
    /// # Errors
    /// A text that says what is wrong with its address.
    pub(crate) fn start(endpoint: Option<&str>, with_ids: bool) -> Result<Self, String> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let named = endpoint.is_some() || ENDPOINTS.into_iter().any(|name| set(name).is_some());
        let disabled = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
        if !named || disabled {
            return Ok(Self(None));
        }
        let fails = Arc::default();
        let collector = Collector::new(Arc::clone(&fails))?;
        let mut exporter = SpanExporter::builder().with_http().with_http_client(collector);
        if let Some(endpoint) = endpoint {
            exporter = exporter.with_endpoint(format!("{}{SPANS}", endpoint.trim_end_matches('/')));
        }
        let exporter = exporter.build().map_err(|error| error.to_string())?;
        let mut resource = Resource::builder();
        if set("OTEL_SERVICE_NAME").is_none() {
            resource = resource.with_service_name("jackfield");
        }
        let resource =
            resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Ok(Self(Some(Tracing { tracer: provider.tracer("jackfield"), provider, with_ids, fails })))
    }

    /// Sends what waits, and ends.
    pub(crate) async fn close(&self) {
        let Some(Tracing { provider, .. }) = &self.0 else { return };
        let provider = provider.clone();
        // It waits for its own thread, whose requests need this one.
        let closed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST)).await;
        if let Ok(Err(error)) = closed {
            tracing::warn!("the last traces were not sent: {error}");
        }
    }
}

/// Work for another task, which stays a part of the trace that this task works for.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let current = CURRENT.try_with(Clone::clone).ok().flatten();
    CURRENT.scope(current, work)
}

/// The span of the caller, where it says one.
fn caller_of(headers: &HeaderMap) -> Context {
    if !headers.contains_key(&TRACEPARENT) {
        return Context::new();
    }
    TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers))
}

/// Says a span in the headers of a request.
fn say(span: &SpanContext, headers: &mut HeaderMap) {
    let context = Context::new().with_remote_span_context(span.clone());
    TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(headers));
    // A list of nothing is said as well.
    if headers.get("tracestate").is_some_and(HeaderValue::is_empty) {
        headers.remove("tracestate");
    }
}

/// A method that is known, or what stands for all others, so that strangers cannot make names.
fn method_of(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}
