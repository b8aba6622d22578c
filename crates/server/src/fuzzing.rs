//! The parsers of unauthenticated input, for the fuzz targets.

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue};
use jackfield_model::ServiceProviderId;
use jackfield_store::RootKey;

use crate::auth::bearer_token;
use crate::credential::page_token::PageTokens;
use crate::credential::signing::SigningKeys;

fn keys() -> SigningKeys {
    SigningKeys::derive(&RootKey::new([7; 32]), std::sync::Arc::default())
}

/// Opens a page token. No input may be accepted: the fuzzer does not know the key.
///
/// # Panics
/// When a forged token is accepted.
pub fn page_token(input: &[u8]) {
    let Ok(token) = std::str::from_utf8(input) else { return };
    let provider = ServiceProviderId::from_uuid(uuid::Uuid::from_u128(1));
    assert!(
        PageTokens::new(1_000, provider, None).open(&keys(), token).is_err(),
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
        assert!(keys().open(token).is_err(), "a forged access token was accepted");
    }
}
