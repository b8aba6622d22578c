//! Authenticates the client of a token request: by HTTP Basic or by the parameters of the request, never by both.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, header};
use jackfield_model::{ClientId, limit};
use jackfield_store::registry::Client;

use super::error::{Failure, GrantError, Why};
use super::form::{self, Form};
use crate::error::ApiError;
use crate::head;
use crate::request::Call;
use crate::state::State;
use crate::throttle::guess::{Attempt, Guess};

/// Id and secret of an HTTP Basic header, each form-encoded before they were joined (RFC 6749, section 2.3.1).
struct Basic {
    id: String,
    secret: String,
    /// Whether the secret that was sent is another text than what it decodes to.
    decoding_changed: bool,
}

/// A client that asks for a token.
pub(super) struct Asking {
    pub(super) client: Arc<Client>,
    /// Whether it showed its secret. A public client may do without, for some grants.
    pub(super) proven: bool,
}

/// The client that a token request says it is from, true or not.
pub(super) fn presented_client(call: &Call, body: &[u8]) -> Option<String> {
    match head::single(&call.head.headers, &header::AUTHORIZATION) {
        Ok(Some(value)) => basic(value).map(|basic| basic.id),
        Ok(None) => Form::parse(call.head.uri.query(), body).ok().and_then(|form| form.client_id),
        Err(head::Repeated) => None,
    }
}

/// The client of the request, by HTTP Basic or by the parameters, never by both (RFC 6749, section 2.3.1). `seen` is
/// set when there is such a client, whether it is who it says or not.
pub(super) fn authenticate(
    state: &State,
    call: &Call,
    form: &Form,
    log: &mut Option<Arc<ClientId>>,
) -> Result<Asking, Failure> {
    let twice = |description: &str, why| GrantError::bad("invalid_request", description).because(why);
    let header = head::single(&call.head.headers, &header::AUTHORIZATION).map_err(|head::Repeated| {
        twice("The request has more than one Authorization header.", Why::TwoAuthentications)
    })?;
    let (id, secret, wrong) = match header {
        None => (form.client_id.clone(), form.client_secret.clone(), Why::WrongSecret),
        Some(_) if form.client_secret.is_some() => {
            let description =
                "The client authenticates in the header and in the body; one of them is enough.";
            return Err(twice(description, Why::TwoAuthentications).into());
        }
        Some(value) => {
            let Basic { id, secret, decoding_changed } =
                basic(value).ok_or_else(|| GrantError::invalid_client(Why::MalformedHeader))?;
            if form.client_id.as_ref().is_some_and(|other| *other != id) {
                return Err(twice("client_id differs between header and body.", Why::TwoClientIds).into());
            }
            let wrong = if decoding_changed { Why::WrongSecretAfterDecoding } else { Why::WrongSecret };
            (Some(id), Some(secret), wrong)
        }
    };
    let id = id.ok_or_else(|| GrantError::invalid_client(Why::NoCredentials))?;
    let attempt = Attempt { at: Guess::ClientSecret, of: id.as_str(), from: call.peer.origin() };
    let registry = state.store.registry();
    let client = registry.clients.get(id.as_str());
    let client = client.ok_or_else(|| {
        guessed(state, Attempt { of: "", ..attempt }, GrantError::invalid_client(Why::UnknownClient))
    })?;
    *log = Some(Arc::clone(&client.id));
    let proven = match &secret {
        Some(secret) if state.keys().verify_client_secret(&client.id, secret, &client.secret_hash) => {
            check_right(state, attempt, secret)?;
            true
        }
        Some(_) => return Err(guessed(state, attempt, GrantError::invalid_client(wrong))),
        None if client.public => false,
        None => return Err(GrantError::invalid_client(Why::NoCredentials).into()),
    };
    Ok(Asking { client: Arc::clone(client), proven })
}

fn basic(value: &HeaderValue) -> Option<Basic> {
    let (scheme, encoded) = value.to_str().ok()?.trim_ascii().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim_ascii()).ok()?).ok()?;
    let (id, sent) = decoded.split_once(':')?;
    let secret = form::decode(sent);
    let decoding_changed = secret != sent;
    Some(Basic { id: form::decode(id), secret, decoding_changed })
}

/// The refusal of a possible guess: a 429 when there were too many.
pub(super) fn guessed(state: &State, attempt: Attempt<'_>, refused: impl Into<Failure>) -> Failure {
    match state.limits.guesses.failed(attempt) {
        Some(retry_after) => ApiError::TooManyGuesses { retry_after }.into(),
        None => refused.into(),
    }
}

/// Whether a correct secret is accepted now. A short one is not, while failures are over the limit.
pub(super) fn check_right(state: &State, attempt: Attempt<'_>, secret: &str) -> Result<(), ApiError> {
    if secret.len() < limit::STRONG_SECRET_BYTES
        && let Some(retry_after) = state.limits.guesses.wait(attempt)
    {
        return Err(ApiError::TooManyGuesses { retry_after });
    }
    state.limits.guesses.succeeded(attempt);
    Ok(())
}
