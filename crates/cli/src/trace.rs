//! The trace of a command that speaks the public API: its requests, and what the server does for them, are parts of it.

use std::io::Write;
use std::sync::OnceLock;

use http::HeaderValue;
use jackfield_server::CommandTrace;

use crate::failure::Failure;

/// What a caller of the command says of its own trace, as
/// [OpenTelemetry](https://opentelemetry.io/docs/specs/otel/context/env-carriers/) names it.
const CALLER: &str = "TRACEPARENT";

/// What requests say: there is one command in the life of a process.
static TRACEPARENT: OnceLock<HeaderValue> = OnceLock::new();

/// What requests of this command say of its trace.
pub(crate) fn traceparent() -> Option<HeaderValue> {
    TRACEPARENT.get().cloned()
}

/// Does the work of a command within a trace, where a collector or a caller's trace is named.
pub(crate) async fn traced(
    name: &str,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let caller = std::env::var(CALLER).ok().and_then(|text| text.parse().ok());
    let trace = CommandTrace::begin(&format!("jackfield {name}"), caller);
    let Some(trace) = trace.map_err(|cause| Failure::usage(format!("no traces can be sent: {cause}")))?
    else {
        return work.await;
    };
    let _ = TRACEPARENT.set(trace.traceparent().clone());
    let done = work.await;
    if !trace.end(done.is_err()).await {
        writeln!(std::io::stderr(), "note: the trace did not reach its collector")?;
    }
    done
}
