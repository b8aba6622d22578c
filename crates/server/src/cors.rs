//! Cross-origin requests (CORS, in the Fetch standard): which pages of other origins a browser lets read our answers.
//!
//! Public clients with PKCE live in browsers. Origins are compared whole; answers name the origin that was allowed, and
//! credentials of the browser (cookies) are never asked for. The admin listener and the consent page know nothing of it.

use std::fmt;
use std::str::FromStr;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jackfield_model::limit;

use crate::response::{self, Reply};
use crate::router::{LoginOperation, Operation};

/// What of an answer a page may read beside its body.
static EXPOSED: HeaderValue = HeaderValue::from_static("X-Amzn-RequestId, Retry-After, WWW-Authenticate");
/// What a page may send.
static HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, X-Amz-Access-Token, X-Amzn-RequestId");

/// An origin that may read answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigin {
    /// This one: scheme, host and port, as browsers write it.
    Exact(String),
    /// Every origin of this machine over HTTP, on whatever port.
    Loopback,
}

impl FromStr for CorsOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str =
            "an origin is expected, like https://app.example or http://127.0.0.1:3000, or loopback";
        if text == "loopback" {
            return Ok(Self::Loopback);
        }
        let uri: http::Uri = text.parse().map_err(|_| FORM.to_owned())?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(FORM.to_owned());
        };
        let default = matches!((scheme, authority.port_u16()), ("http", Some(80)) | ("https", Some(443)));
        let written = format!("{scheme}://{authority}");
        if !matches!(scheme, "http" | "https") || authority.as_str().contains('@') || written != text {
            return Err(FORM.to_owned());
        }
        if default || text.chars().any(|char| char.is_ascii_uppercase()) {
            return Err(format!("browsers write {text} in lower case and without the scheme's own port"));
        }
        Ok(Self::Exact(written))
    }
}

impl fmt::Display for CorsOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(origin) => f.write_str(origin),
            Self::Loopback => f.write_str("loopback"),
        }
    }
}

/// The origins that may read answers.
#[derive(Debug, Default)]
pub(crate) struct Cors {
    origins: Vec<CorsOrigin>,
}

impl Cors {
    pub(crate) const fn new(origins: Vec<CorsOrigin>) -> Self {
        Self { origins }
    }

    /// Whether any origin is allowed. Nothing else is looked at otherwise.
    pub(crate) const fn is_on(&self) -> bool {
        !self.origins.is_empty()
    }

    /// The origin of a request, when it may read the answer.
    pub(crate) fn allowed<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let value = headers.get(header::ORIGIN)?;
        let text = value.to_str().ok()?;
        let matches = |own: &CorsOrigin| match own {
            CorsOrigin::Exact(origin) => origin == text,
            CorsOrigin::Loopback => is_loopback(text),
        };
        self.origins.iter().any(matches).then_some(value)
    }

    /// The answer to a browser that asks before it sends a request with one of these methods; nothing when it does not
    /// ask that.
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap, allow: &str) -> Option<Reply> {
        let asks = method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut reply = response::empty(StatusCode::NO_CONTENT);
        // As with every answer of the login; browsers keep what they are told here by its own age.
        reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.allowed(headers).is_some() {
            let own = reply.headers_mut();
            if let Ok(methods) = HeaderValue::from_str(allow) {
                own.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            }
            own.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS.clone());
            own.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(limit::PREFLIGHT_SECONDS));
        }
        Some(reply)
    }
}

/// Says on an answer which origin may read it.
pub(crate) fn decorate(origin: Option<HeaderValue>, reply: &mut Reply) {
    let own = reply.headers_mut();
    own.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        own.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        own.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED.clone());
    }
}

/// Whether pages of other origins may use an operation: the login and the operations, not the page for people.
pub(crate) const fn is_shared(operation: Operation) -> bool {
    match operation {
        Operation::Association(_) | Operation::Family(_) | Operation::Token => true,
        Operation::Login(LoginOperation::TokenInfo | LoginOperation::UserProfile) => true,
        Operation::Login(_) | Operation::Admin(_) | Operation::Open(_) => false,
    }
}

fn is_loopback(origin: &str) -> bool {
    let Some(rest) = origin.strip_prefix("http://") else { return false };
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| {
        rest.strip_prefix(host).is_some_and(|port| match port.strip_prefix(':') {
            Some(digits) => digits.parse::<u16>().is_ok(),
            None => port.is_empty(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for good in
            ["https://app.example", "http://127.0.0.1:3000", "http://[::1]:8", "https://a.example:8443"]
        {
            assert_eq!(good.parse(), Ok(CorsOrigin::Exact(good.to_owned())), "{good}");
        }
        assert_eq!("loopback".parse(), Ok(CorsOrigin::Loopback));
        for bad in [
            "*",
            "null",
            "",
            "app.example",
            "https://app.example/",
            "https://app.example/page",
            "https://app.example?x",
            "https://user@app.example",
            "https://App.example",
            "https://app.example:443",
            "http://app.example:80",
            "file:///page",
        ] {
            assert!(bad.parse::<CorsOrigin>().is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_is_this_machine_alone() {
        for good in ["http://localhost", "http://localhost:3000", "http://127.0.0.1:1", "http://[::1]:65535"]
        {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "https://localhost",
            "http://localhost.example",
            "http://localhost:3000.example",
            "http://127.0.0.1.example",
            "http://127.0.0.11",
            "http://127.0.0.1:",
            "http://127.0.0.1:70000",
            "null",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }
}
