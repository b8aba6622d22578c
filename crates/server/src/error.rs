//! The only place where an outcome becomes a status code.
//!
//! An [`ApiError`] keeps what the client may read apart from what only the log may say. One exhaustive match
//! gives the status and type of each kind; a new kind does not compile until it has both.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use jackfield_model::json::InvalidRequest;
use jackfield_model::wire::ErrorBody;
use jackfield_store::StoreError;

use crate::response;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The request itself is wrong.
    BadRequest(String),
    /// Who asks is not known, or may not touch this resource.
    Unauthorized(Unauthorized),
    /// The client's rate is used up.
    TooManyRequests {
        /// Whole seconds until it is worth trying again.
        retry_after: u64,
    },
    /// Who asks is known; the operation is not allowed.
    Forbidden(String),
    /// No such resource.
    NotFound(String),
    /// The path is known, the method is not.
    MethodNotAllowed {
        /// The `Allow` header.
        allow: String,
    },
    /// The resource is there already, or in use.
    Conflict(String),
    /// A bug of ours or a store that holds nonsense.
    Internal {
        /// For the log only.
        cause: String,
    },
    /// Maintenance, overload, or a store that cannot be reached or written.
    Unavailable {
        /// For the client.
        message: String,
        /// Whole seconds until it is worth trying again.
        retry_after: u32,
        /// For the log only.
        cause: Option<String>,
    },
}

/// Which part of the authentication failed (RFC 6750, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    /// No `Authorization` header.
    Missing,
    /// A header that is not `Bearer <token>`.
    NotBearer,
    /// A refresh token, which is for the token endpoint only.
    RefreshToken,
    /// A token that this service did not issue.
    Unknown,
    /// A token past its time.
    Expired,
    /// A token that was revoked, or whose client is gone or disabled.
    Revoked,
    /// A good token of another issuer, for a client that is not registered here.
    UnknownClient,
    /// A service provider of another organization.
    OtherOrganization,
}

impl Unauthorized {
    /// What the client reads.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Missing => {
                "The request has no Authorization header; \"Bearer\" and an access token are expected."
            }
            Self::NotBearer => "The Authorization header is not \"Bearer\" followed by one access token.",
            Self::RefreshToken => {
                "The token is a refresh token; exchange it for an access token at /auth/o2/token first."
            }
            Self::Unknown => "The access token is not valid.",
            Self::Expired => "The access token has expired.",
            Self::Revoked => "The access token was revoked.",
            Self::UnknownClient => {
                "The access token belongs to a client that is not registered here, or is disabled."
            }
            Self::OtherOrganization => "You don't have access to this service provider.",
        }
    }

    /// RFC 6750: a request without authentication gets no error code. Nor does one for another organization's
    /// provider: its token is valid, and a client that renews tokens on `invalid_token` would do so in vain.
    fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Missing | Self::NotBearer | Self::OtherOrganization => "Bearer realm=\"jackfield\"",
            Self::RefreshToken => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"a refresh token is no access token\""
            }
            Self::Unknown | Self::UnknownClient => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"the access token is not valid\""
            }
            Self::Expired => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"the access token expired\""
            }
            Self::Revoked => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"the access token was revoked\""
            }
        })
    }
}

impl ApiError {
    /// The status and the `type` of the error body.
    pub(crate) const fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "BAD_REQUEST"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "CONFLICT"),
            Self::TooManyRequests { .. } => (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS"),
            Self::Internal { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
            Self::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
        }
    }

    /// What the client reads.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::BadRequest(message)
            | Self::Forbidden(message)
            | Self::NotFound(message)
            | Self::Conflict(message)
            | Self::Unavailable { message, .. } => message.clone(),
            Self::Unauthorized(why) => why.message().to_owned(),
            Self::MethodNotAllowed { allow } => {
                format!("The method is not allowed on this path; {allow} is.")
            }
            Self::TooManyRequests { retry_after } => {
                format!("The client's rate is used up; try again in {retry_after} s.")
            }
            Self::Internal { .. } => {
                "The server failed; the request id leads to the details in its log.".to_owned()
            }
        }
    }

    /// What only the log may say.
    pub(crate) fn cause(&self) -> Option<&str> {
        match self {
            Self::Internal { cause } => Some(cause),
            Self::Unavailable { cause, .. } => cause.as_deref(),
            _ => None,
        }
    }

    /// The headers that belong to this kind of error.
    pub(crate) fn decorate(&self, response: &mut Response<Full<Bytes>>) {
        let mut insert = |name, value| response.headers_mut().insert(name, value);
        match self {
            Self::Unauthorized(why) => {
                insert(header::WWW_AUTHENTICATE, why.challenge());
            }
            Self::MethodNotAllowed { allow } => {
                if let Ok(value) = HeaderValue::from_str(allow) {
                    insert(header::ALLOW, value);
                }
            }
            Self::TooManyRequests { retry_after } => {
                insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            Self::Unavailable { retry_after, .. } => {
                insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            _ => {}
        }
    }

    /// The answer.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let (status, kind) = self.status();
        let body = ErrorBody { kind: kind.to_owned(), message: self.message() };
        let mut response = response::json(status, &body);
        self.decorate(&mut response);
        response
    }
}

impl From<InvalidRequest> for ApiError {
    fn from(error: InvalidRequest) -> Self {
        Self::BadRequest(error.0)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { cause } => Self::Unavailable {
                message: "The directory cannot be reached or written at the moment; nothing was changed."
                    .to_owned(),
                retry_after: 1,
                cause: Some(cause),
            },
            StoreError::Corrupt { cause } => Self::Internal { cause },
        }
    }
}
