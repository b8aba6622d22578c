//! The spans of a request that the server answers, and of its steps.

use std::fmt;
use std::time::{Instant, SystemTime};

use http::{HeaderMap, Method, StatusCode, Version};
use jackfield_model::RequestId;
use jackfield_store::step::{Step, Steps};
use opentelemetry::trace::{Span as _, SpanContext, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use super::{CURRENT, Traces, Tracing, caller_of, method_of};

/// The trace of a request that goes on, whether it is sampled or not: what is asked of other programs for it says so.
pub(crate) struct RequestTrace {
    span: Span,
    began: (Instant, SystemTime),
    /// What it is made of; nothing where it is not sampled.
    steps: Option<Steps>,
}

impl RequestTrace {
    /// Whether it is sent when it has ended.
    pub(crate) const fn is_sampled(&self) -> bool {
        self.steps.is_some()
    }

    /// Does the work of the request, whose steps and requests to other programs are parts of it.
    pub(crate) async fn record<F: Future>(&self, work: F) -> F::Output {
        let work = CURRENT.scope(Some(self.span.span_context().clone()), work);
        match &self.steps {
            Some(steps) => steps.record(work).await,
            None => work.await,
        }
    }
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
    /// Begins the trace of a request, where there is a collector.
    pub(crate) fn begin(&self, headers: &HeaderMap, started: Instant) -> Option<Box<RequestTrace>> {
        let Tracing { tracer, .. } = self.0.as_ref()?;
        let parent = caller_of(headers);
        let began = (started, SystemTime::now() - started.elapsed());
        let span = tracer.span_builder("request").with_kind(SpanKind::Server).with_start_time(began.1);
        let span = span.start_with_context(tracer, &parent);
        let steps = span.span_context().is_sampled().then(Steps::default);
        Some(Box::new(RequestTrace { span, began, steps }))
    }

    /// Ends the trace of a request, and hands it over to be sent.
    pub(crate) fn end(&self, trace: RequestTrace, answered: &Answered<'_>) {
        let Some(Tracing { tracer, with_ids, .. }) = &self.0 else { return };
        let RequestTrace { mut span, began, steps: Some(steps) } = trace else { return };
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
