//! The only place where an outcome becomes a status code.
//!
//! An [`ApiError`] keeps what the client may read apart from what only the log may say. One exhaustive match
//! gives the status and type of each kind, another what the journal says of it; a new kind does not compile until it
//! has both.

use http::{HeaderValue, StatusCode, header};
use jackfield_model::admin::Role;
use jackfield_model::inspect::Refusal;
use jackfield_model::json::InvalidRequest;
use jackfield_model::wire::ErrorBody;
use jackfield_model::{Country, RequestId, Vertical, limit};
use jackfield_store::StoreError;

use crate::fault_answer::FaultAnswer;
use crate::group::Group;
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
    /// Who asks is not known, or may not touch this resource.
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
    /// Who asks is known; the operation is not allowed.
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
    /// The resource is there already, or in use.
    Conflict(String),
    /// A bug of ours or a store that holds nonsense.
    Internal {
        /// For the log only.
        cause: String,
    },
    /// An operator has turned maintenance mode on.
    Maintenance {
        /// Whole seconds until it is worth trying again.
        retry_after: u32,
    },
    /// More requests in flight than there may be.
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

/// Which part of the authentication failed (RFC 6750, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    /// No `Authorization` header.
    Missing,
    /// A header that is not `Bearer <token>`.
    NotBearer,
    /// A refresh token, which is for the token endpoint only.
    RefreshToken,
    /// A text that is no access token at all.
    Malformed,
    /// What looks like a token that this service did not issue, or was changed.
    Unknown,
    /// What looks like a token of a key that this node has not heard of.
    UnknownKey,
    /// A token past its time.
    Expired {
        /// When that was, by the token clock, in seconds since 1970.
        at: u64,
    },
    /// A token that was revoked.
    Revoked,
    /// A token whose client is disabled.
    Disabled,
    /// A token whose client is gone.
    ClientGone,
    /// A good token of another issuer, for a client that is not registered here.
    UnknownClient,
    /// A service provider of another organization.
    OtherOrganization,
    /// A communication profile of another organization.
    OtherProfile,
    /// A unit of another organization.
    OtherUnit,
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
            Self::Malformed | Self::Unknown | Self::UnknownKey => "The access token is not valid.",
            Self::Expired { .. } => "The access token has expired.",
            Self::Revoked | Self::Disabled | Self::ClientGone => "The access token was revoked.",
            Self::UnknownClient => {
                "The access token belongs to a client that is not registered here, or is disabled."
            }
            Self::OtherOrganization => "You don't have access to this service provider.",
            Self::OtherProfile => "You don't have access to this communication profile.",
            Self::OtherUnit => "You don't have access to this unit.",
        }
    }

    /// RFC 6750: a request without authentication gets no error code. Nor does one for what is another
    /// organization's: its token is valid, and a client that renews tokens on `invalid_token` would do so in vain.
    fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Missing
            | Self::NotBearer
            | Self::OtherOrganization
            | Self::OtherProfile
            | Self::OtherUnit => "Bearer realm=\"jackfield\"",
            Self::RefreshToken => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"a refresh token is no access token\""
            }
            Self::Malformed | Self::Unknown | Self::UnknownKey | Self::UnknownClient => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"the access token is not valid\""
            }
            Self::Expired { .. } => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"the access token expired\""
            }
            Self::Revoked | Self::Disabled | Self::ClientGone => {
                "Bearer realm=\"jackfield\", error=\"invalid_token\", error_description=\"the access token was revoked\""
            }
        })
    }

    /// What the journal says.
    pub(crate) fn refusal(self) -> Refusal {
        let refused = |reason: &str| refusal("authentication", reason);
        match self {
            Self::Missing => refused("no_token"),
            Self::NotBearer => refused("not_bearer"),
            Self::RefreshToken => refused("refresh_token"),
            Self::Malformed => refused("malformed"),
            Self::Unknown | Self::UnknownKey => refused("not_issued_here"),
            Self::Expired { at } => Refusal { expired_at: Some(time_text(at)), ..refused("expired") },
            Self::Revoked => refused("revoked"),
            Self::Disabled => refused("client_disabled"),
            Self::ClientGone => refused("client_gone"),
            Self::UnknownClient => refused("client_not_registered"),
            Self::OtherOrganization | Self::OtherProfile | Self::OtherUnit => {
                refusal("ownership", "other_organization")
            }
        }
    }
}

/// Why who is known may not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Forbidden {
    /// The access token lacks a scope of the operation.
    Scope {
        /// The operations, which have scopes of which one is enough.
        group: Group,
        /// The scopes that it has.
        granted: Vec<String>,
    },
    /// The organization has no WebRTC add-on.
    AddOn,
    /// The operations are not available to such organizations.
    Availability(Group, Vertical, Country),
    /// The server was not told that it may be reset.
    Reset,
    /// The admin token's role is too low.
    Role {
        /// Its role.
        has: Role,
        /// The least that would do.
        needed: Role,
    },
    /// The admin listener is not known under the name that the request is for.
    Host,
    /// A page of another site sent the request.
    Origin,
    /// The organization has as many objects of a kind as it may.
    Quota {
        /// The kind, in the plural, for the client.
        of: &'static str,
        /// How many it may have.
        most: u32,
    },
}

impl Forbidden {
    fn message(&self) -> String {
        match self {
            Self::Scope { group, .. } => {
                format!("The access token lacks the scope {}.", group.scopes().join(" or "))
            }
            Self::AddOn => "The organization does not have the WebRTC add-on.".to_owned(),
            Self::Availability(Group::Associations, vertical, country) => {
                format!("Account association is not available to {vertical} in {country}.")
            }
            Self::Availability(Group::Profiles, vertical, country) => {
                format!("Communication profiles are not available to {vertical} in {country}.")
            }
            Self::Host => {
                "The admin listener does not answer to the name in the Host header; start the server with \
                           --admin-host NAME to let it."
                    .to_owned()
            }
            Self::Origin => {
                "A page of another site may not change anything here; the Origin header names it. Start the \
                             server with --admin-host NAME to let it."
                    .to_owned()
            }
            Self::Role { has, needed } => {
                format!("The admin token has the role {has}; this takes the role {needed}.")
            }
            Self::Reset => "This server may not be reset; it was started without --allow-reset.".to_owned(),
            Self::Quota { of, most } => {
                format!("The organization may have at most {most} {of}; an operator can change this quota.")
            }
        }
    }

    fn refusal(&self) -> Refusal {
        match self {
            Self::Scope { group, granted } => Refusal {
                missing_scopes: group.scopes().iter().map(|scope| (*scope).to_owned()).collect(),
                granted_scopes: Some(granted.clone()),
                ..refusal("scope", "missing_scope")
            },
            Self::AddOn => refusal("add_on", "webrtc_off"),
            Self::Availability(..) => refusal("availability", "not_available"),
            Self::Reset => refusal("reset", "not_allowed"),
            Self::Role { .. } => refusal("role", "too_low"),
            Self::Host => refusal("host", "unknown_name"),
            Self::Origin => refusal("host", "other_site"),
            Self::Quota { .. } => refusal("quota", "reached"),
        }
    }
}

/// What the journal says: the check that failed, and what it found.
pub(crate) fn refusal(check: &str, reason: &str) -> Refusal {
    Refusal { check: check.to_owned(), reason: reason.to_owned(), ..Refusal::default() }
}

/// A time of the token clock as text.
pub(crate) fn time_text(seconds: u64) -> String {
    // Later than the year 9999 there is no such form.
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds.min(253_402_300_799));
    humantime::format_rfc3339_seconds(time).to_string()
}

impl ApiError {
    /// The refusal to delete a communication profile that associations name.
    pub(crate) fn profile_in_use() -> Self {
        Self::Conflict(
            "The organization is strict about profiles and associations name this one; delete or update them first."
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
                format!("Too many logins failed of late; try again in {retry_after} s.")
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

    /// Writes to the log what is in the way of the service, where something is. `operation` is the name of what was asked.
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
