//! The consent page: GET and POST /ap/oa, the first half of the authorization code grant (RFC 6749, section 4.1).
//!
//! The server redirects a browser only to a redirect URI that the client registered, compared byte for byte; without
//! one the page shows the refusal. A decision counts only from a form that this service issued to the same browser for
//! the same request (`seal`), and an approval only from a user who may approve (`person`).

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};
use jackfield_model::wire::ErrorBody;
use jackfield_model::{ClientId, ScopeSet, limit};
use jackfield_store::registry::Client;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use schemars::JsonSchema;

use super::authorization_request::{Redirect, Request};
use super::page;
use super::person::{self, Asks, NotAllowed};
use super::seal::Cookie;
use crate::credential::code::{Challenge, Code};
use crate::description::{Content, Description, INTERNAL, Tag, Text};
use crate::error::{ApiError, refusal};
use crate::request::{self, Call, RequestLog};
use crate::response::{self, Reply};
use crate::state::State;

/// A redirect URI goes out as it was registered, but for what no header may hold.
const HEADER_UNSAFE: &AsciiSet = &CONTROLS.add(b' ');
const PARAMETERS: [&str; 7] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
];

/// The parameters as they came, in the order of [`PARAMETERS`]; absent and empty are the same.
#[derive(Default)]
struct Parameters {
    values: [Option<String>; PARAMETERS.len()],
    repeated: Option<&'static str>,
    decision: Option<String>,
    token: Option<String>,
    password: Option<String>,
}

pub(super) const PAGE_DESCRIPTION: Description = describe("Ask a person for consent")
    .text("The page of the authorization code grant (RFC 6749, section 4.1), for a browser.")
    .query::<ConsentQuery>()
    .successes(&[(200, "The page.")])
    .response_as(PAGE)
    .errors(&[
        (302, "The request is refused: back to the client with `error`, `error_description` and `state`."),
        (
            400,
            "The client or its redirect URI is not known: the page says so, and the browser is sent nowhere. JSON where \
             the head of the request is too long.",
        ),
        (403, "The person may not allow: the page says why."),
        INTERNAL,
        (503, "Overload."),
    ]);

pub(super) const DECISION_DESCRIPTION: Description = describe("Allow or deny")
    .text("The form of the consent page. It counts only with the token and the cookie that the page came with.")
    .request_as(Content::new::<ConsentForm>("application/x-www-form-urlencoded"))
    .successes(&[(
        303,
        "Back to the client: with `code` and `state`, or with `error`, `error_description` and `state`.",
    )])
    .errors(&[
        (
            400,
            "The client or its redirect URI is not known, or the form was not given to this browser. JSON where the head \
             of the request is too long.",
        ),
        (403, "The person may not allow: the page says why, or asks for the password again."),
        (429, "Too many passwords were wrong."),
        INTERNAL,
        (503, "Overload."),
    ]);

const PAGE: Content = Content::new::<Text>("text/html");

/// The description of an operation whose refusals are pages.
const fn describe(summary: &'static str) -> Description {
    Description { error_contents, ..Description::new(Tag::Login, summary) }
}

fn error_contents(status: u16) -> Vec<Content> {
    match status {
        302 => Vec::new(),
        400 => vec![PAGE, Content::json::<ErrorBody>()],
        500 => vec![Content::json::<ErrorBody>()],
        _ => vec![PAGE],
    }
}

/// What the page is asked for, for the API description. It is read as [`Parameters`].
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
struct ConsentQuery {
    /// Required: the client that asks.
    client_id: Option<ClientId>,
    /// Required: one of the client's, byte for byte.
    #[schemars(url)]
    redirect_uri: Option<String>,
    /// Required.
    #[schemars(extend("const" = "code"))]
    response_type: Option<String>,
    /// Required: scopes that the client is granted, separated by spaces.
    scope: Option<String>,
    /// Comes back with the answer.
    state: Option<String>,
    /// PKCE (RFC 7636); required of a public client.
    code_challenge: Option<String>,
    /// A public client needs S256.
    #[schemars(extend("enum" = ["S256", "plain"], "default" = "plain"))]
    code_challenge_method: Option<String>,
}

/// The form of the page, for the API description. It is read as [`Parameters`].
#[derive(JsonSchema)]
#[schemars(
    description = "The form of the consent page.",
    extend("required" = ["client_id", "redirect_uri", "token", "decision"])
)]
#[expect(dead_code, reason = "it says what the form looks like")]
struct ConsentForm {
    #[schemars(flatten)]
    request: ConsentQuery,
    /// As it stands in the page.
    token: String,
    /// The organization's, where the page asks for it.
    password: Option<String>,
    /// What the person decided.
    #[schemars(extend("enum" = ["allow", "deny"]))]
    decision: String,
}

/// Why a request is not put before a person.
enum Refused {
    /// There is no valid redirect URI: shown on the page.
    OnPage(String),
    /// Sent to the client by a redirect.
    ToClient(Redirect, &'static str, String),
}

/// Shows the page.
pub(super) fn show(state: &State, call: &Call, log: &mut RequestLog) -> Reply {
    let parameters = Parameters::parse(call.head.uri.query().unwrap_or_default().as_bytes());
    let request = match check(state, &parameters, &mut log.client) {
        Ok(request) => request,
        Err(refused) => return refused.reply(StatusCode::FOUND, log),
    };
    match person::asks(state, call, &request.organization) {
        Ok(asks) => ask(state, call, &request, &parameters, asks, None),
        Err(not_allowed) => not_now(call, &request, &not_allowed, log),
    }
}

/// The page with its form, for a browser that has our cookie or gets it now.
fn ask(
    state: &State,
    call: &Call,
    request: &Request,
    parameters: &Parameters,
    asks: Asks<'_>,
    mistake: Option<&str>,
) -> Reply {
    let (now, secure) = (state.sandbox.clock.seconds(), person::is_secure(state, call));
    let known = own_cookie(state, call).filter(|cookie| cookie.outlasts_a_form(now));
    let cookie = known.clone().unwrap_or_else(|| Cookie::new(&state.keys().consent_cookie, now));
    let expires = now.saturating_add(limit::CONSENT_SECONDS);
    let keys = state.signing_keys().now(&*state.store);
    let token = cookie.seal(&keys.current().consent, parameters.texts(), expires);
    let mut reply = page::ask(request, &parameters.fields(), &token, asks, mistake);
    if known.is_none() {
        reply.headers_mut().insert(header::SET_COOKIE, cookie.header(secure));
    }
    reply
}

fn own_cookie(state: &State, call: &Call) -> Option<Cookie> {
    let secure = person::is_secure(state, call);
    Cookie::read(&state.keys().consent_cookie, &call.head.headers, secure, state.sandbox.clock.seconds())
}

/// Takes the decision of the person.
pub(super) async fn decide(state: &State, call: &Call, body: &[u8], log: &mut RequestLog) -> Reply {
    let mut parameters = Parameters::parse(body);
    let request = match check(state, &parameters, &mut log.client) {
        Ok(request) => request,
        Err(refused) => return refused.reply(StatusCode::SEE_OTHER, log),
    };
    let now = state.sandbox.clock.seconds();
    let token = parameters.token.as_deref();
    let is_ours = own_cookie(state, call).is_some_and(|cookie| {
        let keys = state.signing_keys().now(&*state.store);
        let mut keys = keys.alive(now, limit::CONSENT_SECONDS);
        keys.any(|key| cookie.unseals(&key.consent, token, parameters.texts(), now))
    });
    if !is_ours {
        let text = "This form is too old, or was not given to this browser. Go back to the application and start again.";
        return Refused::OnPage(text.to_owned()).reply(StatusCode::BAD_REQUEST, log);
    }
    match parameters.decision.as_deref() {
        Some("allow") => {
            let password = parameters.password.take();
            match person::allow(state, call, &request.organization, password).await {
                Ok(by) => allow(state, call, request, by),
                Err(NotAllowed::WrongPassword) => {
                    let mistake = NotAllowed::WrongPassword.message(&request.organization);
                    let asks = Asks::Password;
                    let mut reply = ask(state, call, &request, &parameters, asks, Some(&mistake));
                    *reply.status_mut() = StatusCode::FORBIDDEN;
                    note(&NotAllowed::WrongPassword, mistake, log);
                    reply
                }
                Err(not_allowed) => not_now(call, &request, &not_allowed, log),
            }
        }
        Some("deny") => {
            let description = "The request was denied.".to_owned();
            let refused = Refused::ToClient(request.redirect, "access_denied", description);
            refused.reply(StatusCode::SEE_OTHER, log)
        }
        _ => Refused::OnPage("The form says neither Allow nor Deny.".to_owned())
            .reply(StatusCode::BAD_REQUEST, log),
    }
}

/// Redirects the browser with a code that says who approved it.
fn allow(state: &State, call: &Call, request: Request, by: String) -> Reply {
    let Request { client, scopes, redirect, challenge, .. } = request;
    tracing::info!(request_id = %call.request_id, client = %client.id, by, "access was allowed");
    let code = Code::new(&client, state.sandbox.clock.seconds(), Some(&redirect.uri), challenge, scopes);
    let code = code.allowed_by(by).seal(&state.signing_keys().now(&*state.store).current().code);
    redirect.back(StatusCode::SEE_OTHER, &[("code", &code)])
}

/// The page for a user who may not approve.
fn not_now(call: &Call, request: &Request, not_allowed: &NotAllowed, log: &mut RequestLog) -> Reply {
    if let NotAllowed::Server(error) = not_allowed {
        return refuse(call, error, log);
    }
    let message = not_allowed.message(&request.organization);
    let reply = page::refusal(StatusCode::FORBIDDEN, &message);
    note(not_allowed, message, log);
    reply
}

/// Records for the journal why a user may not approve.
fn note(not_allowed: &NotAllowed, message: String, log: &mut RequestLog) {
    let refusal = refusal("consent", not_allowed.reason());
    log.refused = Some(request::Refused { kind: "access_denied".to_owned(), message, refusal });
}

/// The page of a refusal that is not about the request: overload, an oversized body.
pub(super) fn refuse(_: &Call, error: &ApiError, log: &mut RequestLog) -> Reply {
    log.refused_by(error);
    log.guesses = matches!(error, ApiError::TooManyGuesses { .. });
    let mut reply = page::refusal(error.status().0, &error.message());
    error.decorate(&mut reply);
    reply
}

/// The checks in the order of RFC 6749, section 4.1.2.1: first whether the browser may be sent back at all.
fn check(
    state: &State,
    parameters: &Parameters,
    log: &mut Option<Arc<ClientId>>,
) -> Result<Request, Refused> {
    let on_page = |text: &str| Refused::OnPage(text.to_owned());
    if let Some(name @ ("client_id" | "redirect_uri")) = parameters.repeated {
        return Err(Refused::OnPage(format!("{name} stands more than once; it may stand once.")));
    }
    if !state.credentials.issuers.builtin {
        return Err(on_page("This server believes another issuer; its own tokens would be of no use."));
    }
    let id = parameters.get("client_id").ok_or_else(|| on_page("client_id is missing."))?;
    let registry = state.store.registry();
    let client =
        registry.clients.get(id).ok_or_else(|| on_page("There is no client with this client_id."))?;
    *log = Some(Arc::clone(&client.id));
    let uri = parameters.get("redirect_uri").ok_or_else(|| on_page("redirect_uri is missing."))?;
    if !client.redirect_uris.iter().any(|registered| registered == uri) {
        return Err(on_page("redirect_uri is not one of those that the client registered."));
    }
    let redirect = Redirect { uri: uri.to_owned(), state: parameters.get("state").map(str::to_owned) };
    let organization = registry.organizations.get(&client.organization).filter(|_| client.enabled);
    let Some(organization) = organization else {
        return Err(Refused::ToClient(redirect, "unauthorized_client", "The client is disabled.".to_owned()));
    };
    match check_grant(client, parameters) {
        Ok((scopes, challenge)) => Ok(Request {
            client: Arc::clone(client),
            organization: Arc::clone(organization),
            scopes,
            redirect,
            challenge,
        }),
        Err((code, description)) => Err(Refused::ToClient(redirect, code, description)),
    }
}

fn check_grant(
    client: &Client,
    parameters: &Parameters,
) -> Result<(ScopeSet, Challenge), (&'static str, String)> {
    let invalid = |description: &str| ("invalid_request", description.to_owned());
    if let Some(name) = parameters.repeated {
        return Err(invalid(&format!("{name} stands more than once; it may stand once.")));
    }
    match parameters.get("response_type") {
        Some("code") => {}
        None => return Err(invalid("response_type is missing; code is expected.")),
        Some(_) => return Err(("unsupported_response_type", "response_type must be code.".to_owned())),
    }
    let challenge =
        Challenge::parse(parameters.get("code_challenge"), parameters.get("code_challenge_method"))
            .map_err(invalid)?;
    if client.public && !matches!(challenge, Challenge::S256(_)) {
        return Err(invalid("This client has no secret: it needs a code_challenge of the method S256."));
    }
    let scope = |description: String| ("invalid_scope", description);
    let asked = parameters.get("scope").map(str::trim).filter(|text| !text.is_empty());
    let asked = asked.ok_or_else(|| scope("scope is missing; it names what is asked for.".to_owned()))?;
    let asked = ScopeSet::parse(asked).map_err(|error| scope(format!("scope: {error}.")))?;
    if asked.intersection(&client.scopes) != asked {
        return Err(scope("scope names a scope that the client was not granted.".to_owned()));
    }
    Ok((asked, challenge))
}

impl Parameters {
    fn parse(text: &[u8]) -> Self {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(text).filter(|(_, value)| !value.is_empty()) {
            match (&*name, PARAMETERS.iter().position(|parameter| *parameter == name)) {
                ("decision", _) => parameters.decision = Some(value.into_owned()),
                ("token", _) => parameters.token = Some(value.into_owned()),
                ("password", _) => parameters.password = Some(value.into_owned()),
                (_, Some(at)) => {
                    let place = &mut parameters.values[at];
                    if place.is_some() && parameters.repeated.is_none_or(|first| first > PARAMETERS[at]) {
                        parameters.repeated = Some(PARAMETERS[at]);
                    }
                    place.get_or_insert_with(|| value.into_owned());
                }
                _ => {}
            }
        }
        parameters
    }

    fn get(&self, name: &str) -> Option<&str> {
        let at = PARAMETERS.iter().position(|parameter| *parameter == name)?;
        self.values[at].as_deref()
    }

    /// The values in their order; those that are absent are empty.
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|value| value.as_deref().unwrap_or_default())
    }

    /// Names and values of those that are there.
    fn fields(&self) -> Vec<(&'static str, &str)> {
        PARAMETERS
            .into_iter()
            .zip(&self.values)
            .filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect()
    }
}

impl Redirect {
    /// Sends the browser back, with these parameters and the client's state behind those that the URI has.
    fn back(&self, status: StatusCode, parameters: &[(&str, &str)]) -> Reply {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        query.extend_pairs(self.state.iter().map(|state| ("state", state)));
        let separator = match self.uri.split_once('?') {
            None => "?",
            Some((_, "")) => "",
            Some(_) => "&",
        };
        let uri = utf8_percent_encode(&self.uri, HEADER_UNSAFE);
        let location = format!("{uri}{separator}{}", query.finish());
        let mut reply = response::empty(status);
        let location = HeaderValue::from_str(&location).expect("what no header may hold was encoded");
        reply.headers_mut().insert(header::LOCATION, location);
        page::protect(&mut reply, None);
        reply
    }
}

impl Refused {
    /// The answer, with the status of a redirect where it is one.
    fn reply(self, status: StatusCode, log: &mut RequestLog) -> Reply {
        let (reply, kind, message) = match self {
            Self::OnPage(text) => (page::refusal(StatusCode::BAD_REQUEST, &text), "invalid_request", text),
            Self::ToClient(redirect, error, description) => {
                let parameters = [("error", error), ("error_description", &*description)];
                (redirect.back(status, &parameters), error, description)
            }
        };
        log.refused =
            Some(request::Refused { kind: kind.to_owned(), message, refusal: refusal("consent", kind) });
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_stands_behind_the_query_of_the_uri() {
        for (uri, expected) in [
            ("https://a.example/back", "https://a.example/back?code=c&state=s+%26"),
            ("https://a.example/back?x=1", "https://a.example/back?x=1&code=c&state=s+%26"),
            ("https://a.example/back?", "https://a.example/back?code=c&state=s+%26"),
            ("https://a.example/\u{e9} x", "https://a.example/%C3%A9%20x?code=c&state=s+%26"),
        ] {
            let redirect = Redirect { uri: uri.to_owned(), state: Some("s &".to_owned()) };
            let mut reply = redirect.back(StatusCode::FOUND, &[("code", "c")]);
            assert_eq!(reply.headers_mut()[header::LOCATION], expected);
        }
    }
}
