//! What holds for every answer, whatever the test is about.

use http::Method;
use serde_json::Value;

use crate::endpoint::{Endpoint, Listener};
use crate::http::{Request, Response};

/// Statuses that the source document lists for update, delete and query.
const DOCUMENTED: [u16; 8] = [200, 400, 401, 403, 404, 429, 500, 503];

/// Statuses that the source document lists for create.
const DOCUMENTED_CREATE: [u16; 9] = [201, 400, 401, 403, 404, 409, 429, 500, 503];

/// Statuses that the contract lists for the operations on service providers, networks and profiles.
const DOCUMENTED_DIRECTORY: [u16; 11] = [200, 201, 207, 400, 401, 403, 404, 409, 429, 500, 503];

/// What a request is, as far as it decides what its answer may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Create, update or delete of an association.
    Write,
    /// Query of associations.
    Query,
    /// An operation on a service provider, its network or a profile.
    Directory,
    /// A token request.
    Login,
    /// A question about a token.
    Info,
    /// The consent page.
    Page,
    /// A request to the admin API that is answered with a secret or token.
    HandsOutSecret,
    /// Another request.
    Other,
}

/// Holds an answer to the rules.
///
/// # Panics
/// When one is broken; the message names it.
pub fn check(endpoint: &Endpoint, listener: Listener, request: &Request, response: &Response) {
    if let Err(broken) = rules(endpoint, listener, request, response) {
        panic!("{broken}\n{} {}\n{response:?}", request.method, request.target);
    }
}

/// The `type` that belongs to an error status.
#[must_use]
pub const fn error_type(status: u16) -> Option<&'static str> {
    Some(match status {
        400 => "BAD_REQUEST",
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        404 => "NOT_FOUND",
        405 => "METHOD_NOT_ALLOWED",
        409 => "CONFLICT",
        429 => "TOO_MANY_REQUESTS",
        503 => "SERVICE_UNAVAILABLE",
        _ => return None,
    })
}

fn rules(
    endpoint: &Endpoint,
    listener: Listener,
    request: &Request,
    response: &Response,
) -> Result<(), String> {
    let kind = kind(listener, request);
    let status = response.status;
    request_id(response)?;
    // A browser asks with OPTIONS what it may send: that is no operation of the source.
    if request.method == Method::OPTIONS && status == 204 {
        return ensure(response.body.is_empty(), || "a preflight answer has a body".to_owned());
    }
    let documented = match (kind, request.method == Method::POST) {
        (Kind::Write, true) => DOCUMENTED_CREATE.contains(&status),
        (Kind::Write | Kind::Query, _) => DOCUMENTED.contains(&status),
        // A wrong method on a known path, too.
        (Kind::Directory, _) => DOCUMENTED_DIRECTORY.contains(&status) || status == 405,
        _ => true,
    };
    ensure(documented, || format!("the source lists no {status} for this operation"))?;
    ensure(status != 500, || "no input is answered with 500".to_owned())?;
    if status >= 400 {
        let login_form = matches!(kind, Kind::Login | Kind::Info) && matches!(status, 400 | 401 | 405 | 503);
        if login_form || kind == Kind::Page && status == 405 {
            login_error(response)?;
        } else if kind == Kind::Page {
            page(response)?;
        } else {
            error(response)?;
        }
        headers_of_error(kind, response)?;
    } else if kind == Kind::Page && status == 200 {
        page(response)?;
    } else if kind == Kind::Write {
        empty(response)?;
    } else if kind == Kind::Query {
        ensure(response.header("Content-Type") == Some("application/json"), || "no JSON answer".to_owned())?;
    }
    if kind == Kind::Directory && status < 400 {
        if response.body.is_empty() && request.method != Method::HEAD {
            empty(response)?;
        } else {
            let json = response.header("Content-Type") == Some("application/json");
            ensure(json, || "no JSON answer".to_owned())?;
        }
    }
    if matches!(kind, Kind::Login | Kind::Info | Kind::Page) && status != 405 {
        let cached = response.header("Cache-Control");
        ensure(cached == Some("no-store"), || format!("Cache-Control is {cached:?}, not no-store"))?;
    }
    no_leak(endpoint, kind, response)
}

fn kind(listener: Listener, request: &Request) -> Kind {
    let path = request.path().trim_end_matches('/');
    if listener == Listener::Admin {
        let secret_paths = ["/tokens", "/refresh-tokens", "/clients", "/rotate-secret", "/webhooks"];
        let hands_out = secret_paths.iter().any(|end| path.ends_with(end));
        return if hands_out { Kind::HandsOutSecret } else { Kind::Other };
    }
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("POST" | "PUT" | "DELETE", ["v1", "communications", "serviceProviders", _, "externalUsers"]) => {
            Kind::Write
        }
        ("POST", ["v1", "communications", "serviceProviders", _, "externalUsers", "query"]) => Kind::Query,
        (_, ["v1", "communications", "serviceProviders"])
        | (_, ["v1", "communications", "serviceProviders", _])
        | (_, ["v1", "communications", "serviceProviders", _, "network"])
        | (_, ["v1", "communications", "profile", ..] | ["v1", "communications", "profiles", "batch"]) => {
            Kind::Directory
        }
        (_, ["auth", "o2" | "O2", "token"]) => Kind::Login,
        (_, ["auth", "o2" | "O2", "tokeninfo"] | ["user", "profile"]) => Kind::Info,
        (_, ["ap", "oa"]) => Kind::Page,
        _ => Kind::Other,
    }
}

fn request_id(response: &Response) -> Result<(), String> {
    let id = response.header("X-Amzn-RequestId").ok_or("there is no X-Amzn-RequestId")?;
    let valid = id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
    ensure(valid, || format!("X-Amzn-RequestId {id:?} is no UUID"))
}

fn error(response: &Response) -> Result<(), String> {
    let body = json_object(response)?;
    let names: Vec<&str> = body.keys().map(String::as_str).collect();
    ensure(names == ["message", "type"], || format!("an error has type and message, not {names:?}"))?;
    let wanted =
        error_type(response.status).ok_or_else(|| format!("{} is no documented status", response.status))?;
    ensure(body["type"] == wanted, || format!("the type is {}, not {wanted}", body["type"]))?;
    let message = body["message"].as_str().unwrap_or_default();
    ensure(!message.is_empty(), || "the message is no text, or empty".to_owned())
}

fn login_error(response: &Response) -> Result<(), String> {
    const CODES: [&str; 6] = [
        "invalid_token",
        "invalid_grant",
        "invalid_request",
        "unsupported_grant_type",
        "invalid_scope",
        "unauthorized_client",
    ];
    let body = json_object(response)?;
    let names: Vec<&str> = body.keys().map(String::as_str).collect();
    ensure(names == ["error", "error_description", "request_id"], || format!("unexpected form {names:?}"))?;
    ensure(body["request_id"] == response.request_id(), || "two request ids".to_owned())?;
    let code = body["error"].as_str().unwrap_or_default();
    let fits = match response.status {
        401 => code == "invalid_client",
        503 => code == "temporarily_unavailable",
        _ => CODES.contains(&code),
    };
    ensure(fits, || format!("{code} does not belong to {}", response.status))?;
    let text = body["error_description"].as_str().unwrap_or_default();
    ensure(!text.is_empty(), || "error_description is no text, or empty".to_owned())
}

/// A page loads nothing, may stand in no frame and is not kept.
fn page(response: &Response) -> Result<(), String> {
    let is = |name: &str, wanted: &str| {
        let value = response.header(name).unwrap_or_default();
        ensure(value == wanted, || format!("{name} is {value:?}, not {wanted:?}"))
    };
    is("Content-Type", "text/html; charset=utf-8")?;
    is("X-Frame-Options", "DENY")?;
    is("Referrer-Policy", "no-referrer")?;
    let policy = response.header("Content-Security-Policy").unwrap_or_default();
    let strict = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action "];
    let strict = strict.iter().all(|part| policy.contains(part)) && !policy.contains("unsafe");
    ensure(strict, || format!("the policy is {policy:?}"))?;
    ensure(!response.text().contains("<script"), || "the page has a script".to_owned())
}

fn json_object(response: &Response) -> Result<serde_json::Map<String, Value>, String> {
    let content_type = response.header("Content-Type");
    ensure(content_type == Some("application/json"), || format!("Content-Type is {content_type:?}"))?;
    serde_json::from_slice(&response.body).map_err(|error| format!("the body is no JSON object: {error}"))
}

fn headers_of_error(kind: Kind, response: &Response) -> Result<(), String> {
    match response.status {
        401 if kind != Kind::Login => {
            let value = response.header("WWW-Authenticate").unwrap_or_default();
            ensure(value.starts_with("Bearer"), || format!("WWW-Authenticate is {value:?}"))
        }
        405 => {
            let value = response.header("Allow").unwrap_or_default();
            ensure(!value.is_empty(), || "a 405 has no Allow".to_owned())
        }
        429 | 503 => {
            let value = response.header("Retry-After").unwrap_or_default();
            let seconds = value.parse::<u32>().is_ok_and(|seconds| seconds >= 1);
            ensure(seconds, || format!("Retry-After is {value:?}, not whole seconds"))
        }
        _ => Ok(()),
    }
}

fn empty(response: &Response) -> Result<(), String> {
    ensure(response.body.is_empty(), || "a successful write has no body".to_owned())?;
    let length = response.header("Content-Length");
    ensure(length == Some("0"), || format!("Content-Length is {length:?}, not 0"))
}

fn no_leak(endpoint: &Endpoint, kind: Kind, response: &Response) -> Result<(), String> {
    let hands_out = matches!(kind, Kind::Login | Kind::HandsOutSecret) && response.status < 400;
    if hands_out {
        return Ok(());
    }
    let headers = format!("{:?}", response.headers);
    let leak =
        endpoint.leaked_in(&headers).or_else(|| endpoint.leaked_in(&String::from_utf8_lossy(&response.body)));
    match leak {
        Some(secret) => Err(format!("the secret {secret} stands in the answer")),
        None => Ok(()),
    }
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    const ID: &str = "6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10";

    fn response(status: u16, headers: &[(&'static str, &str)], body: &str) -> Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Response { status, headers: map, body: body.to_owned().into() }
    }

    /// Every rule refuses an answer that breaks it: a check that cannot fail checks nothing.
    #[test]
    fn each_rule_can_fail() {
        let endpoint = Endpoint::new("admin-secret".to_owned());
        let create = Request::new(&Method::POST, "/v1/communications/serviceProviders/p/externalUsers");
        let outcome = |response: &Response| rules(&endpoint, Listener::Public, &create, response);
        let id = ("x-amzn-requestid", ID);
        let json = ("content-type", "application/json");
        assert_eq!(outcome(&response(201, &[id, ("content-length", "0")], "")), Ok(()));
        let bad = [
            (response(201, &[("content-length", "0")], ""), "no X-Amzn-RequestId"),
            (response(201, &[("x-amzn-requestid", "7"), ("content-length", "0")], ""), "no UUID"),
            (response(201, &[id], ""), "Content-Length"),
            (response(201, &[id, ("content-length", "0")], "{}"), "no body"),
            (response(413, &[id, json], "{}"), "lists no 413"),
            (response(500, &[id, json], "{}"), "500"),
            (response(400, &[id], r#"{"type":"BAD_REQUEST","message":"m"}"#), "Content-Type"),
            (response(400, &[id, json], r#"{"type":"CONFLICT","message":"m"}"#), "the type is"),
            (response(400, &[id, json], r#"{"type":"BAD_REQUEST","message":""}"#), "empty"),
            (
                response(400, &[id, json], r#"{"type":"BAD_REQUEST","message":"m","more":1}"#),
                "type and message",
            ),
            (response(400, &[id, json], r#"{"type":"BAD_REQUEST","message":"admin-secret"}"#), "secret"),
            (response(401, &[id, json], r#"{"type":"UNAUTHORIZED","message":"m"}"#), "WWW-Authenticate"),
            (response(503, &[id, json], r#"{"type":"SERVICE_UNAVAILABLE","message":"m"}"#), "Retry-After"),
        ];
        for (response, part) in bad {
            let broken = outcome(&response).unwrap_err();
            assert!(broken.contains(part), "{broken:?} should say {part:?}");
        }
    }
}
