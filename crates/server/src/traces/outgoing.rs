//! The span of a request that the server sends to another program: a skill, or the receiver of a webhook.
//!
//! Of its URL it says host and port: what follows them may be a secret.

use std::fmt;

use http::{Request, StatusCode, Uri};
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::Span;

use super::{CURRENT, Traces, Tracing, method_of, say};

/// What a span says of a request to another program before it is answered.
pub(crate) struct Outgoing<'a> {
    pub(crate) operation: &'static str,
    /// What is sent, of what kinds there are.
    pub(crate) message: Option<&'a str>,
    /// The object that the program was told of by, and its attribute.
    pub(crate) object: (&'static str, &'a str),
    /// How often the same was sent before.
    pub(crate) resent: u32,
}

/// The span of a request to another program, until it is answered. One that is dropped says no outcome.
pub(crate) struct Sending(Span);

impl Traces {
    /// Begins the span of a request to another program, which says so from now on. It is a part of the request that the task
    /// works for; else of a trace of its own.
    pub(crate) fn send<B>(&self, outgoing: &Outgoing<'_>, request: &mut Request<B>) -> Option<Sending> {
        let Tracing { tracer, with_ids, .. } = self.0.as_ref()?;
        let method = method_of(request.method());
        let attributes = [
            Some(KeyValue::new("http.request.method", method)),
            request.uri().host().map(|host| KeyValue::new("server.address", host.to_owned())),
            port_of(request.uri()).map(|port| KeyValue::new("server.port", i64::from(port))),
            Some(KeyValue::new("jackfield.operation", outgoing.operation)),
            outgoing.message.map(|message| KeyValue::new("jackfield.message", message.to_owned())),
            (outgoing.resent > 0)
                .then(|| KeyValue::new("http.request.resend_count", i64::from(outgoing.resent))),
            with_ids.then(|| KeyValue::new(outgoing.object.0, outgoing.object.1.to_owned())),
        ];
        let span = tracer.span_builder(method).with_kind(SpanKind::Client);
        let span = span.with_attributes(attributes.into_iter().flatten());
        let parent = CURRENT.try_with(Clone::clone).ok().flatten();
        let parent = parent.map_or_else(Context::new, |span| Context::new().with_remote_span_context(span));
        let span = span.start_with_context(tracer, &parent);
        say(span.span_context(), request.headers_mut());
        Some(Sending(span))
    }
}

impl Sending {
    /// Ends it, with the status of the answer or a word for what went wrong.
    pub(crate) fn end(mut self, outcome: Result<StatusCode, &'static str>) {
        let error = match outcome {
            Ok(status) => {
                let code = status.as_u16();
                self.0.set_attribute(KeyValue::new("http.response.status_code", i64::from(code)));
                (code >= 400).then(|| code.to_string().into())
            }
            Err(word) => Some(opentelemetry::Value::from(word)),
        };
        if let Some(error) = error {
            self.0.set_attribute(KeyValue::new("error.type", error));
            self.0.set_status(Status::error(""));
        }
        self.0.end();
    }
}

/// The port of a URL, said or known by its scheme.
fn port_of(uri: &Uri) -> Option<u16> {
    uri.port_u16().or_else(|| match uri.scheme_str()? {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    })
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
