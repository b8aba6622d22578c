//! `--cors-origin`: which pages of other origins may read responses.

use std::fmt;
use std::str::FromStr;

/// An origin that may read responses.
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
}
