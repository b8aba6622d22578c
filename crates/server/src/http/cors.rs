//! Cross-origin requests (CORS, in the Fetch standard): from which other origins a browser lets pages read responses.
//!
//! Public clients with PKCE run in browsers. The server compares whole origins; responses name the allowed origin and
//! never allow credentials of the browser (cookies). The admin listener and the consent page have no CORS.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jackfield_model::limit;

use crate::config::CorsOrigin;
use crate::response::{self, Reply};

/// The headers of a response that a page may read.
static EXPOSED: HeaderValue = HeaderValue::from_static("X-Amzn-RequestId, Retry-After, WWW-Authenticate");
/// What a page may send.
static HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Content-Type, X-Amz-Access-Token, X-Amzn-RequestId");

/// The origins that may read responses.
#[derive(Debug, Default)]
pub(crate) struct Cors {
    origins: Vec<CorsOrigin>,
}

impl Cors {
    pub(crate) const fn new(origins: Vec<CorsOrigin>) -> Self {
        Self { origins }
    }

    /// Whether any origin is allowed. Otherwise no request is checked further.
    pub(crate) const fn is_on(&self) -> bool {
        !self.origins.is_empty()
    }

    /// The origin of a request, when it may read the response.
    pub(crate) fn allowed<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let value = headers.get(header::ORIGIN)?;
        let text = value.to_str().ok()?;
        let matches = |allowed: &CorsOrigin| match allowed {
            CorsOrigin::Exact(origin) => origin == text,
            CorsOrigin::Loopback => is_loopback(text),
        };
        self.origins.iter().any(matches).then_some(value)
    }

    /// The response to a preflight request for one of these methods; nothing when the request is not a preflight.
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap, allow: &str) -> Option<Reply> {
        let asks = method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut reply = response::empty(StatusCode::NO_CONTENT);
        // As with every answer of the login; browsers cache this response by its own max-age.
        reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.allowed(headers).is_some() {
            let headers = reply.headers_mut();
            if let Ok(methods) = HeaderValue::from_str(allow) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            }
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS.clone());
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(limit::PREFLIGHT_SECONDS));
        }
        Some(reply)
    }
}

/// Adds to a response which origin may read it.
pub(crate) fn decorate(origin: Option<HeaderValue>, reply: &mut Reply) {
    let headers = reply.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED.clone());
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
