//! Binds a decision on the consent page to the page that was shown: a token in the form and a cookie, both issued here
//! and valid for a limited time.
//!
//! The cookie is random, signed and expires; one that was not issued here counts as none, so that an attacker cannot
//! plant a cookie of his own in another's browser. Where the browser speaks TLS its name begins with `__Host-`, by
//! which the browser takes it from this host over TLS alone. The token of the form is a keyed hash over the request
//! and the cookie.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use jackfield_model::limit;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

const PLAIN: &str = "jackfield-consent";
const SECURE: &str = "__Host-jackfield-consent";
const RANDOM_BYTES: usize = 16;

/// The cookie of a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    value: String,
    expires: u64,
}

impl Cookie {
    /// A new one, good for twice the time of a form.
    pub(super) fn new(key: &hmac::Key, now: u64) -> Self {
        let expires = now.saturating_add(2 * limit::CONSENT_SECONDS);
        let mut signed = expires.to_be_bytes().to_vec();
        let mut random = [0; RANDOM_BYTES];
        SystemRandom::new().fill(&mut random).expect("the operating system gives randomness");
        signed.extend(random);
        let tag = hmac::sign(key, &signed);
        signed.extend(tag.as_ref());
        Self { value: URL_SAFE_NO_PAD.encode(signed), expires }
    }

    /// The one of the request that was made here and is still good.
    pub(super) fn read(key: &hmac::Key, headers: &HeaderMap, secure: bool, now: u64) -> Option<Self> {
        let name = if secure { SECURE } else { PLAIN };
        let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let value_of = |pair: &'_ str| pair.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        texts.flat_map(|text| text.split(';')).filter_map(value_of).find_map(|value| {
            let expires = open(key, &value)?;
            (now < expires).then_some(Self { value, expires })
        })
    }

    /// Whether it is valid for as long as a form that is issued now.
    pub(super) const fn outlasts_a_form(&self, now: u64) -> bool {
        self.expires >= now.saturating_add(limit::CONSENT_SECONDS)
    }

    /// As it is given to a browser.
    pub(super) fn header(&self, secure: bool) -> HeaderValue {
        let value = &self.value;
        let text = if secure {
            format!("{SECURE}={value}; Path=/; Secure; HttpOnly; SameSite=Lax")
        } else {
            format!("{PLAIN}={value}; Path=/ap/oa; HttpOnly; SameSite=Lax")
        };
        HeaderValue::from_str(&text).expect("base64url is a header value")
    }

    /// The token of a form that this browser gets for a request: when it expires, and a keyed hash of that, the cookie
    /// and the request.
    pub(super) fn seal<'a>(
        &self,
        key: &hmac::Key,
        request: impl IntoIterator<Item = &'a str>,
        expires: u64,
    ) -> String {
        let mut sealed = expires.to_be_bytes().to_vec();
        sealed.extend(hmac::sign(key, &self.said(request, expires)).as_ref());
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// Whether a form's token was made for this request and cookie, and still counts.
    pub(super) fn unseals<'a>(
        &self,
        key: &hmac::Key,
        token: Option<&str>,
        request: impl IntoIterator<Item = &'a str>,
        now: u64,
    ) -> bool {
        let sealed = token.and_then(|token| URL_SAFE_NO_PAD.decode(token).ok());
        let Some((expires, tag)) = sealed.as_deref().and_then(<[u8]>::split_first_chunk) else {
            return false;
        };
        let expires = u64::from_be_bytes(*expires);
        hmac::verify(key, &self.said(request, expires), tag).is_ok() && now < expires
    }

    /// What the hash is over. Lengths keep the parts apart.
    fn said<'a>(&self, request: impl IntoIterator<Item = &'a str>, expires: u64) -> Vec<u8> {
        let mut said = expires.to_be_bytes().to_vec();
        let mut say = |part: &str| {
            said.extend((part.len() as u64).to_be_bytes());
            said.extend(part.as_bytes());
        };
        say(&self.value);
        request.into_iter().for_each(&mut say);
        said
    }
}

/// When a cookie that was made here expires.
fn open(key: &hmac::Key, value: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
    let (signed, tag) = bytes.split_at_checked(8 + RANDOM_BYTES)?;
    hmac::verify(key, signed, tag).ok()?;
    Some(u64::from_be_bytes(*signed.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32])
    }

    #[test]
    fn a_form_counts_for_its_request_its_cookie_and_its_time() {
        let (key, now) = (key(7), 100);
        let (cookie, other) = (Cookie::new(&key, now), Cookie::new(&key, now));
        let token = cookie.seal(&key, ["c", "s", ""], 1_000);
        let unseals =
            |cookie: &Cookie, request: [&str; 3], now| cookie.unseals(&key, Some(&token), request, now);
        assert!(unseals(&cookie, ["c", "s", ""], 999));
        assert!(!unseals(&cookie, ["c", "s", ""], 1_000), "too late");
        assert!(!unseals(&other, ["c", "s", ""], 999), "another browser");
        assert!(!unseals(&cookie, ["c", "s", "x"], 999), "another request");
        assert!(!unseals(&cookie, ["cs", "", ""], 999), "parts do not run together");
        assert!(!cookie.unseals(&key, None, ["c", "s", ""], 999));
    }

    #[test]
    fn a_cookie_counts_when_it_was_made_here_and_for_a_time() {
        let cookie = Cookie::new(&key(1), 1_000);
        let sent = |secure: bool| {
            let mut headers = HeaderMap::new();
            let given = cookie.header(secure);
            let pair = given.to_str().unwrap().split(';').next().unwrap().to_owned();
            headers.insert(header::COOKIE, format!("a=b; {pair}; c=d").parse().unwrap());
            headers
        };
        let read = |secure, now| Cookie::read(&key(1), &sent(secure), secure, now);
        let end = 1_000 + 2 * limit::CONSENT_SECONDS;
        assert_eq!((read(true, end - 1), read(false, end - 1)), (Some(cookie.clone()), Some(cookie.clone())));
        assert_eq!(read(true, end), None, "too late");
        assert!(cookie.outlasts_a_form(1_000 + limit::CONSENT_SECONDS));
        assert!(!cookie.outlasts_a_form(1_001 + limit::CONSENT_SECONDS));
        assert_eq!(Cookie::read(&key(2), &sent(true), true, 1_000), None, "another directory's");
        assert_eq!(
            Cookie::read(&key(1), &sent(false), true, 1_000),
            None,
            "without TLS anybody could have set it"
        );
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("jackfield-consent=chosen-by-a-stranger"));
        assert_eq!(Cookie::read(&key(1), &headers, false, 1_000), None);
        assert_eq!(
            cookie.header(true).to_str().unwrap().split_once(';').unwrap().1,
            " Path=/; Secure; HttpOnly; SameSite=Lax"
        );
    }
}
