//! Login with Amazon: the token endpoint POST /auth/o2/token, and beside it the consent page and what tells of a token.
//!
//! Errors have the form of RFC 6749 (section 5.2), not that of the API. The body is read as a form whatever its
//! `Content-Type` says, because published clients send it wrong, and the query string beside it.

mod consent;
mod credentials;
mod form;
pub(crate) mod grant;
mod info;
mod page;
pub(crate) mod person;
mod seal;

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use jackfield_model::admin::{Secret, Token};
use jackfield_model::inspect::Refusal;
use jackfield_model::note::Note;
use jackfield_model::{RequestId, Scope, ScopeSet, limit};
use jackfield_store::StoreError;
use jackfield_store::registry::{Client, RefreshTokenId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::{App, Call, Seen};
use crate::auth::access_token::Issue;
use crate::auth::guess::Attempt;
use crate::error::{ApiError, refusal};
use crate::journal::Refused;
use crate::logs;
use crate::response::{self, Reply};
use crate::router::{LoginOperation, Operation};
pub(crate) use consent::ConsentForm;
pub(crate) use credentials::presented_client;
use form::Form;
pub(crate) use form::Form as TokenRequest;
pub(crate) use info::{TokenInfo, User};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
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
    /// Parameters in the query string, where nobody is kind.
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
pub(crate) struct GrantErrorBody<'a> {
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

/// What keeps a token from being given: the grant itself, or the state of the server.
#[derive(Debug)]
enum Failure {
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

/// A client that asks for a token.
struct Asking {
    client: Arc<Client>,
    /// Whether it showed its secret. A public client may do without, for some grants.
    proven: bool,
}

/// Answers a token request. What is known of the client, and why it is refused, is seen by log and journal.
pub(crate) async fn token(app: &App, call: &Call, body: &[u8], seen: &mut Seen) -> Reply {
    match grant(app, call, body, seen).await {
        Ok(token) => no_store(response::json(StatusCode::OK, &token)),
        Err(Failure::Grant(error)) => error_reply(call, error, seen),
        Err(Failure::Server(error)) => {
            if let ApiError::InDoubt { .. } = error {
                app.metrics.in_doubt();
            }
            refuse(call, &error, seen)
        }
    }
}

/// Answers one of the other requests of the login service.
pub(crate) async fn run(
    app: &App,
    operation: LoginOperation,
    call: &Call,
    body: &[u8],
    seen: &mut Seen,
) -> Reply {
    match operation {
        LoginOperation::TokenInfo => info::token(app, call, seen),
        LoginOperation::UserProfile => info::user(app, call, seen),
        LoginOperation::ConsentPage => consent::show(app, call, seen),
        LoginOperation::ConsentDecision => consent::decide(app, call, body, seen).await,
    }
}

/// The answer of this service to a refusal that is not about the request: overload, an oversized body.
pub(crate) fn refuse(call: &Call, error: &ApiError, seen: &mut Seen) -> Reply {
    match (error, error.cause()) {
        (ApiError::Internal { .. }, Some(cause)) => {
            tracing::error!(request_id = %call.request_id, operation = "login", cause, "request failed");
        }
        (_, Some(cause)) => logs::refused(call.request_id, "login", cause),
        (_, None) => {}
    }
    let (status, _) = error.status();
    let code = match status {
        StatusCode::UNAUTHORIZED => "invalid_client",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => "temporarily_unavailable",
        status if status.is_client_error() => "invalid_request",
        _ => "server_error",
    };
    let refused =
        GrantError { status, code, description: error.message(), refusal: Box::new(error.refusal()) };
    seen.guesses = matches!(error, ApiError::TooManyGuesses { .. });
    let mut reply = error_reply(call, refused, seen);
    error.decorate(&mut reply);
    reply
}

/// The same for one of the other requests.
pub(crate) fn refuse_other(
    operation: LoginOperation,
    call: &Call,
    error: &ApiError,
    seen: &mut Seen,
) -> Reply {
    match operation {
        LoginOperation::TokenInfo | LoginOperation::UserProfile => refuse(call, error, seen),
        LoginOperation::ConsentPage | LoginOperation::ConsentDecision => consent::refuse(error, seen),
    }
}

/// The refusal of a method that a path does not have: where the path is one of Login with Amazon, in its form.
pub(crate) fn wrong_method(
    at: Operation,
    call: &Call,
    allow: String,
    seen: &mut Seen,
) -> Result<Reply, ApiError> {
    let error = ApiError::MethodNotAllowed { allow };
    match at {
        Operation::Token | Operation::Login(_) => Ok(refuse(call, &error, seen)),
        _ => Err(error),
    }
}

/// A refusal before the operation began, in the form of the operation, where one is known.
pub(crate) fn refuse_as(
    operation: Option<Operation>,
    call: &Call,
    error: ApiError,
    seen: &mut Seen,
) -> Result<Reply, ApiError> {
    match operation {
        Some(Operation::Token) => Ok(refuse(call, &error, seen)),
        Some(Operation::Login(operation)) => Ok(refuse_other(operation, call, &error, seen)),
        _ => Err(error),
    }
}

async fn grant(app: &App, call: &Call, body: &[u8], seen: &mut Seen) -> Result<Token, Failure> {
    const GRANTS: &str = "client_credentials, refresh_token or authorization_code";
    let form = Form::parse(call.head.uri.query(), body)?;
    let Some(grant_type) = form.grant_type.as_deref() else {
        let description = format!("grant_type is missing; {GRANTS} is expected.");
        return Err(GrantError::bad("invalid_request", description).into());
    };
    if !matches!(grant_type, "client_credentials" | "refresh_token" | "authorization_code") {
        let description = format!("grant_type must be {GRANTS}.");
        return Err(GrantError::bad("unsupported_grant_type", description).into());
    }
    if form.in_query {
        allow_query_parameters(app.lenient)?;
        seen.notes.add(Note::QueryParameters);
    }
    let asking = credentials::authenticate(app, call, &form, &mut seen.client)?;
    if form.in_query {
        let registry = app.store.registry();
        let organization = registry.organizations.get(&asking.client.organization);
        allow_query_parameters(organization.is_none_or(|own| own.lenient))?;
    }
    if !asking.client.enabled {
        let refused = GrantError::bad("unauthorized_client", "The client is disabled.");
        return Err(refused.because(Why::ClientDisabled).into());
    }
    if !app.issuers.builtin {
        let description = "This server believes another issuer; its own tokens would be of no use.";
        return Err(GrantError::bad("unauthorized_client", description).into());
    }
    match grant_type {
        "refresh_token" => grant::refresh(app, call, &asking, form.refresh_token).await,
        "authorization_code" => grant::code(app, call, &asking, form).await,
        _ if !asking.proven => Err(GrantError::invalid_client(Why::NoCredentials).into()),
        _ => Ok(client_credentials(app, &asking.client, form.scope.as_deref())?),
    }
}

/// Refuses parameters in the query string where the server, or the client's organization, is not lenient.
fn allow_query_parameters(lenient: bool) -> Result<(), GrantError> {
    if lenient {
        return Ok(());
    }
    let description = "The parameters stand in the query string; a form is expected in the body. This server or \
                       organization is not lenient.";
    Err(GrantError::bad("invalid_request", description).because(Why::QueryParameters))
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
        access_token: Secret(app.signing_keys().now(&*app.store).issue(issue)),
        token_type: "bearer".to_owned(),
        expires_in: life,
        scope: None,
        refresh_token: None,
    }
}

/// The refusal of what may be a guess: of the guessing itself, where it was one too many.
fn guessed(app: &App, attempt: Attempt<'_>, refused: impl Into<Failure>) -> Failure {
    match app.guesses.failed(attempt) {
        Some(retry_after) => ApiError::TooManyGuesses { retry_after }.into(),
        None => refused.into(),
    }
}

/// Whether a secret that is right counts now. One that could be guessed does not while somebody guesses.
fn check_right(app: &App, attempt: Attempt<'_>, secret: &str) -> Result<(), ApiError> {
    if secret.len() < limit::STRONG_SECRET_BYTES
        && let Some(retry_after) = app.guesses.wait(attempt)
    {
        return Err(ApiError::TooManyGuesses { retry_after });
    }
    app.guesses.succeeded(attempt);
    Ok(())
}

fn error_reply(call: &Call, error: GrantError, seen: &mut Seen) -> Reply {
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
    seen.refused = Some(Refused { kind: code.to_owned(), message: description, refusal: *refusal });
    reply
}

/// Answers with tokens must not be kept by anything between (RFC 6749, section 5.1).
fn no_store(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    reply
}
