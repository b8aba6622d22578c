//! Traces: a span for each request, with spans for its steps, sent to a collector over OTLP.
//!
//! The names follow the [semantic conventions of HTTP](https://opentelemetry.io/docs/specs/semconv/http/http-spans/). A caller's
//! `traceparent` is continued. The standard variables `OTEL_…` decide about sampling, queue, headers and resource. Neither
//! secrets nor bodies are in an attribute; a path, which names objects, is only where the operator wants it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use jackfield_model::RequestId;
use jackfield_store::step::{Step, Steps};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HeaderInjector, HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};
use tokio::runtime::Handle;

use crate::outbound::{Bounds, Outbound};

/// How long a collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the last spans may take on their way when the server stops.
const LAST: Duration = Duration::from_secs(5);
/// The path of spans below the address of a collector (OTLP/HTTP).
const SPANS: &str = "/v1/traces";
/// Any of these says where a collector is, as the specification of the exporter has it.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

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

/// The trace of a request that goes on.
pub(crate) struct RequestTrace {
    span: Span,
    began: (Instant, SystemTime),
    /// What it is made of.
    pub(crate) steps: Steps,
}

/// What a span says of a request that was answered.
pub(crate) struct Answered<'a> {
    pub(crate) method: &'a Method,
    pub(crate) version: Version,
    /// The template of its path, where there is one.
    pub(crate) route: Option<&'static str>,
    pub(crate) path: &'a str,
    pub(crate) operation: &'static str,
    pub(crate) request_id: RequestId,
    pub(crate) status: StatusCode,
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
        let bounds = Bounds { connect: TIMEOUT, idle: 1, answer: 64 * 1024 };
        let collector = Collector {
            outbound: Outbound::new(None, bounds)?,
            runtime: Handle::current(),
            fails: Arc::default(),
        };
        let fails = Arc::clone(&collector.fails);
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

    /// Begins the trace of a request, unless it is not sampled.
    pub(crate) fn begin(&self, headers: &HeaderMap, started: Instant) -> Option<Box<RequestTrace>> {
        let Tracing { tracer, .. } = self.0.as_ref()?;
        let parent = caller_of(headers);
        let began = (started, SystemTime::now() - started.elapsed());
        let span = tracer.span_builder("request").with_kind(SpanKind::Server).with_start_time(began.1);
        let span = span.start_with_context(tracer, &parent);
        let sampled = span.span_context().is_sampled();
        sampled.then(|| Box::new(RequestTrace { span, began, steps: Steps::default() }))
    }

    /// Ends the trace of a request, and hands it over to be sent.
    pub(crate) fn end(&self, trace: RequestTrace, answered: &Answered<'_>) {
        let Some(Tracing { tracer, with_ids, .. }) = &self.0 else { return };
        let RequestTrace { mut span, began, steps } = trace;
        let name = method_of(answered.method);
        match answered.route {
            Some(route) => {
                span.update_name(format!("{name} {route}"));
                span.set_attribute(KeyValue::new("http.route", route));
            }
            None => span.update_name(name),
        }
        span.set_attributes([
            KeyValue::new("http.request.method", name),
            KeyValue::new("http.response.status_code", i64::from(answered.status.as_u16())),
            KeyValue::new("network.protocol.version", version_of(answered.version)),
            KeyValue::new("jackfield.operation", answered.operation),
            KeyValue::new("jackfield.request_id", answered.request_id.to_string()),
        ]);
        if *with_ids {
            span.set_attribute(KeyValue::new("url.path", answered.path.to_owned()));
        }
        if answered.status.is_server_error() {
            span.set_attribute(KeyValue::new("error.type", answered.status.as_u16().to_string()));
            span.set_status(Status::error(""));
        }
        let ended = Instant::now();
        send_steps(tracer, span.span_context(), began, &steps.take(), ended);
        span.end_with_timestamp(at(began, ended));
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

/// The span of the caller, where it says one.
fn caller_of(headers: &HeaderMap) -> Context {
    if !headers.contains_key("traceparent") {
        return Context::new();
    }
    TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers))
}

/// The trace of a command of a program, whose requests are parts of it.
#[derive(Debug)]
pub struct CommandTrace {
    traces: Traces,
    span: Option<Span>,
    traceparent: HeaderValue,
}

impl CommandTrace {
    /// Begins a trace, or goes on with that of a caller, whose `traceparent` may be given. Nothing where no collector is named by
    /// the standard variables and no caller.
    ///
    /// # Errors
    /// A text that says what is wrong with the address of the collector.
    pub fn begin(name: &str, caller: Option<HeaderValue>) -> Result<Option<Self>, String> {
        let traces = Traces::start(None, false)?;
        let Some(Tracing { tracer, .. }) = &traces.0 else {
            return Ok(caller.map(|traceparent| Self { traces, span: None, traceparent }));
        };
        let headers = caller.map(|caller| ("traceparent".parse().expect("it is a name"), caller));
        let parent = caller_of(&headers.into_iter().collect());
        let span = tracer.span_builder(name.to_owned()).start_with_context(tracer, &parent);
        let mut headers = HeaderMap::new();
        let context = Context::new().with_remote_span_context(span.span_context().clone());
        TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(&mut headers));
        let traceparent = headers.remove("traceparent");
        Ok(traceparent.map(|traceparent| Self { traces, span: Some(span), traceparent }))
    }

    /// What requests of the command say of it.
    #[must_use]
    pub const fn traceparent(&self) -> &HeaderValue {
        &self.traceparent
    }

    /// Ends it and sends it. Answers whether it got to its collector.
    pub async fn end(self, failed: bool) -> bool {
        if let Some(mut span) = self.span {
            if failed {
                span.set_status(Status::error(""));
            }
            span.end();
        }
        self.traces.close().await;
        self.traces.0.is_none_or(|tracing| !tracing.fails.load(Ordering::Relaxed))
    }
}

/// Spans of the steps, each below the one that it lies within.
fn send_steps(
    tracer: &SdkTracer,
    request: &SpanContext,
    began: (Instant, SystemTime),
    steps: &[Step],
    ended: Instant,
) {
    let below = |context: &SpanContext| Context::new().with_remote_span_context(context.clone());
    let mut contexts: Vec<SpanContext> = Vec::with_capacity(steps.len());
    for step in steps {
        let parent = step.within.and_then(|at| contexts.get(at)).unwrap_or(request);
        let span = tracer.span_builder(step.name).with_start_time(at(began, step.began));
        let mut span = span.start_with_context(tracer, &below(parent));
        contexts.push(span.span_context().clone());
        span.end_with_timestamp(at(began, step.ended.unwrap_or(ended)));
    }
}

/// An instant as a time of the day.
fn at((instant, time): (Instant, SystemTime), later: Instant) -> SystemTime {
    time + later.saturating_duration_since(instant)
}

/// A method that is known, or what stands for all others, so that strangers cannot make names.
fn method_of(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

const fn version_of(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

impl fmt::Debug for RequestTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestTrace").finish_non_exhaustive()
    }
}

/// The way to the collector, used by a thread of the exporter's own.
#[derive(Clone)]
struct Collector {
    outbound: Outbound,
    runtime: Handle,
    /// Whether the last attempt failed: a failure is said once.
    fails: Arc<AtomicBool>,
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
