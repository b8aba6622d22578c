//! The token endpoint: POST /auth/o2/token.
//!
//! The body is read as a form whatever its `Content-Type` says, because published clients send it wrong, and the query
//! string beside it.

use http::StatusCode;
use jackfield_model::admin::Token;
use jackfield_model::note::Note;
use jackfield_model::{Scope, ScopeSet, limit};
use jackfield_store::registry::Client;

use super::credentials;
use super::error::{Failure, GrantError, Why, describe, error_reply, no_store, refuse};
use super::form::Form;
use super::grant;
use crate::auth::issue;
use crate::description::{Content, Description};
use crate::error::ApiError;
use crate::redact;
use crate::request::{Call, RequestLog};
use crate::response::{self, Reply};
use crate::state::State;

pub(super) const DESCRIPTION: Description = describe("Get an access token")
    .text(
        "Grants `client_credentials`, `refresh_token` and `authorization_code`. The client authenticates in the form or by \
         HTTP Basic; a public one may redeem a code and use what came of it with its `client_id` alone. The body is read \
         as a form whatever its content type says. Scopes of a refresh request are ignored.",
    )
    .security(&["clientBasic", ""])
    .request_as(Content::new::<Form>("application/x-www-form-urlencoded"))
    .successes(&[(200, "An access token.")])
    .response::<Token>()
    .errors(&[
        (
            400,
            "`invalid_request`, `invalid_grant`, `invalid_scope`, `unauthorized_client` or `unsupported_grant_type`.",
        ),
        (401, "`invalid_client`: the client id or the secret is not valid."),
        (429, "`temporarily_unavailable`: too many logins failed recently."),
        (500, "`server_error`."),
        (503, "`temporarily_unavailable`."),
    ]);

/// Answers a token request. What is known of the client, and why it is refused, is seen by log and journal.
pub(super) async fn token(state: &State, call: &Call, body: &[u8], log: &mut RequestLog) -> Reply {
    match grant(state, call, body, log).await {
        Ok(token) => no_store(response::json(StatusCode::OK, &token)),
        Err(Failure::Grant(error)) => error_reply(call, error, log),
        Err(Failure::Server(error)) => {
            if let ApiError::InDoubt { .. } = error {
                state.metrics.in_doubt();
            }
            refuse(call, &error, log)
        }
    }
}

async fn grant(state: &State, call: &Call, body: &[u8], log: &mut RequestLog) -> Result<Token, Failure> {
    const GRANTS: &str = "client_credentials, refresh_token or authorization_code";
    let form = Form::parse(call.head.uri.query(), body)?;
    let Some(grant_type) = form.grant_type.as_deref() else {
        let description = format!("grant_type is missing; {GRANTS} is expected.");
        return Err(GrantError::bad("invalid_request", description).into());
    };
    if !matches!(grant_type, "client_credentials" | "refresh_token" | "authorization_code") {
        let description = format!("grant_type must be {GRANTS}.");
        return Err(GrantError::bad("unsupported_grant_type", description).into());
    }
    if form.in_query {
        allow_query_parameters(state.lenient)?;
        log.notes.add(Note::QueryParameters);
    }
    let asking = credentials::authenticate(state, call, &form, &mut log.client)?;
    if form.in_query {
        let registry = state.store.registry();
        let organization = registry.organizations.get(&asking.client.organization);
        allow_query_parameters(organization.is_none_or(|organization| organization.lenient))?;
    }
    if !asking.client.enabled {
        let refused = GrantError::bad("unauthorized_client", "The client is disabled.");
        return Err(refused.because(Why::ClientDisabled).into());
    }
    if !state.credentials.issuers.builtin {
        let description = "This server believes another issuer; its own tokens would be of no use.";
        return Err(GrantError::bad("unauthorized_client", description).into());
    }
    match grant_type {
        "refresh_token" => grant::refresh(state, call, &asking, form.refresh_token).await,
        "authorization_code" => grant::code(state, call, &asking, form).await,
        _ if !asking.proven => Err(GrantError::invalid_client(Why::NoCredentials).into()),
        _ => Ok(client_credentials(state, &asking.client, form.scope.as_deref())?),
    }
}

/// Refuses parameters in the query string where the server, or the client's organization, is not lenient.
fn allow_query_parameters(lenient: bool) -> Result<(), GrantError> {
    if lenient {
        return Ok(());
    }
    let description = "The parameters stand in the query string; a form is expected in the body. This server or \
                       organization is not lenient.";
    Err(GrantError::bad("invalid_request", description).because(Why::QueryParameters))
}

fn client_credentials(state: &State, client: &Client, scope: Option<&str>) -> Result<Token, GrantError> {
    let invalid = |description: String| GrantError::bad("invalid_scope", description);
    let asked = scope.map(str::trim).filter(|text| !text.is_empty());
    let asked =
        asked.ok_or_else(|| invalid("scope is missing; it names the scopes of the token.".to_owned()))?;
    let asked = ScopeSet::parse(asked).map_err(|error| invalid(format!("scope: {error}.")))?;
    if asked.intersection(&client.scopes) != asked {
        let missing = asked.iter().map(Scope::as_str).filter(|scope| !client.scopes.contains(scope));
        let missing = redact::scopes(missing);
        let refused = invalid("scope names a scope that the client was not granted.".to_owned());
        return Err(refused.of_scopes(missing, &client.scopes));
    }
    let mut token = issue(state, client, &asked, limit::ACCESS_TOKEN_SECONDS);
    token.scope = Some(asked.to_string());
    state.metrics.token_issued("client_credentials");
    Ok(token)
}
