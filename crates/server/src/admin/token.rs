//! Admin tokens: operators create, list and revoke them while the server runs.

use std::future::ready;

use jackfield_model::admin::{self, List, NewAdminToken, Role, Secret};
use jackfield_model::limit;
use jackfield_store::registry::{AdminToken, AdminTokenId};
use jackfield_store::{Origin, RegistryCommand, Timestamp};

use super::access::{self, BOOTSTRAP};
use super::describe::{CONFLICT, NOT_FOUND, PageQuery, TOP_ERRORS, describe};
use super::{AdminOperation, Query, change, created, no_content, not_found, ok, page, parse};
use crate::credential::encoding;
use crate::description::{BAD_REQUEST, CREATED, NO_CONTENT};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;

/// Prefix of every token that is made here, so that secret scanners recognise one.
const PREFIX: &str = "jackfield-admin-";

pub(crate) static CREATE: AdminOperation = AdminOperation::new(
    "createAdminToken",
    Role::Admin,
    describe("Make an admin token")
        .text(
            "The answer holds the token, once. Its name stands in the change record where it is \
             used.",
        )
        .request::<NewAdminToken>()
        .successes(CREATED)
        .response::<admin::AdminToken>()
        .errors(&[BAD_REQUEST, CONFLICT]),
    |context| Box::pin(create(context.state, context.origin, context.body)),
);

/// The answer holds the token, this once.
async fn create(state: &State, origin: Origin, body: &[u8]) -> Result<Reply, ApiError> {
    let new: NewAdminToken = parse(body)?;
    check_name(&new.name)?;
    let life = new.expires_in.map(check_life).transpose()?;
    let text = format!("{PREFIX}{}", encoding::random_text::<32>());
    let hash = state.keys().hash_admin_token(&text);
    let token = AdminToken {
        id: AdminTokenId::of(&hash),
        name: new.name,
        role: new.role,
        hash,
        created: origin.time,
        expires: life.map(|seconds| Timestamp(origin.time.0.saturating_add(seconds * 1_000))),
        revoked: false,
    };
    change(state, RegistryCommand::CreateAdminToken(token.clone()), origin).await?;
    created(&admin::AdminToken { token: Some(Secret(text)), ..to_wire(&token) })
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "listAdminTokens",
    Role::Admin,
    describe("List the admin tokens")
        .text(
            "Sorted by id; the tokens themselves are not kept. The one that the server was \
             started with is `bootstrap`.",
        )
        .query::<PageQuery>()
        .response::<List<admin::AdminToken>>()
        .errors(TOP_ERRORS),
    |context| Box::pin(ready(list(context.state, context.query))),
);

/// Valid and expired tokens, and the one that the server was started with while it is valid.
fn list(state: &State, query: &Query) -> Result<Reply, ApiError> {
    let registry = state.store.registry();
    let made = registry.admin_tokens.values().filter(|token| !token.revoked);
    let mut all: Vec<_> = made.map(|token| (token.id.to_string(), to_wire(token))).collect();
    if !state.credentials.bootstrap.is_revoked(state.keys(), &registry) {
        let bootstrap = admin::AdminToken {
            id: BOOTSTRAP.to_owned(),
            name: BOOTSTRAP.to_owned(),
            role: Role::Admin,
            created: None,
            expires: None,
            token: None,
        };
        all.push((BOOTSTRAP.to_owned(), bootstrap));
    }
    ok(&page(all, query)?)
}

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "deleteAdminToken",
    Role::Admin,
    describe("Revoke an admin token")
        .text(
            "It is worthless at once. `bootstrap` can be revoked when another token has the role \
             admin.",
        )
        .successes(NO_CONTENT)
        .errors(&[BAD_REQUEST, NOT_FOUND, (409, "Nobody else has an admin token with the role admin.")]),
    |context| Box::pin(delete(context.state, context.origin, context.id)),
);

async fn delete(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let missing = || not_found("admin token");
    if id == BOOTSTRAP {
        change(state, RegistryCommand::CreateAdminToken(revoked_bootstrap(state, &origin)?), origin).await?;
    } else {
        let id: AdminTokenId = id.parse().map_err(|_| missing())?;
        change(state, RegistryCommand::DeleteAdminToken(id), origin).await?;
    }
    no_content()
}

/// The entry that revokes the token which this server was started with. Another token must be left that may create
/// others; an operator with shell access can start the server with another token.
fn revoked_bootstrap(state: &State, origin: &Origin) -> Result<AdminToken, ApiError> {
    let registry = state.store.registry();
    if state.credentials.bootstrap.is_revoked(state.keys(), &registry) {
        return Err(not_found("admin token"));
    }
    let rules = |token: &AdminToken| token.role == Role::Admin && !token.revoked && !access::is_over(token);
    if !registry.admin_tokens.values().any(|token| rules(token)) {
        return Err(ApiError::Conflict(
            "Nobody else has an admin token with the role admin; make one first.".to_owned(),
        ));
    }
    let hash = state.credentials.bootstrap.hash(state.keys());
    Ok(AdminToken {
        id: AdminTokenId::of(&hash),
        name: BOOTSTRAP.to_owned(),
        role: Role::Admin,
        hash,
        created: origin.time,
        expires: None,
        revoked: true,
    })
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = (1..=limit::ADMIN_TOKEN_NAME_CHARS).contains(&name.len()) && name.bytes().all(allowed);
    if fits && name != BOOTSTRAP {
        return Ok(());
    }
    Err(ApiError::BadRequest(format!(
        "name must be 1 to {} letters, digits, dots, dashes and underscores, and not {BOOTSTRAP}.",
        limit::ADMIN_TOKEN_NAME_CHARS
    )))
}

fn check_life(seconds: u64) -> Result<u64, ApiError> {
    if (1..=limit::ADMIN_TOKEN_MAX_SECONDS).contains(&seconds) {
        return Ok(seconds);
    }
    Err(ApiError::BadRequest(format!(
        "expires_in is {seconds}; 1 to {} seconds are allowed.",
        limit::ADMIN_TOKEN_MAX_SECONDS
    )))
}

fn to_wire(token: &AdminToken) -> admin::AdminToken {
    let text = |time: Timestamp| humantime::format_rfc3339_millis(time.system_time()).to_string();
    admin::AdminToken {
        id: token.id.to_string(),
        name: token.name.clone(),
        role: token.role,
        created: Some(text(token.created)),
        expires: token.expires.map(text),
        token: None,
    }
}
