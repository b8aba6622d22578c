//! Records actions of operators that change no object: the change record holds each with its actor, role and address.

use std::sync::Arc;
use std::time::Instant;

use jackfield_model::RequestId;
use jackfield_store::registry::Act;
use jackfield_store::{Actor, Origin, RegistryCommand, StoreError, Subject, Timestamp};
use serde_json::{Value, json};

use super::Recorded;
use super::operator::Operator;
use crate::error::ApiError;
use crate::request::Call;
use crate::state::{FAILURES_INTERVAL, State};

/// The actor of a wrong token. No token has such a name.
const NOBODY: &str = "?";

/// Records what an operator did, once it is done. `id` is the parameter of the path.
///
/// # Errors
/// When it cannot be recorded and the operation returns a token or a backup.
pub(super) async fn tell(
    state: &State,
    operator: &Operator,
    recorded: &Recorded,
    call: &Call,
    id: &str,
) -> Result<(), ApiError> {
    let mut details = json!({ "address": call.peer.to_string(), "role": operator.role });
    if !(recorded.details)(state, operator, call, &mut details) {
        return Ok(());
    }
    let kind = recorded.kind;
    let origin = Origin { actor: operator.actor(), request_id: call.request_id, time: Timestamp::now() };
    match note(state, kind, id, &details, origin).await {
        // Without its entry the action must not happen. The others are in memory, and help during an outage.
        Err(error) if recorded.gives_out => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, kind, "what an operator did could not be written into the change record");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Counts a request with a wrong admin token.
pub(crate) async fn failed(state: &State, call: &Call) {
    if let Some(details) = state.operators.acts.fail(call.peer.address(), Instant::now()) {
        tell_failures(state, &details, call.request_id).await;
    }
}

/// Records, once a minute, the wrong tokens that were not recorded at once. Never ends.
pub(crate) async fn keep_telling(state: Arc<State>) {
    loop {
        tokio::time::sleep(FAILURES_INTERVAL).await;
        if let Some(details) = state.operators.acts.unsaid(Instant::now()) {
            tell_failures(&state, &details, RequestId::random()).await;
        }
    }
}

async fn tell_failures(state: &State, details: &Value, request_id: RequestId) {
    tracing::warn!(%details, "wrong admin tokens were presented");
    let origin = Origin { actor: Actor::Operator(NOBODY.into()), request_id, time: Timestamp::now() };
    if let Err(error) = note(state, "login_failed", "", details, origin).await {
        tracing::warn!(%error, "wrong admin tokens could not be written into the change record");
    }
}

/// Writes an entry, but not into a store that was never written to, so that a restore can still fill it.
async fn note(
    state: &State,
    kind: &str,
    id: &str,
    details: &Value,
    origin: Origin,
) -> Result<(), StoreError> {
    if state.store.registry().organizations.is_empty() && state.store.stats().await?.last_change == 0 {
        return Ok(());
    }
    let act =
        Act { kind: format!("{}{kind}", Subject::ACT), id: id.to_owned(), details: details.to_string() };
    state.store.change_registry(RegistryCommand::Note(act), origin).await.map(drop)
}
