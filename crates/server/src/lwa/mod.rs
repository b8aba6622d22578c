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
use jackfield_model::inspect::Refusal;
use jackfield_model::{ClientId, Scope, ScopeSet, limit};
use jackfield_store::registry::Client;
use serde::Serialize;

use crate::app::{App, Call, Seen};
use crate::auth::access_token;
use crate::error::{ApiError, refusal};
use crate::journal::Refused;
use crate::response::{self, Reply};
use form::Form;

/// An error of RFC 6749: status, code and a description for people.
#[derive(Debug)]
struct GrantError {
    status: StatusCode,
    code: &'static str,
    description: String,
    /// For the journal.
    refusal: Box<Refusal>,
}

/// What the journal tells apart where the client is told one thing.
#[derive(Clone, Copy, Debug)]
enum Why {
    /// Id or secret is missing.
    NoCredentials,
    /// An `Authorization` header that is not HTTP Basic with id and secret.
    MalformedHeader,
    UnknownClient,
    WrongSecret,
    ClientDisabled,
    /// In the header and in the body.
    TwoAuthentications,
    TwoClientIds,
    /// An access token where a refresh token should be.
    AccessToken,
    UnknownRefreshToken,
    OthersRefreshToken,
}

impl Why {
    const fn reason(self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::MalformedHeader => "malformed_header",
            Self::UnknownClient => "unknown_client",
            Self::WrongSecret => "wrong_secret",
            Self::ClientDisabled => "client_disabled",
            Self::TwoAuthentications => "two_authentications",
            Self::TwoClientIds => "two_client_ids",
            Self::AccessToken => "access_token",
            Self::UnknownRefreshToken => "unknown_refresh_token",
            Self::OthersRefreshToken => "refresh_token_of_another_client",
        }
    }
}

#[derive(Serialize)]
struct GrantErrorBody<'a> {
    error: &'a str,
    error_description: &'a str,
    request_id: String,
}

impl GrantError {
    fn bad(code: &'static str, description: impl Into<String>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self { status, code, description: description.into(), refusal: Box::new(refusal("grant", code)) }
    }

    /// The client is told the same whatever was wrong; `why` is for the journal.
    fn invalid_client(why: Why) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "invalid_client",
            description: "The client id or the client secret is not valid.".to_owned(),
            refusal: Box::new(refusal("authentication", why.reason())),
        }
    }

    /// The same with more for the journal.
    fn because(mut self, why: Why) -> Self {
        why.reason().clone_into(&mut self.refusal.reason);
        self
    }

    /// A refusal because of scopes.
    fn of_scopes(self, missing_scopes: Vec<String>, granted: &ScopeSet) -> Self {
        let granted_scopes = Some(granted.iter().map(ToString::to_string).collect());
        let refusal = Refusal { missing_scopes, granted_scopes, ..refusal("scope", self.code) };
        Self { refusal: Box::new(refusal), ..self }
    }
}

/// Answers a token request. What is known of the client, and why it is refused, is seen by log and journal.
pub(crate) fn token(app: &App, call: &Call, body: &[u8], seen: &mut Seen) -> Reply {
    match grant(app, &call.head.headers, body, &mut seen.client) {
        Ok(token) => no_store(response::json(StatusCode::OK, &token)),
        Err(error) => error_reply(call, error, seen),
    }
}

/// The client that a token request says it is from, true or not.
pub(crate) fn presented_client(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    match headers.get(header::AUTHORIZATION) {
        Some(value) => basic_credentials(value).map(|(id, _)| id),
        None => Form::parse(body).ok().and_then(|form| form.client_id),
    }
}

/// The answer of this endpoint to a refusal that is not about the grant: overload, an oversized body.
pub(crate) fn refuse(call: &Call, error: &ApiError, seen: &mut Seen) -> Reply {
    let (status, _) = error.status();
    let code = match status {
        StatusCode::UNAUTHORIZED => "invalid_client",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "temporarily_unavailable",
        status if status.is_client_error() => "invalid_request",
        _ => "server_error",
    };
    let refused =
        GrantError { status, code, description: error.message(), refusal: Box::new(error.refusal()) };
    let mut reply = error_reply(call, refused, seen);
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
    let client = authenticate(app, headers, &form, seen)?;
    if !client.enabled {
        return Err(
            GrantError::bad("unauthorized_client", "The client is disabled.").because(Why::ClientDisabled)
        );
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
        let missing = asked.iter().map(Scope::as_str).filter(|own| !client.scopes.contains(own));
        let missing = crate::journal::scopes(missing);
        let refused = invalid("scope names a scope that the client was not granted.".to_owned());
        return Err(refused.of_scopes(missing, &client.scopes));
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
        let refused =
            |description: &str, why: Why| Err(GrantError::bad("invalid_grant", description).because(why));
        if presented.starts_with(access_token::PREFIX) {
            let description = "refresh_token is an access token; a refresh token begins with Atzr|.";
            return refused(description, Why::AccessToken);
        }
        let others = app.store.registry().client_of_refresh_token(&hash).is_some();
        let why = if others { Why::OthersRefreshToken } else { Why::UnknownRefreshToken };
        return refused("The refresh token is not valid, was revoked, or belongs to another client.", why);
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

/// The client of the request, by HTTP Basic or by the form, never by both (RFC 6749, section 2.3.1). `seen` is set
/// when there is such a client, whether it is who it says or not.
fn authenticate(
    app: &App,
    headers: &HeaderMap,
    form: &Form,
    seen: &mut Option<Arc<ClientId>>,
) -> Result<Arc<Client>, GrantError> {
    let credentials = match headers.get(header::AUTHORIZATION) {
        None => (form.client_id.clone(), form.client_secret.clone()),
        Some(_) if form.client_secret.is_some() => {
            return Err(GrantError::bad(
                "invalid_request",
                "The client authenticates in the header and in the body; one of them is enough.",
            )
            .because(Why::TwoAuthentications));
        }
        Some(value) => {
            let (id, secret) =
                basic_credentials(value).ok_or_else(|| GrantError::invalid_client(Why::MalformedHeader))?;
            if form.client_id.as_ref().is_some_and(|own| *own != id) {
                return Err(GrantError::bad("invalid_request", "client_id differs between header and body.")
                    .because(Why::TwoClientIds));
            }
            (Some(id), Some(secret))
        }
    };
    let (Some(id), Some(secret)) = credentials else {
        return Err(GrantError::invalid_client(Why::NoCredentials));
    };
    let registry = app.store.registry();
    let client = registry.clients.get(id.as_str());
    let client = client.ok_or_else(|| GrantError::invalid_client(Why::UnknownClient))?;
    *seen = Some(Arc::clone(&client.id));
    if !app.keys.verify_client_secret(&client.id, &secret, &client.secret_hash) {
        return Err(GrantError::invalid_client(Why::WrongSecret));
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

fn error_reply(call: &Call, error: GrantError, seen: &mut Seen) -> Reply {
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
    let GrantError { code, description, refusal, .. } = error;
    seen.refused = Some(Refused { kind: code.to_owned(), message: description, refusal: *refusal });
    reply
}

/// Answers with tokens must not be kept by anything between (RFC 6749, section 5.1).
fn no_store(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    reply
}
