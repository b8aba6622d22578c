//! The names that the admin listener accepts, so that a page of another site cannot reach it through a browser.
//!
//! A site that resolves its own name to the address of this listener (DNS rebinding) is the same origin to a browser,
//! which then lets its scripts read responses. But the request has the site's name in `Host`. An IP address in `Host`
//! is safe: a browser that resolved a name sends that name.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, Method};

use crate::error::{ApiError, Forbidden};
use crate::tls::TlsName;

/// The names that the admin listener answers to beside those of this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct AdminHosts {
    pub(crate) names: Vec<TlsName>,
    /// The listener speaks TLS: browsers have compared the name with the certificate.
    pub(crate) certified: bool,
}

impl AdminHosts {
    /// Refuses a request that a browser sent for another site.
    ///
    /// # Errors
    /// [`Forbidden::Host`] or [`Forbidden::Origin`].
    pub(crate) fn check(&self, head: &Parts) -> Result<(), ApiError> {
        let host = host(head);
        // No browser leaves it out.
        let known = match &host {
            None => !head.headers.contains_key(HOST),
            Some(host) => self.certified || self.knows(host.host()),
        };
        if !known {
            return Err(ApiError::Forbidden(Forbidden::Host));
        }
        let reads = matches!(head.method, Method::GET | Method::HEAD);
        match head.headers.get(ORIGIN) {
            Some(origin) if !reads => {
                let origin = origin.to_str().ok().and_then(site);
                let is_ours = |origin: &Authority| host.as_ref() == Some(origin) || self.names(origin.host());
                if origin.as_ref().is_some_and(is_ours) {
                    Ok(())
                } else {
                    Err(ApiError::Forbidden(Forbidden::Origin))
                }
            }
            _ => Ok(()),
        }
    }

    fn knows(&self, host: &str) -> bool {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        address || name == "localhost" || name.ends_with(".localhost") || self.names(&name)
    }

    fn names(&self, host: &str) -> bool {
        self.names.iter().any(|name| name.as_str().eq_ignore_ascii_case(host))
    }
}

/// Whom the request is for: HTTP/2 says it in the target, HTTP/1.1 in a header.
fn host(head: &Parts) -> Option<Authority> {
    let header = |name: HeaderName| head.headers.get(name)?.to_str().ok()?.parse().ok();
    head.uri.authority().cloned().or_else(|| header(HOST))
}

/// The site of an origin (RFC 6454); none for `null`.
fn site(origin: &str) -> Option<Authority> {
    let (_, site) = origin.split_once("://")?;
    site.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, host: &str, origin: Option<&str>, hosts: &AdminHosts) -> bool {
        let mut request = http::Request::builder().method(method).uri("/metrics").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        hosts.check(&request.body(()).unwrap().into_parts().0).is_ok()
    }

    fn named() -> AdminHosts {
        AdminHosts { names: vec!["ops.example".parse().unwrap()], certified: false }
    }

    #[test]
    fn names_of_this_machine_and_given_ones_are_answered() {
        for host in [
            "localhost",
            "LOCALHOST:8081",
            "a.localhost:1",
            "127.0.0.1:8081",
            "127.9.9.9",
            "[::1]:8081",
            "10.1.2.3:8081",
        ] {
            assert!(check("GET", host, None, &AdminHosts::default()), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8081",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "a b",
            "",
        ] {
            assert!(!check("GET", host, None, &named()), "{host}");
        }
        assert!(check("GET", "OPS.example:8081", None, &named()));
        assert!(!check("GET", "ops.example", None, &AdminHosts::default()));
        assert!(check("GET", "evil.example", None, &AdminHosts { certified: true, ..AdminHosts::default() }));
    }

    #[test]
    fn the_target_of_http2_counts() {
        let request = http::Request::get("http://evil.example/metrics").body(()).unwrap();
        assert!(named().check(&request.into_parts().0).is_err());
    }

    #[test]
    fn a_page_of_another_site_changes_nothing() {
        let own = "localhost:8081";
        assert!(check("POST", own, Some("http://localhost:8081"), &named()));
        assert!(check("POST", own, Some("https://ops.example"), &named()));
        assert!(
            check("GET", own, Some("http://evil.example"), &named()),
            "a read gives nothing away without CORS"
        );
        for origin in ["http://evil.example", "null", "http://localhost:9999", "http://10.1.2.3", ""] {
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                assert!(!check(method, own, Some(origin), &named()), "{method} {origin}");
            }
        }
    }
}
