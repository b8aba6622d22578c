//! The trace of a command of a program, as `jackfield sync` is one.

use std::sync::atomic::Ordering;

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{Span as _, Status, Tracer};
use opentelemetry_sdk::trace::Span;

use super::{TRACEPARENT, Traces, Tracing, caller_of, say};

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
        let headers = caller.map(|caller| (TRACEPARENT.clone(), caller));
        let parent = caller_of(&headers.into_iter().collect());
        let span = tracer.span_builder(name.to_owned()).start_with_context(tracer, &parent);
        let mut headers = HeaderMap::new();
        say(span.span_context(), &mut headers);
        let traceparent = headers.remove(&TRACEPARENT);
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
