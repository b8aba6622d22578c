//! Clients: the security profiles that tokens are issued to.

use std::future::ready;
use std::sync::Arc;

use jackfield_model::admin::{
    self, ClientPatch, List, NewClient, NewToken, RevokeTokens, Role, Secret, Token,
};
use jackfield_model::scope::SERVICE_PROVIDER;
use jackfield_model::{ClientId, ScopeSet, limit};
use jackfield_store::registry::{Client, ClientChange, RefreshToken};
use jackfield_store::{Origin, RegistryCommand, Timestamp};

use super::describe::{ADD_ERRORS, ITEM_ERRORS, PageQuery, describe};
use super::{
    AdminOperation, Query, Recorded, change, created, no_content, not_found, ok, organization, page,
    parse_nullable, parse_or_default,
};
use crate::credential::encoding;
use crate::description::{CREATED, NO_CONTENT};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;
use crate::{auth, validate};

/// The one property of clients that may be null.
const RATE_LIMIT: [&str; 2] = ["rate_limit", "rateLimit"];

pub(crate) static CREATE: AdminOperation = AdminOperation::new(
    "createClient",
    Role::Admin,
    describe("Create a client")
        .text("The answer holds the secret, once.")
        .optional_request::<NewClient>()
        .successes(CREATED)
        .response::<admin::Client>()
        .errors(ADD_ERRORS),
    |context| Box::pin(create(context.state, context.origin, context.id, context.body)),
);

async fn create(state: &State, origin: Origin, of: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let organization = organization(state, of)?;
    let new: NewClient =
        if body.is_empty() { NewClient::default() } else { parse_nullable(body, &RATE_LIMIT)? };
    if let Some(secret) = &new.secret {
        validate::secret("secret", secret)?;
    }
    if let Some(token) = &new.refresh_token {
        validate::secret("refresh_token", token)?;
    }
    validate::rate_limit(new.rate_limit)?;
    validate::redirect_uris(&new.redirect_uris)?;
    let id = Arc::new(new.id.unwrap_or_else(|| state.sandbox.ids.client(&*state.store)));
    let secret = new.secret.unwrap_or_else(random_secret);
    let refresh_token = new
        .refresh_token
        .map(|token| RefreshToken::new(state.keys().hash_refresh_token(&token.0), Timestamp::now()));
    let client = Client {
        secret_hash: state.keys().hash_client_secret(&id, &secret.0),
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
    change(state, RegistryCommand::CreateClient(client.clone()), origin).await?;
    created(&admin::Client { secret: Some(secret), ..to_wire(&client) })
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "listClients",
    Role::Viewer,
    describe("List the clients of an organization")
        .text("Sorted by id.")
        .query::<PageQuery>()
        .response::<List<admin::Client>>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(ready(list(context.state, context.id, context.query))),
);

fn list(state: &State, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let organization = organization(state, of)?;
    let registry = state.store.registry();
    let clients = registry.clients.values().filter(|client| client.organization == organization.id);
    ok(&page(clients.map(|client| (client.id.to_string(), to_wire(client))).collect(), query)?)
}

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "getClient",
    Role::Viewer,
    describe("Get a client").response::<admin::Client>().errors(ITEM_ERRORS),
    |context| Box::pin(ready(get(context.state, context.id))),
);

fn get(state: &State, id: &str) -> Result<Reply, ApiError> {
    ok(&to_wire(&*find(state, id)?))
}

pub(crate) static UPDATE: AdminOperation = AdminOperation::new(
    "updateClient",
    Role::Admin,
    describe("Change a client")
        .text(
            "Absent properties stay as they are. Taking a scope away revokes the access tokens \
             issued so far.",
        )
        .request::<ClientPatch>()
        .response::<admin::Client>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(update(context.state, context.origin, context.id, context.body)),
);

async fn update(state: &State, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let patch: ClientPatch = parse_nullable(body, &RATE_LIMIT)?;
    validate::rate_limit(patch.rate_limit)?;
    validate::redirect_uris(patch.redirect_uris.as_deref().unwrap_or_default())?;
    let client = find(state, id)?;
    // A token says which scopes it has, so one that loses a scope is only known by its generation.
    let narrowed = |scopes: &ScopeSet| client.scopes.iter().any(|scope| !scopes.contains(scope.as_str()));
    let updated = ClientChange {
        revoke_access_tokens: patch.scopes.as_ref().is_some_and(narrowed),
        scopes: patch.scopes,
        rate_limit: patch.rate_limit,
        redirect_uris: patch.redirect_uris,
        enabled: patch.enabled,
        public: patch.public,
        ..ClientChange::default()
    };
    change(state, RegistryCommand::UpdateClient(ClientId::clone(&client.id), updated), origin).await?;
    get(state, id)
}

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "deleteClient",
    Role::Admin,
    describe("Delete a client")
        .text("Its tokens are worthless at once.")
        .successes(NO_CONTENT)
        .errors(ITEM_ERRORS),
    |context| Box::pin(delete(context.state, context.origin, context.id)),
);

async fn delete(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let client = find(state, id)?;
    change(state, RegistryCommand::DeleteClient(ClientId::clone(&client.id)), origin).await?;
    no_content()
}

pub(crate) static ROTATE_SECRET: AdminOperation = AdminOperation::new(
    "rotateSecret",
    Role::Admin,
    describe("Issue a new secret")
        .text("The old one is worthless at once; access tokens stay valid.")
        .response::<admin::Client>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(rotate_secret(context.state, context.origin, context.id)),
);

/// The old secret is invalid at once; issued access tokens stay valid until they expire.
async fn rotate_secret(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let client = find(state, id)?;
    let secret = random_secret();
    let hash = state.keys().hash_client_secret(&client.id, &secret.0);
    let rotated = ClientChange { secret_hash: Some(hash), ..ClientChange::default() };
    change(state, RegistryCommand::UpdateClient(ClientId::clone(&client.id), rotated), origin).await?;
    ok(&admin::Client { secret: Some(secret), ..to_wire(&*find(state, id)?) })
}

pub(crate) static REVOKE_TOKENS: AdminOperation = AdminOperation::new(
    "revokeTokens",
    Role::Operator,
    describe("Revoke the access tokens of a client")
        .text("And its refresh tokens, when asked.")
        .optional_request::<RevokeTokens>()
        .response::<admin::Client>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(revoke_tokens(context.state, context.origin, context.id, context.body)),
);

async fn revoke_tokens(state: &State, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let client = find(state, id)?;
    let RevokeTokens { refresh_tokens } = parse_or_default(body)?;
    let revoked = ClientChange {
        revoke_access_tokens: true,
        revoke_refresh_tokens: refresh_tokens,
        ..ClientChange::default()
    };
    change(state, RegistryCommand::UpdateClient(ClientId::clone(&client.id), revoked), origin).await?;
    get(state, id)
}

pub(crate) static ISSUE_TOKEN: AdminOperation = AdminOperation::new(
    "issueToken",
    Role::Operator,
    describe("Issue an access token for a client")
        .text("For tests: any scopes and any life, an expired token included.")
        .optional_request::<NewToken>()
        .response::<Token>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(ready(issue_token(context.state, context.id, context.body))),
)
.recorded(Recorded::giving_out("token_issued"));

/// For tests: an access token with any scopes and life, an expired one included.
fn issue_token(state: &State, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let client = find(state, id)?;
    let asked: NewToken = parse_or_default(body)?;
    let life = asked.expires_in.unwrap_or(limit::ACCESS_TOKEN_SECONDS);
    if life > limit::ACCESS_TOKEN_MAX_SECONDS {
        return Err(ApiError::BadRequest(format!(
            "expires_in is {life}; at most {} seconds are allowed.",
            limit::ACCESS_TOKEN_MAX_SECONDS
        )));
    }
    let scopes = asked.scopes.unwrap_or_else(|| client.scopes.clone());
    let mut token = auth::issue(state, &client, &scopes, life);
    token.scope = Some(scopes.to_string());
    state.metrics.token_issued("admin");
    ok(&token)
}

pub(super) fn find(state: &State, id: &str) -> Result<Arc<Client>, ApiError> {
    state.store.registry().clients.get(id).cloned().ok_or_else(|| not_found("client"))
}

fn default_scopes() -> ScopeSet {
    ScopeSet::parse(SERVICE_PROVIDER).expect("the service provider scope is well-formed")
}

fn random_secret() -> Secret {
    Secret(format!("amzn1.oa2-cs.v1.{}", encoding::random_text::<32>()))
}

fn to_wire(client: &Client) -> admin::Client {
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
