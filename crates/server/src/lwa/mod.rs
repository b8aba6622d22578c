//! Login with Amazon: the token endpoint POST /auth/o2/token, and beside it the consent page and what tells of a token.
//!
//! Errors have the form of RFC 6749 (section 5.2), not that of the API. The body is read as a form whatever its
//! `Content-Type` says, because published clients send it wrong.

mod consent;
mod form;
pub(crate) mod grant;
mod info;
mod page;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jackfield_model::admin::{Secret, Token};
use jackfield_model::{ClientId, ScopeSet, limit};
use jackfield_store::StoreError;
use jackfield_store::registry::{Client, RefreshTokenId};
use serde::Serialize;

use crate::app::{App, Call};
use crate::auth::access_token::{self, Issue};
use crate::error::ApiError;
use crate::response::{self, Reply};
use crate::router::LoginOperation;
use form::Form;

/// An error of RFC 6749: status, code and a description for people.
#[derive(Debug)]
struct GrantError {
    status: StatusCode,
    code: &'static str,
    description: String,
}

#[derive(Serialize)]
struct GrantErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
    request_id: String,
}

impl GrantError {
    fn bad(code: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, description: description.into() }
    }

    fn invalid_client() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "invalid_client",
            description: "The client id or the client secret is not valid.".to_owned(),
        }
    }
}

/// What keeps a token from being given: the grant itself, or the state of the server.
#[derive(Debug)]
enum Refusal {
    Grant(GrantError),
    Server(ApiError),
}

impl From<GrantError> for Refusal {
    fn from(error: GrantError) -> Self {
        Self::Grant(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Server(error.into())
    }
}

/// A client that asks for a token.
struct Asking {
    client: Arc<Client>,
    /// Whether it showed its secret. A public client may do without, for some grants.
    proven: bool,
}

/// Answers a token request. `client` is set when the client is known, for the log.
pub(crate) async fn token(app: &App, call: &Call, body: &[u8], client: &mut Option<Arc<ClientId>>) -> Reply {
    match grant(app, call, body, client).await {
        Ok(token) => no_store(response::json(StatusCode::OK, &token)),
        Err(Refusal::Grant(error)) => error_reply(call, &error),
        Err(Refusal::Server(error)) => refuse(call, &error),
    }
}

/// Answers one of the other requests of the login service.
pub(crate) fn run(
    app: &App,
    operation: LoginOperation,
    call: &Call,
    body: &[u8],
    client: &mut Option<Arc<ClientId>>,
) -> Reply {
    match operation {
        LoginOperation::TokenInfo => info::token(app, call, client),
        LoginOperation::UserProfile => info::user(app, call, client),
        LoginOperation::ConsentPage => consent::show(app, call, client),
        LoginOperation::ConsentDecision => consent::decide(app, call, body, client),
    }
}

/// The answer of this service to a refusal that is not about the request: overload, an oversized body.
pub(crate) fn refuse(call: &Call, error: &ApiError) -> Reply {
    if let Some(cause) = error.cause() {
        tracing::warn!(request_id = %call.request_id, operation = "login", cause, "request refused");
    }
    let (status, _) = error.status();
    let code = match status {
        StatusCode::BAD_REQUEST => "invalid_request",
        StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        _ => "server_error",
    };
    let mut reply = error_reply(call, &GrantError { status, code, description: error.message() });
    error.decorate(&mut reply);
    reply
}

/// The same for one of the other requests.
pub(crate) fn refuse_other(operation: LoginOperation, call: &Call, error: &ApiError) -> Reply {
    match operation {
        LoginOperation::TokenInfo | LoginOperation::UserProfile => refuse(call, error),
        LoginOperation::ConsentPage | LoginOperation::ConsentDecision => consent::refuse(error),
    }
}

async fn grant(
    app: &App,
    call: &Call,
    body: &[u8],
    seen: &mut Option<Arc<ClientId>>,
) -> Result<Token, Refusal> {
    const GRANTS: &str = "client_credentials, refresh_token or authorization_code";
    let form = Form::parse(body)?;
    let Some(grant_type) = form.grant_type.as_deref() else {
        let description = format!("grant_type is missing; {GRANTS} is expected.");
        return Err(GrantError::bad("invalid_request", description).into());
    };
    if !matches!(grant_type, "client_credentials" | "refresh_token" | "authorization_code") {
        let description = format!("grant_type must be {GRANTS}.");
        return Err(GrantError::bad("unsupported_grant_type", description).into());
    }
    let asking = authenticate(app, &call.head.headers, &form)?;
    *seen = Some(Arc::clone(&asking.client.id));
    if !asking.client.enabled {
        return Err(GrantError::bad("unauthorized_client", "The client is disabled.").into());
    }
    if !app.issuers.builtin {
        let description = "This server believes another issuer; its own tokens would be of no use.";
        return Err(GrantError::bad("unauthorized_client", description).into());
    }
    match grant_type {
        "refresh_token" => grant::refresh(app, call, &asking, form.refresh_token).await,
        "authorization_code" => grant::code(app, call, &asking, form).await,
        _ if !asking.proven => Err(GrantError::invalid_client().into()),
        _ => Ok(client_credentials(app, &asking.client, form.scope.as_deref())?),
    }
}

fn client_credentials(app: &App, client: &Client, scope: Option<&str>) -> Result<Token, GrantError> {
    let invalid = |description: String| GrantError::bad("invalid_scope", description);
    let asked = scope.map(str::trim).filter(|text| !text.is_empty());
    let asked =
        asked.ok_or_else(|| invalid("scope is missing; it names the scopes of the token.".to_owned()))?;
    let asked = ScopeSet::parse(asked).map_err(|error| invalid(format!("scope: {error}.")))?;
    if asked.intersection(&client.scopes) != asked {
        return Err(invalid("scope names a scope that the client was not granted.".to_owned()));
    }
    let mut token = issue(app, client, &asked, limit::ACCESS_TOKEN_SECONDS);
    token.scope = Some(asked.to_string());
    app.metrics.token_issued("client_credentials");
    Ok(token)
}

/// Issues an access token for a client that stands on its own.
pub(crate) fn issue(app: &App, client: &Client, scopes: &ScopeSet, life: u64) -> Token {
    issue_from(app, client, scopes, life, None)
}

/// Issues an access token for a client, which ends with the refresh token that it comes from.
fn issue_from(
    app: &App,
    client: &Client,
    scopes: &ScopeSet,
    life: u64,
    refresh: Option<RefreshTokenId>,
) -> Token {
    let issue = Issue { client, now: app.clock.seconds(), life, scopes, refresh };
    Token {
        access_token: Secret(access_token::issue(&app.keys.access_token, issue)),
        token_type: "bearer".to_owned(),
        expires_in: life,
        scope: None,
        refresh_token: None,
    }
}

/// The client of the request, by HTTP Basic or by the form, never by both (RFC 6749, section 2.3.1).
fn authenticate(app: &App, headers: &HeaderMap, form: &Form) -> Result<Asking, GrantError> {
    let credentials = match headers.get(header::AUTHORIZATION) {
        None => (form.client_id.clone(), form.client_secret.clone()),
        Some(_) if form.client_secret.is_some() => {
            return Err(GrantError::bad(
                "invalid_request",
                "The client authenticates in the header and in the body; one of them is enough.",
            ));
        }
        Some(value) => {
            let (id, secret) = basic_credentials(value).ok_or_else(GrantError::invalid_client)?;
            if form.client_id.as_ref().is_some_and(|own| *own != id) {
                return Err(GrantError::bad("invalid_request", "client_id differs between header and body."));
            }
            (Some(id), Some(secret))
        }
    };
    let (Some(id), secret) = credentials else { return Err(GrantError::invalid_client()) };
    let registry = app.store.registry();
    let client = registry.clients.get(id.as_str()).ok_or_else(GrantError::invalid_client)?;
    let proven = match &secret {
        Some(secret) if app.keys.verify_client_secret(&client.id, secret, &client.secret_hash) => true,
        None if client.public => false,
        _ => return Err(GrantError::invalid_client()),
    };
    Ok(Asking { client: Arc::clone(client), proven })
}

/// Id and secret of an HTTP Basic header, each form-encoded before they were joined (RFC 6749, section 2.3.1).
fn basic_credentials(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = value.to_str().ok()?.trim_ascii().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim_ascii()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form::decode(id), form::decode(secret)))
}

fn error_reply(call: &Call, error: &GrantError) -> Reply {
    let body = GrantErrorBody {
        error: error.code,
        error_description: &error.description,
        request_id: call.request_id.to_string(),
    };
    let mut reply = no_store(response::json(error.status, &body));
    if error.status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"jackfield\"");
        reply.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    reply
}

/// Answers with tokens must not be kept by anything between (RFC 6749, section 5.1).
fn no_store(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    reply
}
