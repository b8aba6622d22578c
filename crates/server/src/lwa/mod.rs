//! The token endpoint of Login with Amazon: POST /auth/o2/token.
//!
//! Errors have the form of RFC 6749 (section 5.2), not that of the API. The body is read as a form whatever its
//! `Content-Type` says, because published clients send it wrong.

mod form;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jackfield_model::admin::{Secret, Token};
use jackfield_model::{ClientId, ScopeSet, limit};
use jackfield_store::registry::Client;
use serde::Serialize;

use crate::app::{App, Call};
use crate::auth::access_token;
use crate::error::ApiError;
use crate::response::{self, Reply};
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

/// Answers a token request. `client` is set when the client is known, for the log.
pub(crate) fn token(app: &App, call: &Call, body: &[u8], client: &mut Option<Arc<ClientId>>) -> Reply {
    match grant(app, &call.head.headers, body, client) {
        Ok(token) => no_store(response::json(StatusCode::OK, &token)),
        Err(error) => error_reply(call, &error),
    }
}

/// The answer of this endpoint to a refusal that is not about the grant: overload, an oversized body.
pub(crate) fn refuse(call: &Call, error: &ApiError) -> Reply {
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

fn grant(
    app: &App,
    headers: &HeaderMap,
    body: &[u8],
    seen: &mut Option<Arc<ClientId>>,
) -> Result<Token, GrantError> {
    let form = Form::parse(body)?;
    let grant_type = form.grant_type.as_deref().ok_or_else(|| {
        GrantError::bad(
            "invalid_request",
            "grant_type is missing; client_credentials or refresh_token is expected.",
        )
    })?;
    if !matches!(grant_type, "client_credentials" | "refresh_token") {
        return Err(GrantError::bad(
            "unsupported_grant_type",
            "grant_type must be client_credentials or refresh_token.",
        ));
    }
    let client = authenticate(app, headers, &form)?;
    *seen = Some(Arc::clone(&client.id));
    if !client.enabled {
        return Err(GrantError::bad("unauthorized_client", "The client is disabled."));
    }
    match grant_type {
        "refresh_token" => refresh(app, &client, form.refresh_token),
        _ => client_credentials(app, &client, form.scope.as_deref()),
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

/// Scopes that a refresh request names are ignored: the token gets what the client is granted.
fn refresh(app: &App, client: &Client, presented: Option<String>) -> Result<Token, GrantError> {
    let presented = presented
        .ok_or_else(|| GrantError::bad("invalid_request", "refresh_token is missing; it is required."))?;
    let hash = app.keys.hash_refresh_token(&presented);
    if client.refresh_tokens.iter().all(|own| own.hash != hash) {
        let description = if presented.starts_with(access_token::PREFIX) {
            "refresh_token is an access token; a refresh token begins with Atzr|."
        } else {
            "The refresh token is not valid, was revoked, or belongs to another client."
        };
        return Err(GrantError::bad("invalid_grant", description));
    }
    let mut token = issue(app, client, &client.scopes, limit::ACCESS_TOKEN_SECONDS);
    token.refresh_token = Some(Secret(presented));
    app.metrics.token_issued("refresh_token");
    Ok(token)
}

/// Issues an access token for a client.
pub(crate) fn issue(app: &App, client: &Client, scopes: &ScopeSet, life: u64) -> Token {
    let key = &app.keys.access_token;
    let now = app.clock.seconds();
    let token = access_token::issue(key, &client.id, client.token_generation, now, life, scopes);
    Token {
        access_token: Secret(token),
        token_type: "bearer".to_owned(),
        expires_in: life,
        scope: None,
        refresh_token: None,
    }
}

/// The client of the request, by HTTP Basic or by the form, never by both (RFC 6749, section 2.3.1).
fn authenticate(app: &App, headers: &HeaderMap, form: &Form) -> Result<Arc<Client>, GrantError> {
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
    let (Some(id), Some(secret)) = credentials else { return Err(GrantError::invalid_client()) };
    let registry = app.store.registry();
    let client = registry.clients.get(id.as_str()).ok_or_else(GrantError::invalid_client)?;
    if !app.keys.verify_client_secret(&client.id, &secret, &client.secret_hash) {
        return Err(GrantError::invalid_client());
    }
    Ok(Arc::clone(client))
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
