//! Refresh tokens of clients, as operators issue and revoke them.

use std::future::ready;

use jackfield_model::ClientId;
use jackfield_model::admin::{self, List, NewRefreshToken, Role, Secret};
use jackfield_store::registry::{ClientChange, GrantCommand, RefreshToken, RefreshTokenId};
use jackfield_store::{Origin, RegistryCommand};

use super::describe::{ITEM_ERRORS, PageQuery, WRITE_ERRORS, describe};
use super::{
    AdminOperation, Query, change, client, created, no_content, not_found, ok, page, parse_or_default,
};
use crate::credential::refresh_token;
use crate::description::{CREATED, NO_CONTENT};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;

pub(crate) static ISSUE: AdminOperation = AdminOperation::new(
    "issueRefreshToken",
    Role::Operator,
    describe("Issue a refresh token for a client")
        .text("The answer holds the token, once.")
        .optional_request::<NewRefreshToken>()
        .successes(CREATED)
        .response::<admin::RefreshToken>()
        .errors(WRITE_ERRORS),
    |context| Box::pin(issue(context.state, context.origin, context.id, context.body)),
);

/// The answer holds the token, this once.
async fn issue(state: &State, origin: Origin, of: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let client = client::find(state, of)?;
    let NewRefreshToken { scopes } = parse_or_default(body)?;
    if scopes.as_ref().is_some_and(|asked| asked.intersection(&client.scopes) != *asked) {
        let message = "scopes names a scope that the client was not granted.";
        return Err(ApiError::BadRequest(message.to_owned()));
    }
    let text = refresh_token::random();
    let token =
        RefreshToken { scopes, ..RefreshToken::new(state.keys().hash_refresh_token(&text), origin.time) };
    let added = ClientChange { add_refresh_token: Some(token.clone()), ..ClientChange::default() };
    change(state, RegistryCommand::UpdateClient(ClientId::clone(&client.id), added), origin).await?;
    created(&admin::RefreshToken { refresh_token: Some(Secret(text)), ..to_wire(&token) })
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "listRefreshTokens",
    Role::Viewer,
    describe("List the refresh tokens of a client")
        .text("Sorted by id; the tokens themselves are not kept.")
        .query::<PageQuery>()
        .response::<List<admin::RefreshToken>>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(ready(list(context.state, context.id, context.query))),
);

fn list(state: &State, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let client = client::find(state, of)?;
    let tokens = client.refresh_tokens.iter().map(|token| (token.id().to_string(), to_wire(token)));
    ok(&page(tokens.collect(), query)?)
}

pub(crate) static REVOKE: AdminOperation = AdminOperation::new(
    "revokeRefreshToken",
    Role::Operator,
    describe("Revoke a refresh token")
        .text("The access tokens that it gave are worthless at once, too.")
        .successes(NO_CONTENT)
        .errors(ITEM_ERRORS),
    |context| Box::pin(revoke(context.state, context.origin, context.id)),
);

/// The access tokens issued from it are invalid at once, too.
async fn revoke(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let missing = || not_found("refresh token");
    let id: RefreshTokenId = id.parse().map_err(|_| missing())?;
    let registry = state.store.registry();
    let client = registry.clients.values().find(|client| client.holds(id)).ok_or_else(missing)?;
    let command = RegistryCommand::ChangeGrants(ClientId::clone(&client.id), GrantCommand::Revoke(id));
    change(state, command, origin).await?;
    no_content()
}

fn to_wire(token: &RefreshToken) -> admin::RefreshToken {
    admin::RefreshToken {
        id: token.id().to_string(),
        refresh_token: None,
        issued: humantime::format_rfc3339_millis(token.issued.system_time()).to_string(),
        scopes: token.scopes.as_ref().map(|scopes| scopes.iter().cloned().collect()),
        consent: token.code.is_some(),
        by: token.by.clone(),
    }
}
