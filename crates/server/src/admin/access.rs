//! Who uses the admin API, and what the token allows.
//!
//! There is the token that the server was started with, and those that operators made. All are known by keyed hashes
//! alone. A token lives by the system's clock, which no operator of this service moves.

use std::sync::Arc;

use http::HeaderMap;
use jackfield_model::admin::Role;
use jackfield_store::registry::AdminToken;
use jackfield_store::{Actor, Registry, Timestamp};

use super::act;
use crate::app::{App, Call};
use crate::auth;
use crate::auth::guess::{Attempt, Guess};
use crate::auth::keys::Keys;
use crate::error::{ApiError, Forbidden, Unauthorized};
use crate::router::AdminOperation;

/// The id of the token that the server was started with.
pub(crate) const BOOTSTRAP: &str = "bootstrap";

/// The token that the server was started with: from a flag, the environment, or the file of the data directory.
#[derive(Clone)]
pub(crate) struct Bootstrap(String);

impl std::fmt::Debug for Bootstrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bootstrap(…)")
    }
}

impl Bootstrap {
    pub(crate) fn new(token: &str) -> Self {
        Self(token.to_owned())
    }

    /// Its hash. The key changes with a restore.
    pub(crate) fn hash(&self, keys: &Keys) -> jackfield_store::registry::SecretHash {
        keys.hash_admin_token(&self.0)
    }

    /// Whether an operator revoked it.
    pub(crate) fn is_revoked(&self, keys: &Keys, registry: &Registry) -> bool {
        registry.admin_token(&self.hash(keys)).is_some_and(|own| own.revoked)
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    /// The name of the token; `None` for the one that the server was started with.
    name: Option<Arc<str>>,
    pub(crate) role: Role,
}

impl Operator {
    /// For the change record.
    pub(crate) fn actor(&self) -> Actor {
        self.name.clone().map_or(Actor::Admin, Actor::Operator)
    }
}

/// Who asks for an operation. A token that is not known may have been made on another node a moment ago; wrong ones are
/// told in the change record. The right one always passes, however many wrong ones came from the same address: everything
/// on this machine may share that.
///
/// # Errors
/// Those of [`authorize`], and those of the store when it cannot say what other nodes know.
pub(crate) async fn admit(app: &App, call: &Call, operation: AdminOperation) -> Result<Operator, ApiError> {
    let judged = match authorize(app, &call.head.headers, operation) {
        Err(ApiError::Unauthorized(Unauthorized::Unknown)) if app.store.refresh().await? => {
            authorize(app, &call.head.headers, operation)
        }
        judged => judged,
    };
    let Err(ApiError::Unauthorized(why)) = &judged else { return judged };
    if matches!(why, Unauthorized::Missing | Unauthorized::NotBearer) {
        return judged;
    }
    act::failed(app, call).await;
    let attempt = Attempt { at: Guess::AdminToken, of: "", from: call.peer.origin() };
    app.guesses.failed(attempt).map_or(judged, |retry_after| Err(ApiError::TooManyGuesses { retry_after }))
}

/// Who asks, when they may.
///
/// # Errors
/// [`ApiError::Unauthorized`] for no or an unknown token, [`Forbidden::Role`] for one that does not allow it.
fn authorize(app: &App, headers: &HeaderMap, operation: AdminOperation) -> Result<Operator, ApiError> {
    let token = auth::bearer_token(headers).map_err(ApiError::Unauthorized)?;
    let operator = find(app, token).map_err(ApiError::Unauthorized)?;
    let needed = operation.role();
    if operator.role < needed {
        return Err(ApiError::Forbidden(Forbidden::Role { has: operator.role, needed }));
    }
    Ok(operator)
}

fn find(app: &App, token: &str) -> Result<Operator, Unauthorized> {
    let registry = app.store.registry();
    let keys = app.keys();
    // Where two tokens differ does not show: what is compared and looked up are keyed hashes.
    let hash = keys.hash_admin_token(token);
    match registry.admin_token(&hash) {
        Some(AdminToken { revoked: true, .. }) => Err(Unauthorized::Revoked),
        Some(own) if is_over(own) => {
            Err(Unauthorized::Expired { at: own.expires.map_or(0, |expires| expires.0 / 1_000) })
        }
        Some(own) => Ok(Operator { name: Some(own.name.as_str().into()), role: own.role }),
        None if app.bootstrap.hash(keys) == hash => Ok(Operator { name: None, role: Role::Admin }),
        None => Err(Unauthorized::Unknown),
    }
}

/// Whether a token has expired.
pub(crate) fn is_over(token: &AdminToken) -> bool {
    token.expires.is_some_and(|expires| expires <= Timestamp::now())
}
