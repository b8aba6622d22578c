//! Authentication of operators at the admin API, and what their token allows.
//!
//! A browser shows the cookie of a session of the console instead, which stands for a token.
//!
//! There is the token that the server was started with, and those that operators created. The server knows all of them
//! only by keyed hashes. A token expires by the system clock, which no operator of this service can move.

use jackfield_model::admin::Role;
use jackfield_store::Timestamp;
use jackfield_store::registry::{AdminToken, SecretHash};

use super::operator::Operator;
use super::{Accepts, act, cookie};
use crate::auth;
use crate::error::{ApiError, Forbidden, Unauthorized};
use crate::request::Call;
use crate::state::{LINK_PREFIX, State};
use crate::throttle::guess::{Attempt, Guess};

/// The id of the token that the server was started with.
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// Admits the sender of a request to an operation that requires this role. An unknown token may have been created on
/// another node a moment ago; the change record lists wrong ones. A correct token always passes, however many wrong
/// ones came from the same address: all programs on this machine may share it.
///
/// # Errors
/// Those of [`authorize`], and those of the store when it cannot say what other nodes know.
pub(super) async fn admit(
    state: &State,
    call: &Call,
    role: Role,
    accepts: Accepts,
) -> Result<Operator, ApiError> {
    let judged = match authorize(state, call, role, accepts) {
        Err(ApiError::Unauthorized(Unauthorized::Unknown)) if state.store.refresh().await? => {
            authorize(state, call, role, accepts)
        }
        judged => judged,
    };
    let Err(ApiError::Unauthorized(why)) = &judged else { return judged };
    if matches!(why, Unauthorized::Missing | Unauthorized::NotBearer | Unauthorized::NoSession) {
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

/// The operator of a request, when what it shows allows it.
///
/// # Errors
/// [`ApiError::Unauthorized`] for no or an unknown token or session, [`Forbidden::Role`] for one that does not allow it,
/// [`Forbidden::CrossOrigin`] for a session that another page may be using.
fn authorize(state: &State, call: &Call, needed: Role, accepts: Accepts) -> Result<Operator, ApiError> {
    let operator = match auth::bearer_token(&call.head.headers) {
        Err(Unauthorized::Missing) if accepts == Accepts::TokenOrSession => of_session(state, call)?,
        token => of_token(state, token.map_err(ApiError::Unauthorized)?, accepts)
            .map_err(ApiError::Unauthorized)?,
    };
    if operator.role < needed {
        return Err(ApiError::Forbidden(Forbidden::Role { has: operator.role, needed }));
    }
    Ok(operator)
}

fn of_token(state: &State, token: &str, accepts: Accepts) -> Result<Operator, Unauthorized> {
    if accepts == Accepts::TokenOrLink && token.starts_with(LINK_PREFIX) {
        return find(state, state.operators.sessions.take_link(token).ok_or(Unauthorized::Unknown)?);
    }
    // Where two tokens differ does not show: what is compared and looked up are keyed hashes.
    find(state, state.keys().hash_admin_token(token))
}

fn of_session(state: &State, call: &Call) -> Result<Operator, ApiError> {
    let session = cookie::session(call).ok_or(ApiError::Unauthorized(Unauthorized::Missing))?;
    if !cookie::is_of_console(call) {
        return Err(ApiError::Forbidden(Forbidden::CrossOrigin));
    }
    let found = state.operators.sessions.find(session).and_then(|(token, _)| find(state, token).ok());
    let operator = found.ok_or(ApiError::Unauthorized(Unauthorized::NoSession))?;
    Ok(Operator { in_session: true, ..operator })
}

fn find(state: &State, token: SecretHash) -> Result<Operator, Unauthorized> {
    let registry = state.store.registry();
    let operator = |name, role| Operator { name, role, token, in_session: false };
    match registry.admin_token(&token) {
        Some(AdminToken { revoked: true, .. }) => Err(Unauthorized::Revoked),
        Some(known) if is_over(known) => {
            Err(Unauthorized::Expired { at: known.expires.map_or(0, |expires| expires.0 / 1_000) })
        }
        Some(known) => Ok(operator(Some(known.name.as_str().into()), known.role)),
        None if state.credentials.bootstrap.hash(state.keys()) == token => Ok(operator(None, Role::Admin)),
        None => Err(Unauthorized::Unknown),
    }
}

/// What an operator showed, for answers that go on for long.
#[derive(Debug)]
pub(super) struct Standing {
    token: SecretHash,
    session: Option<String>,
}

impl Standing {
    pub(super) fn of(call: &Call, operator: &Operator) -> Self {
        let session = operator.in_session.then(|| cookie::session(call).map(str::to_owned));
        Self { token: operator.token, session: session.flatten() }
    }

    /// Whether it would still be taken for an operation that requires this role.
    pub(super) fn lasts(&self, state: &State, role: Role) -> bool {
        let in_session = |session: &String| state.operators.sessions.find(session).is_some();
        self.session.as_ref().is_none_or(in_session)
            && find(state, self.token).is_ok_and(|operator| operator.role >= role)
    }
}

/// Whether a token has expired.
pub(crate) fn is_over(token: &AdminToken) -> bool {
    token.expires.is_some_and(|expires| expires <= Timestamp::now())
}
