//! The only place where an outcome becomes a status code.
//!
//! An [`ApiError`] keeps what the client may read apart from what only the log may say. One exhaustive match gives the
//! status and type of each kind, another its entry in the journal; a new kind does not compile until it has both.

mod denied;
mod resource;

use http::{HeaderValue, StatusCode, header};
use jackfield_model::inspect::Refusal;
use jackfield_model::json::InvalidRequest;
use jackfield_model::wire::ErrorBody;
use jackfield_model::{RequestId, limit};
use jackfield_store::StoreError;

pub(crate) use denied::{Forbidden, Unauthorized, refusal, time_text};

use crate::fault_answer::FaultAnswer;
use crate::logs;
use crate::response::{self, Reply};

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The body, or a parameter, is wrong.
    BadRequest(String),
    /// The head of the request is too long.
    BadHead(String),
    /// The request does not say for which host it is, or says so twice.
    BadHost(&'static str),
    /// The body has a content encoding: this one.
    BadEncoding(&'static str),
    /// The caller is not authenticated, or has no access to this resource.
    Unauthorized(Unauthorized),
    /// The client's rate is used up.
    TooManyRequests {
        /// Whole seconds until it is worth trying again.
        retry_after: u64,
    },
    /// Too many logins failed: this one failed too, or could be a guess.
    TooManyGuesses {
        /// Whole seconds until it is worth trying again.
        retry_after: u64,
    },
    /// The caller is authenticated, but the operation is not allowed.
    Forbidden(Forbidden),
    /// No such path.
    NoSuchPath,
    /// No such service provider.
    NoSuchProvider,
    /// No such resource.
    NotFound(String),
    /// The path is known, the method is not.
    MethodNotAllowed {
        /// The `Allow` header.
        allow: String,
    },
    /// The resource exists already, or is in use.
    Conflict(String),
    /// A bug of the server or invalid data in the store.
    Internal {
        /// For the log only.
        cause: String,
    },
    /// An operator has turned maintenance mode on.
    Maintenance {
        /// Whole seconds until it is worth trying again.
        retry_after: u32,
    },
    /// Too many requests in flight.
    Overloaded,
    /// A fault rule asked for it.
    Fault(FaultAnswer),
    /// Something that is needed cannot be reached or written: the store.
    Unavailable {
        /// For the client.
        message: String,
        /// Whole seconds until it is worth trying again.
        retry_after: u32,
        /// For the log only.
        cause: Option<String>,
    },
    /// Nobody knows whether the change was stored: the answer of the store was lost.
    InDoubt {
        /// For the log only.
        cause: String,
    },
}

impl ApiError {
    /// The refusal to delete a communication profile that associations name.
    pub(crate) fn profile_in_use() -> Self {
        Self::Conflict(
            "The organization is strict about profiles and associations name this one; delete or update them first."
                .to_owned(),
        )
    }

    /// The refusal of a profile of a unit that is not there.
    pub(crate) fn no_such_unit() -> Self {
        Self::BadRequest(
            "entity.id is not a unit of the organization, which is strict about units; create the unit first."
                .to_owned(),
        )
    }

    /// The status and the `type` of the error body.
    pub(crate) fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest(_) | Self::BadHead(_) | Self::BadHost(_) | Self::BadEncoding(_) => {
                (StatusCode::BAD_REQUEST, "BAD_REQUEST")
            }
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            Self::NoSuchPath | Self::NoSuchProvider | Self::NotFound(_) => {
                (StatusCode::NOT_FOUND, "NOT_FOUND")
            }
            Self::MethodNotAllowed { .. } => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "CONFLICT"),
            Self::TooManyRequests { .. } | Self::TooManyGuesses { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS")
            }
            Self::Internal { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
            Self::Maintenance { .. } | Self::Overloaded | Self::Unavailable { .. } | Self::InDoubt { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE")
            }
            Self::Fault(answer) => answer.status(),
        }
    }

    /// What the client reads.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::BadRequest(message)
            | Self::BadHead(message)
            | Self::NotFound(message)
            | Self::Conflict(message)
            | Self::Unavailable { message, .. } => message.clone(),
            Self::BadHost(message) => (*message).to_owned(),
            Self::BadEncoding(name) => format!(
                "The body has the Content-Encoding {name}; it is expected as it is, without an encoding."
            ),
            Self::Unauthorized(why) => why.message().to_owned(),
            Self::Forbidden(why) => why.message(),
            Self::NoSuchPath => "There is nothing at this path.".to_owned(),
            Self::NoSuchProvider => "There is no such service provider.".to_owned(),
            Self::Maintenance { .. } => {
                "The service is down for maintenance; nothing was changed.".to_owned()
            }
            Self::Overloaded => "The service is overloaded; nothing was changed.".to_owned(),
            Self::Fault(answer) => answer.message(),
            Self::MethodNotAllowed { allow } => {
                format!("The method is not allowed on this path; {allow} is.")
            }
            Self::TooManyRequests { retry_after } => {
                format!("The client's rate is used up; try again in {retry_after} s.")
            }
            Self::InDoubt { .. } => {
                "It is not known whether the change was stored. Query what it was about after Retry-After seconds, and \
                 repeat it only where the query does not show it: a repeated create may be a 409 because of itself."
                    .to_owned()
            }
            Self::TooManyGuesses { retry_after } => {
                format!("Too many logins failed recently; try again in {retry_after} s.")
            }
            Self::Internal { .. } => {
                "The server failed; the request id leads to the details in its log.".to_owned()
            }
        }
    }

    /// What the journal says.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::BadRequest(_) => refusal("body", "invalid"),
            Self::BadHead(_) => refusal("head", "too_long"),
            Self::BadHost(_) => refusal("head", "bad_host"),
            Self::BadEncoding(_) => refusal("body", "encoded"),
            Self::Unauthorized(why) => why.refusal(),
            Self::TooManyRequests { .. } => refusal("rate", "used_up"),
            Self::TooManyGuesses { .. } => refusal("guessing", "too_many_failures"),
            Self::Forbidden(why) => why.refusal(),
            Self::NoSuchPath => refusal("route", "unknown_path"),
            Self::MethodNotAllowed { .. } => refusal("route", "wrong_method"),
            Self::NoSuchProvider => refusal("provider", "unknown_provider"),
            Self::NotFound(_) => refusal("state", "not_found"),
            Self::Conflict(_) => refusal("state", "conflict"),
            Self::Internal { .. } => refusal("internal", "failed"),
            Self::Maintenance { .. } => refusal("maintenance", "on"),
            Self::Overloaded => refusal("admission", "too_many_in_flight"),
            Self::Fault(_) => refusal("fault", "status"),
            Self::Unavailable { .. } => refusal("store", "unavailable"),
            Self::InDoubt { .. } => refusal("store", "in_doubt"),
        }
    }

    /// What only the log may say.
    pub(crate) fn cause(&self) -> Option<&str> {
        match self {
            Self::Internal { cause } | Self::InDoubt { cause } => Some(cause),
            Self::Unavailable { cause, .. } => cause.as_deref(),
            _ => None,
        }
    }

    /// The headers that belong to this kind of error.
    pub(crate) fn decorate(&self, response: &mut Reply) {
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
            Self::TooManyRequests { retry_after } | Self::TooManyGuesses { retry_after } => {
                insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            Self::Overloaded => {
                insert(header::RETRY_AFTER, HeaderValue::from(1));
            }
            Self::InDoubt { .. } => {
                insert(header::RETRY_AFTER, HeaderValue::from(limit::IN_DOUBT_SECONDS));
            }
            Self::Fault(answer) => answer.headers().into_iter().for_each(|(name, value)| {
                insert(name, value);
            }),
            Self::Maintenance { retry_after } | Self::Unavailable { retry_after, .. } => {
                insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            _ => {}
        }
    }

    /// Whether the refusal follows from accounts that another node may have changed a moment ago.
    pub(crate) const fn may_be_outdated(&self) -> bool {
        match self {
            Self::NoSuchProvider | Self::Forbidden(Forbidden::AddOn | Forbidden::Availability(..)) => true,
            Self::Unauthorized(why) => matches!(
                why,
                Unauthorized::ClientGone
                    | Unauthorized::Disabled
                    | Unauthorized::Revoked
                    | Unauthorized::UnknownClient
                    | Unauthorized::UnknownKey
                    | Unauthorized::OtherOrganization
            ),
            _ => false,
        }
    }

    /// Whether the token may be another issuer's.
    pub(crate) const fn may_be_anothers(&self) -> bool {
        matches!(self, Self::Unauthorized(Unauthorized::UnknownKey))
    }

    /// Logs the cause of a refusal that impairs the service. `operation` is the name of the requested operation.
    pub(crate) fn log(&self, request_id: RequestId, operation: &str) {
        match (self, self.cause()) {
            (Self::Internal { .. }, Some(cause)) => {
                tracing::error!(%request_id, operation, cause, "request failed");
            }
            (_, Some(cause)) => logs::refused(request_id, operation, cause),
            (_, None) => {}
        }
    }

    /// The status and the body.
    pub(crate) fn body(&self) -> (StatusCode, ErrorBody) {
        let (status, kind) = self.status();
        (status, ErrorBody { kind: kind.to_owned(), message: self.message() })
    }

    /// The answer.
    pub(crate) fn into_response(self) -> Reply {
        let (status, body) = self.body();
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
            StoreError::InDoubt { cause } => Self::InDoubt { cause },
            StoreError::Corrupt { cause } => Self::Internal { cause },
        }
    }
}
