//! Page tokens of the lists of the calling family: where a walk goes on, bound to the organization and the list,
//! unforgeable, valid for 24 hours. They stand in URLs as they are.
//!
//! base64url of: issued (8 bytes, seconds, big endian), the place in the list, and half an HMAC-SHA256 (16 bytes) over
//! organization, list and both.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jackfield_model::{OrganizationId, limit};
use ring::hmac;
use thiserror::Error;

use super::signing::SigningKeys;

const TAG_BYTES: usize = 16;
/// Longest token in bytes: the place of the deepest unit, with time and tag, in base64.
const TOKEN_BYTES_MAX: usize =
    (8 + limit::UNIT_LEVELS as usize * (limit::ID_SUFFIX_CHARS + 1) + TAG_BYTES).div_ceil(3) * 4;

/// Why a token is refused. The text is the public message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum InvalidListToken {
    #[error("nextToken is not a token of this list; send the one from its previous page.")]
    Foreign,
    #[error("nextToken has expired; it is valid for 24 hours. Start again without it.")]
    Expired,
}

/// Issues and reads the page tokens of one list.
pub(crate) struct ListTokens<'a> {
    now: u64,
    organization: &'a OrganizationId,
    list: &'a [&'a str],
}

impl<'a> ListTokens<'a> {
    pub(crate) const fn new(now: u64, organization: &'a OrganizationId, list: &'a [&'a str]) -> Self {
        Self { now, organization, list }
    }

    /// The token of a page that ended at this place.
    pub(crate) fn issue(&self, keys: &SigningKeys, place: &str) -> String {
        let mut token = Vec::with_capacity(8 + place.len() + TAG_BYTES);
        token.extend(self.now.to_be_bytes());
        token.extend(place.as_bytes());
        let tag = self.sign(&keys.current().page_token, &token);
        token.extend(&tag.as_ref()[..TAG_BYTES]);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The place that the token was issued for.
    pub(crate) fn open(&self, keys: &SigningKeys, token: &str) -> Result<String, InvalidListToken> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(InvalidListToken::Foreign);
        }
        let token = URL_SAFE_NO_PAD.decode(token).map_err(|_| InvalidListToken::Foreign)?;
        let (said, tag) = token.split_last_chunk::<TAG_BYTES>().ok_or(InvalidListToken::Foreign)?;
        let (issued, place) = said.split_first_chunk().ok_or(InvalidListToken::Foreign)?;
        let issued = u64::from_be_bytes(*issued);
        keys.alive(self.now, limit::PAGE_TOKEN_SECONDS)
            .find(|key| key.could_sign_at(issued) && self.signed(&key.page_token, said, tag))
            .ok_or(InvalidListToken::Foreign)?;
        if self.now.saturating_sub(issued) >= limit::PAGE_TOKEN_SECONDS {
            return Err(InvalidListToken::Expired);
        }
        std::str::from_utf8(place).map(str::to_owned).map_err(|_| InvalidListToken::Foreign)
    }

    /// Whether this key made the tag. Compares tags of tags, which takes the same time wherever the two differ.
    fn signed(&self, key: &hmac::Key, said: &[u8], tag: &[u8; TAG_BYTES]) -> bool {
        let expected = hmac::sign(key, &self.sign(key, said).as_ref()[..TAG_BYTES]);
        hmac::verify(key, tag, expected.as_ref()).is_ok()
    }

    fn sign(&self, key: &hmac::Key, said: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(key);
        let mut part = |bytes: &[u8]| {
            // Lengths keep the parts apart: no two different inputs give the same bytes.
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        part(b"list");
        part(self.organization.as_str().as_bytes());
        part(said);
        self.list.iter().for_each(|name| part(name.as_bytes()));
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(byte: u8) -> SigningKeys {
        SigningKeys::derive(&jackfield_store::RootKey::new([byte; 32]), std::sync::Arc::default())
    }

    fn organization(suffix: &str) -> OrganizationId {
        OrganizationId::from_suffix(suffix).unwrap()
    }

    #[test]
    fn a_token_is_bound_to_organization_and_list() {
        let (keys, north, south) = (keys(7), organization("north"), organization("south"));
        let tokens = ListTokens::new(1_000, &north, &["units", "2"]);
        let token = tokens.issue(&keys, "a\u{0}b");
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
        assert_eq!(tokens.open(&keys, &token), Ok("a\u{0}b".to_owned()));
        for foreign in [
            ListTokens::new(1_000, &south, &["units", "2"]),
            ListTokens::new(1_000, &north, &["units", "3"]),
            ListTokens::new(1_000, &north, &["units2"]),
        ] {
            assert_eq!(foreign.open(&keys, &token), Err(InvalidListToken::Foreign));
        }
        assert_eq!(tokens.open(&super::tests::keys(8), &token), Err(InvalidListToken::Foreign));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(tokens.open(&keys, std::str::from_utf8(&changed).unwrap()).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn a_token_expires_after_24_hours() {
        let (keys, north) = (keys(7), organization("north"));
        let token = ListTokens::new(1_000, &north, &["units"]).issue(&keys, "a");
        let at = |now| ListTokens::new(now, &north, &["units"]).open(&keys, &token);
        assert!(at(1_000 + limit::PAGE_TOKEN_SECONDS - 1).is_ok());
        assert_eq!(at(1_000 + limit::PAGE_TOKEN_SECONDS), Err(InvalidListToken::Expired));
    }
}
