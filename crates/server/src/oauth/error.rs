//! Errors of the token endpoint, in the form of RFC 6749 (section 5.2).

use http::{HeaderValue, StatusCode, header};
use jackfield_model::inspect::Refusal;
use jackfield_model::{RequestId, ScopeSet};
use jackfield_store::StoreError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::description::{Content, Description, Tag};
use crate::error::{ApiError, refusal};
use crate::request::{Call, Refused, RequestLog};
use crate::response::{self, Reply};

/// The description of an operation whose errors are those of RFC 6749.
pub(super) const fn describe(summary: &'static str) -> Description {
    Description {
        error_contents: |_| vec![Content::json::<GrantErrorBody<'static>>()],
        ..Description::new(Tag::Login, summary)
    }
}

/// An error of RFC 6749: status, code and a description for people.
#[derive(Debug)]
pub(super) struct GrantError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) description: String,
    /// For the journal.
    pub(super) refusal: Box<Refusal>,
}

/// The causes that the journal distinguishes while the client gets one error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Id or secret is missing.
    NoCredentials,
    /// An `Authorization` header that is not HTTP Basic with id and secret.
    MalformedHeader,
    UnknownClient,
    WrongSecret,
    /// The same, where undoing the encoding of HTTP Basic changed it: the client may have sent it as it is.
    WrongSecretAfterDecoding,
    ClientDisabled,
    /// In the header and in the body.
    TwoAuthentications,
    TwoClientIds,
    /// Parameters in the query string, without leniency.
    QueryParameters,
    /// An access token where a refresh token should be.
    AccessToken,
    UnknownRefreshToken,
    OthersRefreshToken,
    /// One that was used before by a client without a secret.
    ReplacedRefreshToken,
    TooManyRefreshTokens,
    /// Not of this service, or another client's.
    UnknownCode,
    ExpiredCode,
    RevokedCode,
    SpentCode,
    OtherRedirectUri,
    WrongVerifier,
}

impl Why {
    const fn reason(self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::MalformedHeader => "malformed_header",
            Self::UnknownClient => "unknown_client",
            Self::WrongSecret => "wrong_secret",
            Self::WrongSecretAfterDecoding => "wrong_secret_after_decoding",
            Self::ClientDisabled => "client_disabled",
            Self::TwoAuthentications => "two_authentications",
            Self::TwoClientIds => "two_client_ids",
            Self::QueryParameters => "query_parameters",
            Self::AccessToken => "access_token",
            Self::UnknownRefreshToken => "unknown_refresh_token",
            Self::OthersRefreshToken => "refresh_token_of_another_client",
            Self::ReplacedRefreshToken => "replaced_refresh_token",
            Self::TooManyRefreshTokens => "too_many_refresh_tokens",
            Self::UnknownCode => "unknown_code",
            Self::ExpiredCode => "expired_code",
            Self::RevokedCode => "revoked_code",
            Self::SpentCode => "spent_code",
            Self::OtherRedirectUri => "other_redirect_uri",
            Self::WrongVerifier => "wrong_code_verifier",
        }
    }
}

/// The body of an error of RFC 6749 (section 5.2).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GrantError")]
pub(super) struct GrantErrorBody<'a> {
    /// The kind of error, for programs.
    #[schemars(extend("enum" = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_token",
        "server_error",
        "temporarily_unavailable",
    ]))]
    error: &'a str,
    /// What went wrong and what would be right, for people.
    error_description: &'a str,
    /// The id of the request.
    request_id: RequestId,
}

impl GrantError {
    pub(super) fn bad(code: &'static str, description: impl Into<String>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self { status, code, description: description.into(), refusal: Box::new(refusal("grant", code)) }
    }

    /// The client gets the same error whatever was wrong; `why` is for the journal.
    pub(super) fn invalid_client(why: Why) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "invalid_client",
            description: "The client id or the client secret is not valid.".to_owned(),
            refusal: Box::new(refusal("authentication", why.reason())),
        }
    }

    /// The same with more for the journal.
    pub(super) fn because(mut self, why: Why) -> Self {
        why.reason().clone_into(&mut self.refusal.reason);
        self
    }

    /// A refusal because of scopes.
    pub(super) fn of_scopes(self, missing_scopes: Vec<String>, granted: &ScopeSet) -> Self {
        let granted_scopes = Some(granted.iter().map(ToString::to_string).collect());
        let refusal = Refusal { missing_scopes, granted_scopes, ..refusal("scope", self.code) };
        Self { refusal: Box::new(refusal), ..self }
    }
}

/// What keeps a token from being given: the grant itself, or the state of the server.
#[derive(Debug)]
pub(super) enum Failure {
    Grant(GrantError),
    Server(ApiError),
}

impl From<GrantError> for Failure {
    fn from(error: GrantError) -> Self {
        Self::Grant(error)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Server(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Server(error.into())
    }
}

/// The answer of this service to a refusal that is not about the request: overload, an oversized body.
pub(super) fn refuse(call: &Call, error: &ApiError, log: &mut RequestLog) -> Reply {
    error.log(call.request_id, "login");
    let (status, _) = error.status();
    let code = match status {
        StatusCode::UNAUTHORIZED => "invalid_client",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "temporarily_unavailable",
        status if status.is_client_error() => "invalid_request",
        _ => "server_error",
    };
    let refused =
        GrantError { status, code, description: error.message(), refusal: Box::new(error.refusal()) };
    log.guesses = matches!(error, ApiError::TooManyGuesses { .. });
    let mut reply = error_reply(call, refused, log);
    error.decorate(&mut reply);
    reply
}

/// The answer with an error.
pub(super) fn error_reply(call: &Call, error: GrantError, log: &mut RequestLog) -> Reply {
    let body = GrantErrorBody {
        error: error.code,
        error_description: &error.description,
        request_id: call.request_id,
    };
    let mut reply = no_store(response::json(error.status, &body));
    if error.status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"jackfield\"");
        reply.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    let GrantError { code, description, refusal, .. } = error;
    log.refused = Some(Refused { kind: code.to_owned(), message: description, refusal: *refusal });
    reply
}

/// Answers with tokens must not be kept by anything between (RFC 6749, section 5.1).
pub(super) fn no_store(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    reply
}
