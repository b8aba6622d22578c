//! Checks of a request's head before routing, and how its headers are read.
//!
//! A header that is empty or white space counts as absent everywhere: the vendor's published client sends
//! `Authorization:` with nothing behind it to the login, and means none.

use std::net::Ipv6Addr;

use http::header::{self, HeaderName};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Version};
use jackfield_model::limit;

use crate::error::ApiError;

/// A header that may stand once stands more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repeated;

/// Content codings that have a name (RFC 9110, section 8.4.1, and its registry).
const ENCODINGS: [&str; 7] = ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"];

/// The values of a header, without those that say nothing.
pub(crate) fn values<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'h HeaderValue> + use<'h> {
    headers.get_all(name).iter().filter(|value| !is_blank(value))
}

fn is_blank(value: &HeaderValue) -> bool {
    value.as_bytes().iter().all(u8::is_ascii_whitespace)
}

/// The value of a header that may stand once; nothing where it says nothing.
///
/// # Errors
/// [`Repeated`] when it says something more than once, the same or not.
pub(crate) fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h HeaderValue>, Repeated> {
    let mut values = values(headers, name);
    let first = values.next();
    if values.next().is_some() { Err(Repeated) } else { Ok(first) }
}

/// What one pass over a head shows. A look-up of each header costs more than the pass.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Survey {
    bytes: usize,
    host: Result<(), &'static str>,
    /// Whether the body is sent as JSON, in the plainest way of saying so.
    pub(crate) is_json: bool,
    /// Whether there is an `Expect` header that says something.
    pub(crate) expects: bool,
    /// Whether there is a `Content-Encoding` header.
    pub(crate) has_encoding: bool,
    authorization: Single,
}

/// Where a header that may stand once says something.
#[derive(Clone, Copy, Debug)]
enum Single {
    Nowhere,
    /// It is the one with this number, in the order of the map.
    At(usize),
    Repeated,
}

impl Single {
    const fn add(&mut self, at: usize) {
        *self = match self {
            Self::Nowhere => Self::At(at),
            Self::At(_) | Self::Repeated => Self::Repeated,
        };
    }
}

impl Survey {
    pub(crate) fn of(head: &Parts) -> Self {
        let target = head.uri.path_and_query().map_or(0, |text| text.as_str().len());
        let mut bytes = head.method.as_str().len() + target;
        let (mut hosts, mut types) = ((0, None), (0, false));
        let (mut expects, mut has_encoding, mut authorization) = (false, false, Single::Nowhere);
        for (at, (name, value)) in head.headers.iter().enumerate() {
            bytes += name.as_str().len() + value.len();
            if *name == header::HOST {
                hosts = (hosts.0 + 1, Some(value));
            } else if *name == header::CONTENT_TYPE {
                types = (types.0 + 1, value.as_bytes() == b"application/json");
            } else if *name == header::AUTHORIZATION {
                if !is_blank(value) {
                    authorization.add(at);
                }
            } else if *name == header::EXPECT {
                expects |= !is_blank(value);
            } else if *name == header::CONTENT_ENCODING {
                has_encoding = true;
            }
        }
        let (host, is_json) = (judge_host(head, hosts), types == (1, true));
        Self { bytes, host, is_json, expects, has_encoding, authorization }
    }

    /// The `Authorization` header among the headers of the same head; nothing where it says nothing.
    ///
    /// # Errors
    /// [`Repeated`] when it says something more than once, the same or not.
    #[inline]
    pub(crate) fn authorization<'h>(
        &self,
        headers: &'h HeaderMap,
    ) -> Result<Option<&'h HeaderValue>, Repeated> {
        match self.authorization {
            Single::Nowhere => Ok(None),
            Single::At(at) => Ok(headers.values().nth(at)),
            Single::Repeated => Err(Repeated),
        }
    }

    /// The limit on a head. The HTTP library has wider limits; within them the server answers itself.
    pub(crate) fn check_size(&self) -> Result<(), ApiError> {
        if self.bytes > limit::HEAD_BYTES {
            return Err(ApiError::BadHead(format!(
                "The head of the request is {} bytes long; at most {} are allowed.",
                self.bytes,
                limit::HEAD_BYTES
            )));
        }
        Ok(())
    }

    /// The host that a request is for (RFC 9112, section 3.2; RFC 9113, section 8.3.1).
    pub(crate) const fn check_host(&self) -> Result<(), ApiError> {
        match self.host {
            Ok(()) => Ok(()),
            Err(message) => Err(ApiError::BadHost(message)),
        }
    }
}

/// Judges how many hosts a request names, and the last of them. With two hosts a proxy may have decided by one and the
/// server by the other.
fn judge_host(head: &Parts, (hosts, host): (usize, Option<&HeaderValue>)) -> Result<(), &'static str> {
    let bad = Err;
    let host = host.filter(|value| !is_blank(value));
    if hosts > 1 {
        return bad("The request has more than one Host header; it may have one.");
    }
    match (host, head.uri.authority()) {
        (Some(host), _) if !is_host(host.as_bytes()) => {
            bad("The Host header is not a host name or address with or without a port.")
        }
        (_, Some(authority))
            if head.version == Version::HTTP_2 && !is_host(authority.as_str().as_bytes()) =>
        {
            bad("The :authority is not a host name or address with or without a port.")
        }
        (Some(host), Some(authority)) if head.version == Version::HTTP_2 && !is_same(host, authority) => {
            bad("The Host header is not the :authority of the request; one of them is enough.")
        }
        (Some(_), _) => Ok(()),
        (None, authority) if head.version == Version::HTTP_2 && authority.is_some() => Ok(()),
        (None, _) if head.version < Version::HTTP_11 => Ok(()),
        (None, _) => bad("The request does not say which host it is for; it needs one Host header."),
    }
}

fn is_same(host: &HeaderValue, authority: &Authority) -> bool {
    host.as_bytes().trim_ascii().eq_ignore_ascii_case(authority.as_str().as_bytes())
}

/// Whether these bytes are a host with or without a port (RFC 3986, section 3.2).
fn is_host(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let name = text.iter().take_while(|byte| IN_A_NAME[usize::from(**byte)]).count();
    let rest = match text {
        [b'[', address @ ..] => {
            let end = address.iter().position(|byte| *byte == b']').unwrap_or(address.len());
            let (address, rest) = address.split_at(end);
            let address = std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
            match rest.strip_prefix(b"]") {
                Some(rest) if address => rest,
                _ => return false,
            }
        }
        _ if name == 0 => return false,
        _ => &text[name..],
    };
    match rest {
        [] => true,
        [b':', port @ ..] => port.len() <= 5 && port.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// What [`is_in_a_name`] says of each byte.
static IN_A_NAME: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "it is below 256")]
        let letter = byte as u8;
        table[byte] = is_in_a_name(letter);
        byte += 1;
    }
    table
};

/// Letters, digits, what else RFC 3986 leaves a name, and `%` for the rest.
const fn is_in_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'%'
        )
}

/// Refuses a body that would have to be decoded first. A GET or HEAD ignores its body, whatever it is.
pub(crate) fn check_encoding(head: &Parts) -> Result<(), ApiError> {
    if matches!(head.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let codings = || {
        let values = values(&head.headers, &header::CONTENT_ENCODING);
        values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
    };
    let is_plain = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    let Some(coding) = codings().find(|coding| !is_plain(coding)) else { return Ok(()) };
    // What is no name of a coding is not repeated: it could be anything.
    let known = ENCODINGS.into_iter().find(|known| coding.eq_ignore_ascii_case(known.as_bytes()));
    Err(ApiError::BadEncoding(known.unwrap_or("unknown")))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(version: Version, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let request = headers.iter().fold(Request::post(uri).version(version), |request, (name, value)| {
            request.header(*name, *value)
        });
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_header_that_says_nothing_is_absent() {
        let of = |values: &[&str]| {
            let headers = values.iter().map(|value| ("authorization", *value));
            let headers: Vec<_> = [("accept", "*/*")].into_iter().chain(headers).collect();
            let head = head(Version::HTTP_11, "/", &headers);
            let found = single(&head.headers, &header::AUTHORIZATION);
            assert_eq!(Survey::of(&head).authorization(&head.headers), found);
            found.map(|value| value.cloned())
        };
        for none in [&[][..], &[""], &[" "], &["\t "], &["", ""]] {
            assert_eq!(of(none), Ok(None), "{none:?}");
        }
        for one in [&["x"][..], &["", "x"], &["x", " "]] {
            assert_eq!(of(one), Ok(Some(HeaderValue::from_static("x"))), "{one:?}");
        }
        assert_eq!(of(&["x", "x"]), Err(Repeated));
    }

    #[test]
    fn an_expectation_that_says_nothing_is_none() {
        let expects = |values: &[&str]| {
            let headers: Vec<_> = values.iter().map(|value| ("expect", *value)).collect();
            Survey::of(&head(Version::HTTP_11, "/", &headers)).expects
        };
        assert!(
            !expects(&[]) && !expects(&[" "]) && expects(&["100-continue"]) && expects(&["100-continue", ""])
        );
    }

    #[test]
    fn hosts_are_told_from_what_is_none() {
        for good in [
            "localhost",
            "api.amazonalexa.com",
            "API.example.",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:443",
            "a_b:",
            "x%20y",
            " x ",
            "[::1]:",
        ] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            ":80",
            "[",
            "[]",
            "[::1",
            "[::1]x",
            "[::1]:x",
            "[::1]:123456",
            "[::1]]",
            "a b",
            "a/b",
            "a@b",
            "a:b",
            "a:123456",
            "[::1",
            "[x]",
            "a:1:2",
            "http://a",
            "a,b c",
            "é",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_request_names_one_host() {
        let fine = |version, uri: &str, hosts: &[&str]| {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            Survey::of(&head(version, uri, &headers)).check_host().is_ok()
        };
        let (old, one, two) = (Version::HTTP_10, Version::HTTP_11, Version::HTTP_2);
        assert!(fine(one, "/", &["x"]) && fine(old, "/", &["x"]) && fine(old, "/", &[]));
        assert!(!fine(one, "/", &[]) && !fine(one, "/", &[" "]) && !fine(one, "http://x/", &[]));
        assert!(!fine(one, "/", &["x", "x"]) && !fine(old, "/", &["x", "y"]) && !fine(one, "/", &["x", ""]));
        assert!(!fine(one, "/", &["x y"]) && !fine(old, "/", &["x y"]));
        assert!(fine(one, "http://x/", &["y"]), "the target wins in HTTP/1.1");
        assert!(!fine(two, "http://u@x/", &[]) && fine(one, "http://u@x/", &["x"]));
        assert!(fine(two, "http://x/", &[]) && fine(two, "http://x:1/", &["X:1"]) && fine(two, "/", &["x"]));
        assert!(
            !fine(two, "http://x/", &["y"]) && !fine(two, "http://x/", &["x", "x"]) && !fine(two, "/", &[])
        );
    }

    #[test]
    fn encodings_are_named_when_they_are_known() {
        let named = |values: &[&str]| {
            let headers: Vec<_> = values.iter().map(|value| ("content-encoding", *value)).collect();
            match check_encoding(&head(Version::HTTP_11, "/", &headers)) {
                Err(ApiError::BadEncoding(name)) => Some(name),
                _ => None,
            }
        };
        for plain in [&[][..], &[""], &["identity"], &["Identity, "]] {
            assert_eq!(named(plain), None, "{plain:?}");
        }
        assert_eq!(named(&["GZIP"]), Some("gzip"));
        assert_eq!(named(&["identity, br"]), Some("br"));
        assert_eq!(named(&["identity", "zstd"]), Some("zstd"));
        assert_eq!(named(&["hunter2"]), Some("unknown"));
    }
}
