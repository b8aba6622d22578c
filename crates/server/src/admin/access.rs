//! Authentication of operators at the admin API, and what their token allows.
//!
//! There is the token that the server was started with, and those that operators created. The server knows all of them
//! only by keyed hashes. A token expires by the system clock, which no operator of this service can move.

use http::HeaderMap;
use jackfield_model::admin::Role;
use jackfield_store::Timestamp;
use jackfield_store::registry::AdminToken;

use super::act;
use super::operator::Operator;
use crate::auth;
use crate::error::{ApiError, Forbidden, Unauthorized};
use crate::request::Call;
use crate::state::State;
use crate::throttle::guess::{Attempt, Guess};

/// The id of the token that the server was started with.
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// Admits the sender of a request to an operation that requires this role. An unknown token may have been created on
/// another node a moment ago; the change record lists wrong ones. A correct token always passes, however many wrong
/// ones came from the same address: all programs on this machine may share it.
///
/// # Errors
/// Those of [`authorize`], and those of the store when it cannot say what other nodes know.
pub(super) async fn admit(state: &State, call: &Call, role: Role) -> Result<Operator, ApiError> {
    let judged = match authorize(state, &call.head.headers, role) {
        Err(ApiError::Unauthorized(Unauthorized::Unknown)) if state.store.refresh().await? => {
            authorize(state, &call.head.headers, role)
        }
        judged => judged,
    };
    let Err(ApiError::Unauthorized(why)) = &judged else { return judged };
    if matches!(why, Unauthorized::Missing | Unauthorized::NotBearer) {
        return judged;
    }
    act::failed(state, call).await;
    let attempt = Attempt { at: Guess::AdminToken, of: "", from: call.peer.origin() };
    state
        .limits
        .guesses
        .failed(attempt)
        .map_or(judged, |retry_after| Err(ApiError::TooManyGuesses { retry_after }))
}

/// The operator of a request, when the token allows it.
///
/// # Errors
/// [`ApiError::Unauthorized`] for no or an unknown token, [`Forbidden::Role`] for one that does not allow it.
fn authorize(state: &State, headers: &HeaderMap, needed: Role) -> Result<Operator, ApiError> {
    let token = auth::bearer_token(headers).map_err(ApiError::Unauthorized)?;
    let operator = find(state, token).map_err(ApiError::Unauthorized)?;
    if operator.role < needed {
        return Err(ApiError::Forbidden(Forbidden::Role { has: operator.role, needed }));
    }
    Ok(operator)
}

fn find(state: &State, token: &str) -> Result<Operator, Unauthorized> {
    let registry = state.store.registry();
    let keys = state.keys();
    // Where two tokens differ does not show: what is compared and looked up are keyed hashes.
    let hash = keys.hash_admin_token(token);
    match registry.admin_token(&hash) {
        Some(AdminToken { revoked: true, .. }) => Err(Unauthorized::Revoked),
        Some(known) if is_over(known) => {
            Err(Unauthorized::Expired { at: known.expires.map_or(0, |expires| expires.0 / 1_000) })
        }
        Some(known) => Ok(Operator { name: Some(known.name.as_str().into()), role: known.role }),
        None if state.credentials.bootstrap.hash(keys) == hash => {
            Ok(Operator { name: None, role: Role::Admin })
        }
        None => Err(Unauthorized::Unknown),
    }
}

/// Whether a token has expired.
pub(crate) fn is_over(token: &AdminToken) -> bool {
    token.expires.is_some_and(|expires| expires <= Timestamp::now())
}
