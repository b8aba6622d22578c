//! Information about an access token: GET /auth/o2/tokeninfo and GET /user/profile.
//!
//! Both know the tokens of this service only. Errors have the form of the token endpoint.

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderName, StatusCode, header};
use jackfield_model::{ClientId, limit};
use jackfield_store::registry::Client;
use ring::hmac;
use schemars::JsonSchema;
use serde::Serialize;

use super::error::{GrantError, describe, error_reply, no_store};
use crate::auth::{self, Verified};
use crate::description::{Description, Status};
use crate::head;
use crate::request::{Call, RequestLog};
use crate::response::{self, Reply};
use crate::state::State;

/// Beside `Authorization`, where clients of the vendor put a token.
static TOKEN_HEADER: HeaderName = HeaderName::from_static("x-amz-access-token");
const ISSUER: &str = "https://www.amazon.com";
/// What [`user_id`] makes.
const USER_ID: &str = r"^amzn1\.account\.[A-Z2-7]{28}$";

pub(super) const TOKEN_DESCRIPTION: Description = describe("What is this access token?")
    .text(
        "Its client, its user and the seconds that it has left. The token stands in the query string or in the header \
         `x-amz-access-token`.",
    )
    .security(&["tokenHeader", ""])
    .query::<InfoQuery>()
    .successes(&[(200, "The token holds.")])
    .response::<TokenInfo<'static>>()
    .errors(ERRORS);

pub(super) const USER_DESCRIPTION: Description = describe("Whom does this access token stand for?")
    .text(
        "The id of the user, which is always the same for a client, and with the scope `profile` a name. The token stands \
         in `Authorization: Bearer`, in the header `x-amz-access-token` or in the query string.",
    )
    .security(&["accessToken", "tokenHeader", ""])
    .query::<InfoQuery>()
    .successes(&[(200, "The token holds.")])
    .response::<User>()
    .errors(ERRORS);

const ERRORS: &[Status] = &[
    (
        400,
        "`invalid_request`: no token, or more than one. `invalid_token`: it is unknown, expired or revoked.",
    ),
    (500, "`server_error`."),
    (503, "`temporarily_unavailable`."),
];

/// The query string of both.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
struct InfoQuery {
    /// The token, unless a header holds it.
    #[schemars(length(max = limit::BEARER_TOKEN_BYTES))]
    access_token: Option<String>,
}

/// What an access token is worth.
#[derive(Serialize, JsonSchema)]
pub(super) struct TokenInfo<'a> {
    /// Always the vendor's.
    iss: &'static str,
    /// The user that the token stands for. Always the same for a client.
    #[schemars(regex(pattern = USER_ID))]
    user_id: String,
    /// The client.
    #[schemars(with = "ClientId")]
    aud: &'a str,
    /// The vendor's other name of the client.
    app_id: String,
    /// Seconds left.
    exp: u64,
    /// Seconds since 1970.
    iat: u64,
}

/// The user that an access token stands for.
#[derive(Serialize, JsonSchema)]
pub(super) struct User {
    /// Always the same for a client.
    #[schemars(regex(pattern = USER_ID))]
    user_id: String,
    /// The organization's name; with the scope `profile`.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

pub(super) fn token(state: &State, call: &Call, log: &mut RequestLog) -> Reply {
    let found = presented(call, false).and_then(|token| verify(state, &token));
    match found {
        Ok(Verified { client, claims, now }) => {
            log.client = Some(Arc::clone(&client.id));
            no_store(response::json(
                StatusCode::OK,
                &TokenInfo {
                    iss: ISSUER,
                    user_id: user_id(state, &client),
                    aud: client.id.as_str(),
                    app_id: app_id(&client),
                    exp: claims.expires.saturating_sub(now),
                    iat: claims.issued,
                },
            ))
        }
        Err(error) => error_reply(call, error, log),
    }
}

pub(super) fn user(state: &State, call: &Call, log: &mut RequestLog) -> Reply {
    let found = presented(call, true).and_then(|token| verify(state, &token));
    match found {
        Ok(Verified { client, claims, .. }) => {
            log.client = Some(Arc::clone(&client.id));
            let registry = state.store.registry();
            // A name is what the scope `profile` is about.
            let may_see = claims.scopes.split(' ').any(|scope| scope == "profile");
            let organization = registry.organizations.get(&client.organization).filter(|_| may_see);
            let user = User {
                user_id: user_id(state, &client),
                name: organization.map(|organization| organization.name.clone()),
            };
            no_store(response::json(StatusCode::OK, &user))
        }
        Err(error) => error_reply(call, error, log),
    }
}

/// The token of the request, wherever it stands; in two places it must be the same.
fn presented(call: &Call, bearer: bool) -> Result<Cow<'_, str>, GrantError> {
    let invalid = |description: &str| GrantError::bad("invalid_request", description);
    let headers = &call.head.headers;
    let mut found: Vec<Cow<'_, str>> = Vec::new();
    let query = call.head.uri.query().unwrap_or_default();
    let parameters = form_urlencoded::parse(query.as_bytes());
    found.extend(parameters.filter(|(name, _)| name == "access_token").map(|(_, value)| value));
    for value in head::values(headers, &TOKEN_HEADER) {
        let text = value.to_str().map_err(|_| invalid("x-amz-access-token is no text."))?;
        found.push(Cow::Borrowed(text.trim_ascii()));
    }
    if bearer && head::values(headers, &header::AUTHORIZATION).next().is_some() {
        let token = auth::bearer_token(headers).map_err(|_| {
            invalid("The Authorization header is not \"Bearer\" followed by one access token.")
        })?;
        found.push(Cow::Borrowed(token));
    }
    found.retain(|token| !token.is_empty());
    let first = found.pop().ok_or_else(|| {
        invalid("access_token is missing; a query parameter or the header x-amz-access-token is expected.")
    })?;
    if found.iter().any(|other| *other != first) {
        return Err(invalid("The request has more than one access token."));
    }
    Ok(first)
}

fn verify(state: &State, token: &str) -> Result<Verified, GrantError> {
    auth::verify(state, &state.store.registry(), token).map_err(|why| {
        let refused = GrantError::bad("invalid_token", why.message());
        GrantError { refusal: Box::new(why.refusal()), ..refused }
    })
}

/// The user that a client's tokens stand for: always the same, another one for each client.
fn user_id(state: &State, client: &Client) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let said = [client.organization.as_str().as_bytes(), b"\0", client.id.as_str().as_bytes()].concat();
    let tag = hmac::sign(&state.keys().user, &said);
    let text: String =
        tag.as_ref().iter().take(28).map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    format!("amzn1.account.{text}")
}

/// The vendor's other name of a client.
fn app_id(client: &Client) -> String {
    let id = client.id.as_str();
    format!("amzn1.application.{}", id.strip_prefix(ClientId::PREFIX).unwrap_or(id))
}
