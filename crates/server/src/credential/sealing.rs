//! Secrets of others that have to be used again, so that a hash does not suffice: encrypted, each for its own place.
//!
//! The key derives from that of the directory, which stands beside them in the store. So a copy of the store opens them; a
//! list, a change record, a log or a dump of rows does not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

/// Encrypts and opens secrets. `ring`'s debug form shows the algorithm only.
#[derive(Debug)]
pub(crate) struct SealingKey(LessSafeKey);

impl SealingKey {
    /// The key of these 32 bytes.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let key =
            UnboundKey::new(&CHACHA20_POLY1305, bytes).expect("the key has the length of this algorithm");
        Self(LessSafeKey::new(key))
    }

    /// Encrypts a secret for a place.
    pub(crate) fn seal(&self, place: &str, secret: &[u8]) -> String {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).expect("the operating system gives randomness");
        let mut sealed = secret.to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut sealed,
            )
            .expect("a secret is not too long for this algorithm");
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// The secret that was encrypted for this place; nothing when it was not, or not by this key.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut secret = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, Aad::from(place.as_bytes()), &mut secret).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_opened_in_its_place_by_its_key() {
        let (key, other) = (SealingKey::new(&[1; 32]), SealingKey::new(&[2; 32]));
        let sealed = key.seal("here", b"hush");
        assert_ne!(sealed, key.seal("here", b"hush"), "the same secret does not show");
        assert_eq!(key.open("here", &sealed).as_deref(), Some(&b"hush"[..]));
        assert_eq!(key.open("there", &sealed), None);
        assert_eq!(other.open("here", &sealed), None);
        for damaged in ["", "AAAA", &sealed[..sealed.len() - 2]] {
            assert_eq!(key.open("here", damaged), None);
        }
        assert!(!format!("{key:?}").contains("1, 1"), "{key:?}");
    }
}
