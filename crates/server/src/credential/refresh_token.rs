//! Refresh tokens that say which family they are of: the tokens that replace each other.
//!
//! `Atzr|` + base64url of: version (1 byte), id of the family (8), how many were replaced before it (4), random bytes
//! (16), HMAC-SHA256 over all of it (32). Numbers are big endian. The store decides whether a token is the valid one
//! of its family: it keeps the hash of that one. Tokens that operators issue or bring along say nothing of a family;
//! they begin one when they are replaced.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jackfield_store::registry::RefreshTokenId;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use super::encoding::random_text;

/// What every refresh token begins with.
pub(crate) const PREFIX: &str = "Atzr|";

const VERSION: u8 = 1;
const TAG_BYTES: usize = 32;
const RANDOM_BYTES: usize = 16;
/// Length of the base64 text of every such token.
const TEXT_BYTES: usize = ((1 + 8 + 4 + RANDOM_BYTES + TAG_BYTES) * 4).div_ceil(3);

/// A place in a family of refresh tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) family: RefreshTokenId,
    /// How many tokens of the family were replaced before this one.
    pub(crate) number: u32,
}

impl Member {
    /// The first of a new family.
    pub(crate) fn first() -> Self {
        let mut family = [0; 8];
        fill(&mut family);
        Self { family: RefreshTokenId(family), number: 0 }
    }

    /// The one that replaces this one.
    pub(crate) const fn next(self) -> Self {
        Self { family: self.family, number: self.number.saturating_add(1) }
    }

    /// A token for this place; another one each time.
    pub(crate) fn seal(self, key: &hmac::Key) -> String {
        let mut token = vec![VERSION];
        token.extend(self.family.0);
        token.extend(self.number.to_be_bytes());
        let mut random = [0; RANDOM_BYTES];
        fill(&mut random);
        token.extend(random);
        let tag = hmac::sign(key, &token);
        token.extend(tag.as_ref());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token))
    }

    /// The place of a token, when this directory issued it and it says it.
    pub(crate) fn open(key: &hmac::Key, text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX).filter(|encoded| encoded.len() == TEXT_BYTES)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (signed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        hmac::verify(key, signed, tag).ok()?;
        let ([VERSION], rest) = signed.split_first_chunk()? else { return None };
        let (family, rest) = rest.split_first_chunk()?;
        let (number, _) = rest.split_first_chunk()?;
        Some(Self { family: RefreshTokenId(*family), number: u32::from_be_bytes(*number) })
    }
}

fn fill(bytes: &mut [u8]) {
    SystemRandom::new().fill(bytes).expect("the operating system gives randomness");
}

/// A fresh refresh token that says nothing of a family.
pub(crate) fn random() -> String {
    format!("{PREFIX}{}", random_text::<32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_its_family_and_cannot_be_made_by_others() {
        let key = |byte| hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]);
        let first = Member::first();
        let token = first.next().seal(&key(1));
        assert_eq!(Member::open(&key(1), &token), Some(Member { family: first.family, number: 1 }));
        assert_eq!(Member::open(&key(2), &token), None, "another directory's key");
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(Member::open(&key(1), &String::from_utf8(changed).unwrap()), None, "changed at {at}");
        }
        assert_eq!(Member::open(&key(1), &format!("{PREFIX}{}", "A".repeat(43))), None);
        assert_ne!(first.seal(&key(1)), first.seal(&key(1)), "no two are the same");
        assert_ne!(first, Member::first());
    }
}
