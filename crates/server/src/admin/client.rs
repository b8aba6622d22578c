//! Clients: the security profiles that get tokens.

use std::sync::Arc;

use jackfield_model::admin::{self, ClientPatch, NewClient, NewToken, RevokeTokens, Secret};
use jackfield_model::scope::SERVICE_PROVIDER;
use jackfield_model::{ClientId, ScopeSet, limit};
use jackfield_store::registry::{Client, ClientChange, RefreshToken};
use jackfield_store::{Origin, RegistryCommand, Timestamp};

use super::{
    Query, change, created, no_content, not_found, ok, organization, page, parse_nullable, parse_or_default,
    valid,
};
use crate::app::App;
use crate::auth::access_token;
use crate::error::ApiError;
use crate::lwa;
use crate::response::Reply;

/// The one property of clients that may be null.
const RATE_LIMIT: [&str; 2] = ["rate_limit", "rateLimit"];

pub(super) async fn create(app: &App, origin: Origin, of: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let organization = organization(app, of)?;
    let new: NewClient =
        if body.is_empty() { NewClient::default() } else { parse_nullable(body, &RATE_LIMIT)? };
    if let Some(secret) = &new.secret {
        valid::secret("secret", secret)?;
    }
    if let Some(token) = &new.refresh_token {
        valid::secret("refresh_token", token)?;
    }
    valid::rate_limit(new.rate_limit)?;
    valid::redirect_uris(&new.redirect_uris)?;
    let id = Arc::new(new.id.unwrap_or_else(|| app.ids.client(&*app.store)));
    let secret = new.secret.unwrap_or_else(random_secret);
    let refresh_token = new
        .refresh_token
        .map(|token| RefreshToken::new(app.keys().hash_refresh_token(&token.0), Timestamp::now()));
    let client = Client {
        secret_hash: app.keys().hash_client_secret(&id, &secret.0),
        id,
        organization: organization.id.clone(),
        scopes: new.scopes.unwrap_or_else(default_scopes),
        rate_limit: new.rate_limit,
        redirect_uris: new.redirect_uris,
        enabled: true,
        public: new.public,
        token_generation: 0,
        refresh_tokens: refresh_token.into_iter().collect(),
        spent_codes: Vec::new(),
    };
    change(app, RegistryCommand::CreateClient(client.clone()), origin).await?;
    created(&admin::Client { secret: Some(secret), ..shown(&client) })
}

pub(super) fn list(app: &App, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let organization = organization(app, of)?;
    let registry = app.store.registry();
    let own = registry.clients.values().filter(|client| client.organization == organization.id);
    ok(&page(own.map(|client| (client.id.to_string(), shown(client))).collect(), query)?)
}

pub(super) fn get(app: &App, id: &str) -> Result<Reply, ApiError> {
    ok(&shown(&*find(app, id)?))
}

pub(super) async fn update(app: &App, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let patch: ClientPatch = parse_nullable(body, &RATE_LIMIT)?;
    valid::rate_limit(patch.rate_limit)?;
    valid::redirect_uris(patch.redirect_uris.as_deref().unwrap_or_default())?;
    let client = find(app, id)?;
    // A token says which scopes it has, so one that loses a scope is only known by its generation.
    let narrowed = |scopes: &ScopeSet| client.scopes.iter().any(|own| !scopes.contains(own.as_str()));
    let updated = ClientChange {
        revoke_access_tokens: patch.scopes.as_ref().is_some_and(narrowed),
        scopes: patch.scopes,
        rate_limit: patch.rate_limit,
        redirect_uris: patch.redirect_uris,
        enabled: patch.enabled,
        public: patch.public,
        ..ClientChange::default()
    };
    change(app, RegistryCommand::UpdateClient(ClientId::clone(&client.id), updated), origin).await?;
    get(app, id)
}

pub(super) async fn delete(app: &App, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let client = find(app, id)?;
    change(app, RegistryCommand::DeleteClient(ClientId::clone(&client.id)), origin).await?;
    no_content()
}

/// The old secret is worthless at once; access tokens that were issued stay valid until they expire.
pub(super) async fn rotate_secret(app: &App, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let client = find(app, id)?;
    let secret = random_secret();
    let hash = app.keys().hash_client_secret(&client.id, &secret.0);
    let rotated = ClientChange { secret_hash: Some(hash), ..ClientChange::default() };
    change(app, RegistryCommand::UpdateClient(ClientId::clone(&client.id), rotated), origin).await?;
    ok(&admin::Client { secret: Some(secret), ..shown(&*find(app, id)?) })
}

pub(super) async fn revoke_tokens(
    app: &App,
    origin: Origin,
    id: &str,
    body: &[u8],
) -> Result<Reply, ApiError> {
    let client = find(app, id)?;
    let RevokeTokens { refresh_tokens } = parse_or_default(body)?;
    let revoked = ClientChange {
        revoke_access_tokens: true,
        revoke_refresh_tokens: refresh_tokens,
        ..ClientChange::default()
    };
    change(app, RegistryCommand::UpdateClient(ClientId::clone(&client.id), revoked), origin).await?;
    get(app, id)
}

/// For tests: an access token with any scopes and life, an expired one included.
pub(super) fn issue_token(app: &App, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let client = find(app, id)?;
    let asked: NewToken = parse_or_default(body)?;
    let life = asked.expires_in.unwrap_or(limit::ACCESS_TOKEN_SECONDS);
    if life > limit::ACCESS_TOKEN_MAX_SECONDS {
        return Err(ApiError::BadRequest(format!(
            "expires_in is {life}; at most {} seconds are allowed.",
            limit::ACCESS_TOKEN_MAX_SECONDS
        )));
    }
    let scopes = asked.scopes.unwrap_or_else(|| client.scopes.clone());
    let mut token = lwa::issue(app, &client, &scopes, life);
    token.scope = Some(scopes.to_string());
    app.metrics.token_issued("admin");
    ok(&token)
}

pub(super) fn find(app: &App, id: &str) -> Result<Arc<Client>, ApiError> {
    app.store.registry().clients.get(id).cloned().ok_or_else(|| not_found("client"))
}

fn default_scopes() -> ScopeSet {
    ScopeSet::parse(SERVICE_PROVIDER).expect("the service provider scope is well-formed")
}

fn random_secret() -> Secret {
    Secret(format!("amzn1.oa2-cs.v1.{}", access_token::random_text::<32>()))
}

fn shown(client: &Client) -> admin::Client {
    admin::Client {
        id: ClientId::clone(&client.id),
        organization_id: client.organization.clone(),
        secret: None,
        scopes: client.scopes.iter().cloned().collect(),
        rate_limit: client.rate_limit,
        redirect_uris: client.redirect_uris.clone(),
        enabled: client.enabled,
        public: client.public,
        refresh_tokens: client.refresh_tokens.len(),
    }
}
