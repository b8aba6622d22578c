//! How tokens and codes are written: texts with their length, and random ones.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

/// Adds a text and its length.
pub(super) fn push_text(token: &mut Vec<u8>, text: &str) {
    push_bytes(token, text.as_bytes());
}

/// Adds bytes and their length.
pub(super) fn push_bytes(token: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).expect("what stands in tokens is bounded far below 64 KiB");
    token.extend(length.to_be_bytes());
    token.extend(bytes);
}

/// `N` random bytes as base64url: secrets for clients and operators.
pub(crate) fn random_text<const N: usize>() -> String {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The text at the beginning, and what follows.
pub(super) fn take_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (text, rest) = take_bytes(bytes)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

/// The bytes at the beginning, and what follows.
pub(super) fn take_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
