//! A request from its head to its answer: route, operation, answer, log and metrics.
//!
//! A panic in a handler is a 500. Only a fault rule can suppress a response.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use http::StatusCode;
use jackfield_model::ClientId;
use jackfield_model::inspect::DropWhen;

use super::admin_hosts::AdminHosts;
use super::routes::{self, Handler};
use super::shown_path::shown_path;
use super::unserved;
use crate::endpoint::{Incoming, Outcome};
use crate::error::{ApiError, Forbidden};
use crate::metrics::Limit;
use crate::request::{Call, RequestBody, RequestLog};
use crate::response::Reply;
use crate::router::{Audience, Listener, Operation, Router, Target};
use crate::sandbox::request_log;
use crate::state::State;
use crate::traces::{Answered, RequestTrace};
use crate::{notes, probes};

/// Seconds after which a client of the public API may try again while a backup is restored.
const RESTORE_RETRY_AFTER: u32 = 5;

/// There is no response: a fault rule closes the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fault rule asked for it")
    }
}

impl std::error::Error for Dropped {}

/// What routing a request needs: the routes of the listeners, and the names that the admin listener accepts.
#[derive(Debug)]
pub(super) struct Pipeline {
    public: Router<Handler>,
    admin: Router<Handler>,
    admin_hosts: AdminHosts,
}

impl Pipeline {
    pub(super) fn new(admin_hosts: AdminHosts) -> Self {
        Self { public: routes::router(Listener::Public), admin: routes::router(Listener::Admin), admin_hosts }
    }

    /// Where a request goes.
    pub(super) fn find<'p>(&self, call: &'p Call) -> Target<'p, Handler> {
        let router = match call.listener {
            Listener::Public => &self.public,
            Listener::Admin => &self.admin,
        };
        router.find(&call.head.method, call.head.uri.path())
    }
}

/// Answers a request, unless a fault rule suppresses the response.
pub(super) async fn respond(
    pipeline: &Pipeline,
    state: &Arc<State>,
    call: &mut Call,
    body: &mut RequestBody,
    started: Instant,
) -> Result<Reply, Dropped> {
    let trace = state.traces.begin(&call.head.headers, started);
    let mut log = RequestLog { public: call.listener == Listener::Public, ..RequestLog::default() };
    let outcome = {
        let work = async {
            let outcome = pin!(dispatch(pipeline, state, call, body, &mut log)).await;
            state.limits.bodies.drain(call, body).await;
            outcome
        };
        // Pinned where it is: it is large, and moving it would cost each request.
        let work = pin!(AssertUnwindSafe(work).catch_unwind());
        match &trace {
            None => work.await,
            Some(trace) => trace.record(work).await,
        }
    };
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(panic) => Err(ApiError::Internal { cause: format!("panic: {}", panic_text(&*panic)) }),
    };
    let reply = outcome.unwrap_or_else(|error| refuse(state, call, &mut log, error));
    call.pause_if_made_room().await;
    if log.guesses {
        // Boxed to keep the common future small.
        Box::pin(state.limits.guesses.hold()).await;
    }
    let dropped = log.dropped.is_some();
    if let Some(trace) = trace.filter(|trace| trace.is_sampled()) {
        end_trace(state, *trace, call, log.operation, reply.status());
    }
    record_outcome(state, call, log, reply.status(), started.elapsed());
    if dropped { Err(Dropped) } else { Ok(reply) }
}

async fn dispatch(
    pipeline: &Pipeline,
    state: &Arc<State>,
    call: &Call,
    body: &mut RequestBody,
    log: &mut RequestLog,
) -> Outcome {
    let target = pipeline.find(call);
    if let Err(error) = call.survey.check_host() {
        return refuse_in_form(target.at_path(), call, error, log);
    }
    let (handler, parameters) = match target {
        Target::Found(handler, parameters) => (handler, parameters),
        Target::MethodNotAllowed(handler, allow) => {
            return refuse_in_form(Some(handler), call, ApiError::MethodNotAllowed { allow }, log);
        }
        Target::NotFound => return Err(unserved::refusal(call.head.uri.path())),
    };
    let operation = handler.operation();
    log.operation = Some(operation);
    if call.listener == Listener::Admin && !probes::is_about_health(operation) {
        pipeline.admin_hosts.check(&call.head)?;
    }
    notes::of_path(call.head.uri.path(), &mut log.notes);
    if let Err(error) = call.survey.check_size().and_then(|()| check_restore(state, operation)) {
        return refuse_in_form(Some(handler), call, error, log);
    }
    let (parameter, second_parameter) = (parameters.first(), parameters.second());
    let incoming = Incoming { state, call, parameter, second_parameter, body, log };
    match handler {
        Handler::Association(association) => pin!(association.serve(incoming)).await,
        Handler::Endpoint(endpoint) => endpoint.serve(incoming).await,
    }
}

/// A refusal before the operation began, in the form that its clients read, where one is known.
pub(super) fn refuse_in_form(
    handler: Option<Handler>,
    call: &Call,
    error: ApiError,
    log: &mut RequestLog,
) -> Outcome {
    match handler {
        Some(Handler::Endpoint(endpoint)) => endpoint.refuse(call, error, log),
        Some(Handler::Association(_)) | None => Err(error),
    }
}

/// Refuses requests of clients while a backup is restored.
fn check_restore(state: &State, operation: &Operation) -> Result<(), ApiError> {
    if operation.audience != Audience::Client || !state.operators.restore.is_under_way() {
        return Ok(());
    }
    Err(ApiError::Unavailable {
        message: "A backup is being restored; nothing was changed.".to_owned(),
        retry_after: RESTORE_RETRY_AFTER,
        cause: None,
    })
}

fn refuse(state: &State, call: &Call, log: &mut RequestLog, error: ApiError) -> Reply {
    match error {
        ApiError::TooManyRequests { .. } => state.metrics.limited(Limit::Rate),
        ApiError::InDoubt { .. } => state.metrics.in_doubt(),
        ApiError::Forbidden(Forbidden::Quota { .. }) => state.metrics.limited(Limit::Quota),
        _ => {}
    }
    error.log(call.request_id, Operation::name_of(log.operation));
    log.refused_by(&error);
    log.guesses = matches!(error, ApiError::TooManyGuesses { .. });
    error.into_response()
}

fn end_trace(
    state: &State,
    trace: RequestTrace,
    call: &Call,
    operation: Option<&Operation>,
    status: StatusCode,
) {
    let answered = Answered {
        method: &call.head.method,
        version: call.head.version,
        route: operation.and_then(routes::template_of),
        path: call.head.uri.path(),
        operation: Operation::name_of(operation),
        request_id: call.request_id,
        status,
    };
    state.traces.end(trace, &answered);
}

/// Counts an answered request, and writes it to the access log and to the request log.
fn record_outcome(state: &State, call: &Call, mut log: RequestLog, status: StatusCode, latency: Duration) {
    let decided = log.dropped != Some(DropWhen::Before);
    if log.public {
        state.metrics.lenient(log.notes);
    }
    if decided {
        state.metrics.request(log.operation, status, latency);
    } else {
        log.refused = None;
    }
    let client = log.client.as_deref().map_or("-", ClientId::as_str);
    log_access(call, client, log.operation, status, latency);
    let journal = &state.sandbox.journal;
    if journal.wants(&log) {
        let status = decided.then(|| status.as_u16());
        let path = shown_path(call.head.uri.path());
        journal.push(request_log::entry(&call.head, path, call.request_id, log, status, latency));
    }
}

/// The access log: one line a request.
pub(super) fn log_access(
    call: &Call,
    client: &str,
    operation: Option<&Operation>,
    status: StatusCode,
    latency: Duration,
) {
    tracing::debug!(
        target: "jackfield::access",
        request_id = %call.request_id,
        client,
        peer = %call.peer,
        operation = Operation::name_of(operation),
        method = %call.head.method,
        path = shown_path(call.head.uri.path()).0,
        status = status.as_u16(),
        latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
    );
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("of unknown kind")
}

#[cfg(test)]
mod tests;
