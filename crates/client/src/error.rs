//! What can go wrong, as types. No text here holds a secret or a token.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jackfield_model::wire::ErrorBody;
use serde::Deserialize;
use thiserror::Error;

/// Longest text taken over from a server, in characters.
const TEXT_CHARS: usize = 1_000;

/// Why a call did not succeed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The API answered with an error.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The login service gave no access token.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An answer came that is not one of this API.
    #[error("the answer cannot be understood: {reason}")]
    UnexpectedAnswer {
        /// What is wrong with it.
        reason: String,
        /// The request's id, where the answer bears one.
        request_id: Option<String>,
    },
    /// A source of tokens of one's own had none to give.
    #[error("no access token: {reason}")]
    NoToken {
        /// Why not.
        reason: String,
    },
}

/// An error answer of the API.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message} ({status}{space}{kind})", space = if kind.is_empty() { "" } else { " " })]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The `type` of the error body, for example `CONFLICT`; empty when the answer has no such body.
    pub kind: String,
    /// What went wrong, for people.
    pub message: String,
    /// The request's id (`X-Amzn-RequestId`), which the server's logs and change record bear too.
    pub request_id: Option<String>,
    /// How long the server asks to wait before another try.
    pub retry_after: Option<Duration>,
    /// Whether an earlier try of the same call was answered 503. That may have been stored, so a create that is a 409
    /// now, and a delete that is a 404, may have met themselves.
    pub after_unavailable: bool,
}

/// An error answer of the login service (RFC 6749, section 5.2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{description} ({status} {error})")]
pub struct LoginError {
    /// The HTTP status.
    pub status: u16,
    /// The error code, for example `invalid_client`.
    pub error: String,
    /// What went wrong, for people.
    pub description: String,
    /// The request's id.
    pub request_id: Option<String>,
    /// How long the server asks to wait before another try.
    pub retry_after: Option<Duration>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransportError {
    /// No connection: nothing was sent.
    #[error("no connection to {endpoint}: {cause}")]
    Connect {
        /// Scheme, host and port.
        endpoint: String,
        /// What is in the way.
        cause: String,
    },
    /// The answer took too long. A write may have been done or not.
    #[error("no answer from {endpoint} within {after:?}")]
    TimedOut {
        /// Scheme, host and port.
        endpoint: String,
        /// The time that was waited.
        after: Duration,
    },
    /// The connection broke before the answer was complete. A write may have been done or not.
    #[error("the connection to {endpoint} broke before the answer was complete: {cause}")]
    Lost {
        /// Scheme, host and port.
        endpoint: String,
        /// What happened.
        cause: String,
    },
}

impl Error {
    /// The id of the request that failed, where the answer bore one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Api(error) => error.request_id.as_deref(),
            Self::Login(error) => error.request_id.as_deref(),
            Self::UnexpectedAnswer { request_id, .. } => request_id.as_deref(),
            Self::Transport(_) | Self::NoToken { .. } => None,
        }
    }

    /// The HTTP status of an error answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(error) => Some(error.status),
            Self::Login(error) => Some(error.status),
            Self::Transport(_) | Self::UnexpectedAnswer { .. } | Self::NoToken { .. } => None,
        }
    }

    /// Whether a write that failed so may have been done all the same: ask before sending it again.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        match self {
            Self::Transport(error) => !error.nothing_was_sent(),
            Self::UnexpectedAnswer { .. } => true,
            // A 503 of this service may be about a write whose commit could not be settled.
            Self::Api(error) => {
                error.status >= 500 || error.after_unavailable && matches!(error.status, 404 | 409)
            }
            Self::Login(_) | Self::NoToken { .. } => false,
        }
    }
}

impl ApiError {
    /// Reads an error answer.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let (kind, message) = match serde_json::from_slice::<ErrorBody>(body) {
            Ok(error) => (printable(&error.kind), printable(&error.message)),
            Err(_) => (
                String::new(),
                format!(
                    "the server answered {}, without saying why",
                    status.canonical_reason().unwrap_or("with an unknown status")
                ),
            ),
        };
        Self {
            status: status.as_u16(),
            kind,
            message,
            request_id: request_id(headers),
            retry_after: retry_after(headers),
            after_unavailable: false,
        }
    }
}

impl LoginError {
    /// Reads an error answer of the login service.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            error: String,
            #[serde(default)]
            error_description: String,
            request_id: Option<String>,
        }
        let body = serde_json::from_slice::<Body>(body).ok();
        let in_body = body.as_ref().and_then(|body| body.request_id.as_deref()).map(printable);
        let (error, description) = match body {
            Some(body) if body.error_description.is_empty() => {
                (printable(&body.error), "the login service gave no token".to_owned())
            }
            Some(body) => (printable(&body.error), printable(&body.error_description)),
            None => (
                status.canonical_reason().unwrap_or("unknown status").to_owned(),
                "the login service gave no token, without saying why".to_owned(),
            ),
        };
        Self {
            status: status.as_u16(),
            error,
            description,
            request_id: request_id(headers).or(in_body),
            retry_after: retry_after(headers),
        }
    }
}

impl TransportError {
    /// Whether not a byte of the request left this machine.
    #[must_use]
    pub const fn nothing_was_sent(&self) -> bool {
        matches!(self, Self::Connect { .. })
    }
}

/// The id in an answer's header.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get("x-amzn-requestid").and_then(|value| value.to_str().ok()).map(printable)
}

/// The wait that an answer asks for. The form with a date is not read: this API sends seconds.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Scheme, host and port of a URL, for messages: paths and queries stay out of them.
pub(crate) fn origin(uri: &http::Uri) -> String {
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
        _ => "the endpoint".to_owned(),
    }
}

/// A server's text, bounded and without control characters: it may end up on a terminal.
fn printable(text: &str) -> String {
    text.chars().take(TEXT_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_text_is_bounded_and_cannot_steer_a_terminal() {
        let body = format!(r#"{{"type":"X\u001b[2J","message":"{}"}}"#, "é".repeat(TEXT_CHARS + 1));
        let error = ApiError::read(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes());
        assert_eq!(error.kind, "X [2J");
        assert_eq!(error.message.chars().count(), TEXT_CHARS);
    }

    #[test]
    fn an_answer_without_the_error_body_is_still_an_error() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().unwrap());
        headers.insert("x-amzn-requestid", "r-1".parse().unwrap());
        let error = ApiError::read(StatusCode::BAD_GATEWAY, &headers, b"<html>");
        assert_eq!(error.to_string(), "the server answered Bad Gateway, without saying why (502)");
        assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(error.request_id.as_deref(), Some("r-1"));
        headers.insert("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
    }
}
