//! The consent page: GET and POST /ap/oa, the first half of the authorization code grant (RFC 6749, section 4.1).
//!
//! A browser is sent away only to a redirect URI that the client registered, compared byte for byte; without one the
//! refusal stands on the page. A decision counts only from a form that this service gave to the same browser for the
//! same request: the form carries a keyed hash over all of it and over a cookie.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, StatusCode, header};
use jackfield_model::{ClientId, ScopeSet, limit};
use jackfield_store::registry::{Client, Organization};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use ring::hmac;

use super::page;
use crate::app::{App, Call, Seen};
use crate::auth::access_token;
use crate::auth::code::{Challenge, Code};
use crate::error::{ApiError, refusal};
use crate::journal;
use crate::response::{self, Reply};

const COOKIE: &str = "jackfield-consent";
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
}

/// A request that may be put before a person.
pub(super) struct Request {
    pub(super) client: Arc<Client>,
    pub(super) organization: Arc<Organization>,
    pub(super) scopes: ScopeSet,
    pub(super) redirect: Redirect,
    challenge: Challenge,
}

/// Where the browser goes back to.
pub(super) struct Redirect {
    pub(super) uri: String,
    state: Option<String>,
}

/// Why a request is not put before a person.
enum Refused {
    /// Nobody knows where the browser would go: said on the page.
    OnPage(String),
    /// Said to the client, by way of the browser.
    ToClient(Redirect, &'static str, String),
}

/// Shows the page.
pub(super) fn show(app: &App, call: &Call, seen: &mut Seen) -> Reply {
    let parameters = Parameters::parse(call.head.uri.query().unwrap_or_default().as_bytes());
    match check(app, &parameters, &mut seen.client) {
        Ok(request) => {
            let known = cookie(call);
            let nonce = known.clone().unwrap_or_else(access_token::random_text::<24>);
            let expires = app.clock.seconds().saturating_add(limit::CONSENT_SECONDS);
            let token = seal(&app.keys().consent, &parameters, &nonce, expires);
            let mut reply = page::ask(&request, &parameters.fields(), &token);
            if known.is_none() {
                let value = format!("{COOKIE}={nonce}; Path=/ap/oa; HttpOnly; SameSite=Lax");
                let value = HeaderValue::from_str(&value).expect("base64url is a header value");
                reply.headers_mut().insert(header::SET_COOKIE, value);
            }
            reply
        }
        Err(refused) => refused.reply(StatusCode::FOUND, seen),
    }
}

/// Takes the decision of the person.
pub(super) fn decide(app: &App, call: &Call, body: &[u8], seen: &mut Seen) -> Reply {
    let parameters = Parameters::parse(body);
    let request = match check(app, &parameters, &mut seen.client) {
        Ok(request) => request,
        Err(refused) => return refused.reply(StatusCode::SEE_OTHER, seen),
    };
    if !is_ours(app, call, &parameters) {
        let text = "This form is too old, or was not given to this browser. Go back to the application and start again.";
        return Refused::OnPage(text.to_owned()).reply(StatusCode::BAD_REQUEST, seen);
    }
    let Request { client, scopes, redirect, challenge, .. } = request;
    match parameters.decision.as_deref() {
        Some("allow") => {
            let code = Code::new(&client, app.clock.seconds(), Some(&redirect.uri), challenge, scopes);
            redirect.back(StatusCode::SEE_OTHER, &[("code", &code.seal(&app.keys().code))])
        }
        Some("deny") => {
            let refused = Refused::ToClient(redirect, "access_denied", "The request was denied.".to_owned());
            refused.reply(StatusCode::SEE_OTHER, seen)
        }
        _ => Refused::OnPage("The form says neither Allow nor Deny.".to_owned())
            .reply(StatusCode::BAD_REQUEST, seen),
    }
}

/// The page of a refusal that is not about the request: overload, an oversized body.
pub(super) fn refuse(error: &ApiError, seen: &mut Seen) -> Reply {
    seen.refused_by(error);
    let mut reply = page::refusal(error.status().0, &error.message());
    error.decorate(&mut reply);
    reply
}

/// The checks in the order of RFC 6749, section 4.1.2.1: first whether the browser may be sent back at all.
fn check(app: &App, parameters: &Parameters, seen: &mut Option<Arc<ClientId>>) -> Result<Request, Refused> {
    let on_page = |text: &str| Refused::OnPage(text.to_owned());
    if let Some(name @ ("client_id" | "redirect_uri")) = parameters.repeated {
        return Err(Refused::OnPage(format!("{name} stands more than once; it may stand once.")));
    }
    if !app.issuers.builtin {
        return Err(on_page("This server believes another issuer; its own tokens would be of no use."));
    }
    let id = parameters.get("client_id").ok_or_else(|| on_page("client_id is missing."))?;
    let registry = app.store.registry();
    let client =
        registry.clients.get(id).ok_or_else(|| on_page("There is no client with this client_id."))?;
    *seen = Some(Arc::clone(&client.id));
    let uri = parameters.get("redirect_uri").ok_or_else(|| on_page("redirect_uri is missing."))?;
    if !client.redirect_uris.iter().any(|own| own == uri) {
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
            match (&*name, PARAMETERS.iter().position(|own| *own == name)) {
                ("decision", _) => parameters.decision = Some(value.into_owned()),
                ("token", _) => parameters.token = Some(value.into_owned()),
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
        let at = PARAMETERS.iter().position(|own| *own == name)?;
        self.values[at].as_deref()
    }

    /// Names and values of those that are there.
    fn fields(&self) -> Vec<(&'static str, &str)> {
        PARAMETERS
            .into_iter()
            .zip(&self.values)
            .filter_map(|(name, own)| Some((name, own.as_deref()?)))
            .collect()
    }
}

impl Refused {
    /// The answer, with the status of a redirect where it is one.
    fn reply(self, status: StatusCode, seen: &mut Seen) -> Reply {
        let (reply, kind, message) = match self {
            Self::OnPage(text) => (page::refusal(StatusCode::BAD_REQUEST, &text), "invalid_request", text),
            Self::ToClient(redirect, error, description) => {
                let parameters = [("error", error), ("error_description", &*description)];
                (redirect.back(status, &parameters), error, description)
            }
        };
        seen.refused =
            Some(journal::Refused { kind: kind.to_owned(), message, refusal: refusal("consent", kind) });
        reply
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

/// The form's token: when it expires, and a keyed hash of that, the cookie and the request.
fn seal(key: &hmac::Key, parameters: &Parameters, nonce: &str, expires: u64) -> String {
    let mut sealed = expires.to_be_bytes().to_vec();
    sealed.extend(hmac::sign(key, &said(parameters, nonce, expires)).as_ref());
    URL_SAFE_NO_PAD.encode(sealed)
}

fn is_ours(app: &App, call: &Call, parameters: &Parameters) -> bool {
    cookie(call).is_some_and(|nonce| unseals(&app.keys().consent, parameters, &nonce, app.clock.seconds()))
}

/// Whether the form's token was made for this request and cookie, and still counts.
fn unseals(key: &hmac::Key, parameters: &Parameters, nonce: &str, now: u64) -> bool {
    let sealed = parameters.token.as_deref().and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
    let Some((expires, tag)) = sealed.as_deref().and_then(<[u8]>::split_first_chunk) else { return false };
    let expires = u64::from_be_bytes(*expires);
    hmac::verify(key, &said(parameters, nonce, expires), tag).is_ok() && now < expires
}

/// What the hash is over. Lengths keep the parts apart.
fn said(parameters: &Parameters, nonce: &str, expires: u64) -> Vec<u8> {
    let mut said = expires.to_be_bytes().to_vec();
    for part in std::iter::once(Some(nonce)).chain(parameters.values.iter().map(Option::as_deref)) {
        let part = part.unwrap_or_default();
        said.extend((part.len() as u64).to_be_bytes());
        said.extend(part.as_bytes());
    }
    said
}

/// The value of our cookie.
fn cookie(call: &Call) -> Option<String> {
    let mut cookies =
        call.head.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let own = cookies.find_map(|text| {
        text.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
    })?;
    Some(own.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_counts_for_its_request_its_cookie_and_its_time() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let request = |text: &str| Parameters::parse(text.as_bytes());
        let token = seal(&key, &request("client_id=c&scope=s"), "nonce", 1_000);
        let unseals = |text: &str, nonce: &str, now: u64| {
            let parameters = Parameters { token: Some(token.clone()), ..request(text) };
            super::unseals(&key, &parameters, nonce, now)
        };
        assert!(unseals("scope=s&client_id=c", "nonce", 999), "the order does not matter");
        assert!(!unseals("client_id=c&scope=s", "nonce", 1_000), "too late");
        assert!(!unseals("client_id=c&scope=s", "other", 999), "another browser");
        assert!(!unseals("client_id=c&scope=s&state=x", "nonce", 999), "another request");
        assert!(!unseals("client_id=cs", "nonce", 999), "parts do not run together");
    }

    #[test]
    fn an_answer_stands_behind_the_query_of_the_uri() {
        for (uri, expected) in [
            ("https://a.example/back", "https://a.example/back?code=c&state=s+%26"),
            ("https://a.example/back?x=1", "https://a.example/back?x=1&code=c&state=s+%26"),
            ("https://a.example/back?", "https://a.example/back?code=c&state=s+%26"),
            ("https://a.example/\u{e9} x", "https://a.example/%C3%A9%20x?code=c&state=s+%26"),
        ] {
            let redirect = Redirect { uri: uri.to_owned(), state: Some("s &".to_owned()) };
            let reply = redirect.back(StatusCode::FOUND, &[("code", "c")]);
            assert_eq!(reply.headers()[header::LOCATION], expected);
        }
    }
}
