//! Refresh tokens of clients, as operators issue and revoke them.

use jackfield_model::ClientId;
use jackfield_model::admin::{self, NewRefreshToken, Secret};
use jackfield_store::registry::{ClientChange, GrantCommand, RefreshToken, RefreshTokenId};
use jackfield_store::{Origin, RegistryCommand};

use super::{Query, change, client, created, no_content, not_found, ok, page, parse_or_default};
use crate::app::App;
use crate::error::ApiError;
use crate::lwa::grant::random_refresh_token;
use crate::response::Reply;

/// The answer holds the token, this once.
pub(super) async fn issue(app: &App, origin: Origin, of: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let client = client::find(app, of)?;
    let NewRefreshToken { scopes } = parse_or_default(body)?;
    if scopes.as_ref().is_some_and(|asked| asked.intersection(&client.scopes) != *asked) {
        let message = "scopes names a scope that the client was not granted.";
        return Err(ApiError::BadRequest(message.to_owned()));
    }
    let text = random_refresh_token();
    let token =
        RefreshToken { scopes, ..RefreshToken::new(app.keys().hash_refresh_token(&text), origin.time) };
    let added = ClientChange { add_refresh_token: Some(token.clone()), ..ClientChange::default() };
    change(app, RegistryCommand::UpdateClient(ClientId::clone(&client.id), added), origin).await?;
    created(&admin::RefreshToken { refresh_token: Some(Secret(text)), ..shown(&token) })
}

pub(super) fn list(app: &App, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let client = client::find(app, of)?;
    let tokens = client.refresh_tokens.iter().map(|token| (token.id().to_string(), shown(token)));
    ok(&page(tokens.collect(), query)?)
}

/// The access tokens that it gave are worthless at once, too.
pub(super) async fn revoke(app: &App, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let missing = || not_found("refresh token");
    let id: RefreshTokenId = id.parse().map_err(|_| missing())?;
    let registry = app.store.registry();
    let client = registry.clients.values().find(|client| client.holds(id)).ok_or_else(missing)?;
    let command = RegistryCommand::ChangeGrants(ClientId::clone(&client.id), GrantCommand::Revoke(id));
    change(app, command, origin).await?;
    no_content()
}

fn shown(token: &RefreshToken) -> admin::RefreshToken {
    admin::RefreshToken {
        id: token.id().to_string(),
        refresh_token: None,
        issued: humantime::format_rfc3339_millis(token.issued.system_time()).to_string(),
        scopes: token.scopes.as_ref().map(|scopes| scopes.iter().cloned().collect()),
        consent: token.code.is_some(),
        by: token.by.clone(),
    }
}
