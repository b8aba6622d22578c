//! Where a service is: the part of a URL before the API's paths.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// A base URL: `http://` or `https://`, a host, perhaps a port and a path in front of the API's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Without a slash at the end.
    base: String,
    uri: Uri,
}

/// A text that is no base URL. It is not repeated: a URL can hold a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "is not a base URL; expected http://HOST[:PORT] or https://HOST[:PORT], without user, query or fragment"
)]
pub struct InvalidEndpoint;

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: Uri = text.parse().map_err(|_| InvalidEndpoint)?;
        let scheme_known = matches!(uri.scheme_str(), Some("http" | "https"));
        let host_only = uri.authority().is_some_and(|a| !a.as_str().contains('@') && !a.host().is_empty());
        if !scheme_known || !host_only || uri.query().is_some() || text.contains('#') {
            return Err(InvalidEndpoint);
        }
        Ok(Self { base: text.trim_end_matches('/').to_owned(), uri })
    }
}

impl Endpoint {
    /// The URL of a path, which begins with a slash and may hold a query.
    pub(crate) fn join(&self, path: &str) -> Uri {
        // What the base is made of is not parsed again for every call.
        let path = format!("{}{path}", self.uri.path().trim_end_matches('/'));
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(path.try_into().expect("an encoded path is the path of a URL"));
        Uri::from_parts(parts).expect("a checked base with a path is a URL")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_joined() {
        for (base, whole) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/x"),
            ("https://api.amazonalexa.com/", "https://api.amazonalexa.com/v1/x"),
            ("http://[::1]:1/behind/proxy/", "http://[::1]:1/behind/proxy/v1/x"),
        ] {
            assert_eq!(base.parse::<Endpoint>().unwrap().join("/v1/x").to_string(), whole);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in [
            "",
            "127.0.0.1:8080",
            "ftp://host",
            "http://",
            "http://user:pw@host",
            "http://h?q=1",
            "http://h/#f",
        ] {
            assert_eq!(bad.parse::<Endpoint>(), Err(InvalidEndpoint), "{bad}");
        }
    }
}
