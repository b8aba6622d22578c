//! What operators have devices do.

use std::sync::Arc;

use jackfield_calling::{CallResult, Refusal, RenegotiationType, Sdp, code};
use jackfield_model::admin::{AnswerCall, HangUp, UpdateCall};
use jackfield_model::limit;

use super::device;
use super::effects::act;
use crate::calls::CallKey;
use crate::error::ApiError;
use crate::state::State;

/// The device answers.
///
/// # Errors
/// [`ApiError`] when the description is none, or the call does not ring.
pub(crate) fn answer(state: &Arc<State>, key: &CallKey, body: &AnswerCall) -> Result<(), ApiError> {
    let given = body.sdp.as_deref().map(read).transpose()?;
    let offer = state.calls.table().with(&key.organization, &key.id, |session, line| {
        line.device = given.is_none();
        session.offer().clone()
    });
    let Some(sdp) = given.or_else(|| offer.map(|offer| device::answer(state, key, &offer))) else {
        return Err(gone());
    };
    done(act(state, key, |session, now| session.answer_call(sdp, now)))
}

/// The device renegotiates, or answers the offer of the endpoint.
///
/// # Errors
/// [`ApiError`] when a field is wrong, the call is not accepted, or another renegotiation is open.
pub(crate) fn update(state: &Arc<State>, key: &CallKey, body: &UpdateCall) -> Result<(), ApiError> {
    let kind = match &body.renegotiation_type {
        None => RenegotiationType::default(),
        Some(text) => RenegotiationType::from_wire(text).ok_or_else(|| {
            let all = RenegotiationType::ALL.map(RenegotiationType::to_wire).join(", ");
            ApiError::BadRequest(format!("renegotiationType must be one of {all}."))
        })?,
    };
    let given = body.sdp.as_deref().map(read).transpose()?;
    let open =
        state.calls.table().with(&key.organization, &key.id, |session, _| session.open_offer().cloned());
    let sdp = given.unwrap_or_else(|| match open.flatten() {
        Some(offer) => device::answer_again(state, key, &offer),
        None => device::offer_again(state, key),
    });
    done(act(state, key, |session, now| session.update(sdp, kind, now)))
}

/// The device hangs up.
///
/// # Errors
/// [`ApiError`] when a field is wrong, or the call has ended.
pub(crate) fn hang_up(state: &Arc<State>, key: &CallKey, body: &HangUp) -> Result<(), ApiError> {
    let result_code = body.code.as_deref().unwrap_or(code::SUCCESS);
    let message = body.message.as_deref().unwrap_or("The device hung up.");
    for (name, text, bounds) in [
        ("code", result_code, 1..=limit::RESULT_CODE_CHARS),
        ("message", message, 0..=limit::CALL_TEXT_CHARS),
    ] {
        let length = text.chars().count();
        if !bounds.contains(&length) || text.chars().any(char::is_control) {
            let most = bounds.end();
            return Err(ApiError::BadRequest(format!(
                "{name} must have at most {most} characters, without control characters."
            )));
        }
    }
    let result = CallResult::new(result_code, message);
    done(act(state, key, |session, now| session.hang_up(result, now)))
}

fn read(text: &str) -> Result<Sdp, ApiError> {
    Sdp::new(text).map_err(|error| ApiError::BadRequest(format!("sdp {error}.")))
}

fn done(outcome: Option<Result<(), Refusal>>) -> Result<(), ApiError> {
    match outcome {
        Some(Ok(())) => Ok(()),
        Some(Err(refusal)) => Err(ApiError::Conflict(refusal.to_string())),
        None => Err(gone()),
    }
}

fn gone() -> ApiError {
    ApiError::NotFound("There is no such call.".to_owned())
}
