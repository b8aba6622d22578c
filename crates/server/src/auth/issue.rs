//! Issues access tokens.

use jackfield_model::ScopeSet;
use jackfield_model::admin::{Secret, Token};
use jackfield_store::registry::{Client, RefreshTokenId};

use crate::credential::access_token::Issue;
use crate::state::State;

/// Issues an access token for a client that stands on its own. `life` is in seconds.
pub(crate) fn issue(state: &State, client: &Client, scopes: &ScopeSet, life: u64) -> Token {
    issue_from(state, client, scopes, life, None)
}

/// Issues an access token for a client, which ends with the refresh token that it comes from.
pub(crate) fn issue_from(
    state: &State,
    client: &Client,
    scopes: &ScopeSet,
    life: u64,
    refresh: Option<RefreshTokenId>,
) -> Token {
    let issue = Issue { client, now: state.sandbox.clock.seconds(), life, scopes, refresh };
    Token {
        access_token: Secret(state.signing_keys().now(&*state.store).issue(issue)),
        token_type: "bearer".to_owned(),
        expires_in: life,
        scope: None,
        refresh_token: None,
    }
}
