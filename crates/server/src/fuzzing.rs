//! The parsers that read what strangers send, for the fuzz targets.

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue};
use jackfield_model::ServiceProviderId;
use ring::hmac;

use crate::auth::access_token::AccessTokens;
use crate::auth::bearer_token;
use crate::auth::page_token::PageTokens;

fn key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &[7; 32])
}

/// Opens a page token. No input may be accepted: the fuzzer does not know the key.
///
/// # Panics
/// When a forged token is accepted.
pub fn page_token(input: &[u8]) {
    let Ok(token) = std::str::from_utf8(input) else { return };
    let key = key();
    let provider = ServiceProviderId::from_uuid(uuid::Uuid::from_u128(1));
    assert!(
        PageTokens::new(&key, 1_000, provider, None).open(token).is_err(),
        "a forged page token was accepted"
    );
}

/// Reads an `Authorization` header and opens the token in it. No input may be accepted.
///
/// # Panics
/// When a forged token is accepted.
pub fn bearer_header(input: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(input) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value);
    if let Ok(token) = bearer_token(&headers) {
        assert!(AccessTokens::new(key()).open(token).is_none(), "a forged access token was accepted");
    }
}
