//! What page tokens of every list have in common: a place and when it was issued, with a tag over them and over what the
//! list is of. The list is not in the token: it comes with the request that presents it.
//!
//! base64url of: issued (8 bytes, seconds, big endian), the place, and half an HMAC-SHA256 (16 bytes). Which key signed it is
//! found by trying those that may have.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jackfield_model::limit;
use ring::hmac;

use super::signing::SigningKeys;

const TAG_BYTES: usize = 16;

/// Why a token leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// It is not of this list.
    Foreign,
    /// It is older than 24 hours.
    Expired,
}

/// The list that tokens are of.
pub(super) trait List {
    /// Bytes of its longest place.
    const PLACE_BYTES: usize;

    /// Feeds what the list is of, and `said`, to the tag. No two different lists feed the same bytes.
    fn feed(&self, said: &[u8], part: impl FnMut(&[u8]));
}

/// The token of a place.
pub(super) fn issue(list: &impl List, now: u64, keys: &SigningKeys, place: &str) -> String {
    let mut token = Vec::with_capacity(8 + place.len() + TAG_BYTES);
    token.extend(now.to_be_bytes());
    token.extend(place.as_bytes());
    let tag = sign(list, &keys.current().page_token, &token);
    token.extend(&tag.as_ref()[..TAG_BYTES]);
    URL_SAFE_NO_PAD.encode(token)
}

/// The place that a token was issued for.
pub(super) fn open<L: List>(list: &L, now: u64, keys: &SigningKeys, token: &str) -> Result<String, Rejected> {
    if token.len() > longest::<L>() {
        return Err(Rejected::Foreign);
    }
    let token = URL_SAFE_NO_PAD.decode(token).map_err(|_| Rejected::Foreign)?;
    let (said, tag) = token.split_last_chunk::<TAG_BYTES>().ok_or(Rejected::Foreign)?;
    let (issued, place) = said.split_first_chunk().ok_or(Rejected::Foreign)?;
    let issued = u64::from_be_bytes(*issued);
    keys.alive(now, limit::PAGE_TOKEN_SECONDS)
        .find(|key| key.could_sign_at(issued) && signed(list, &key.page_token, said, tag))
        .ok_or(Rejected::Foreign)?;
    if now.saturating_sub(issued) >= limit::PAGE_TOKEN_SECONDS {
        return Err(Rejected::Expired);
    }
    std::str::from_utf8(place).map(str::to_owned).map_err(|_| Rejected::Foreign)
}

/// Longest token in bytes: the longest place with time and tag, in base64.
pub(super) const fn longest<L: List>() -> usize {
    (8 + L::PLACE_BYTES + TAG_BYTES).div_ceil(3) * 4
}

/// Whether this key made the tag. Compares tags of tags, which takes the same time wherever the two differ.
fn signed(list: &impl List, key: &hmac::Key, said: &[u8], tag: &[u8; TAG_BYTES]) -> bool {
    let expected = hmac::sign(key, &sign(list, key, said).as_ref()[..TAG_BYTES]);
    hmac::verify(key, tag, expected.as_ref()).is_ok()
}

fn sign(list: &impl List, key: &hmac::Key, said: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    list.feed(said, |bytes| {
        // Lengths keep the parts apart: no two different inputs give the same bytes.
        context.update(&(bytes.len() as u64).to_be_bytes());
        context.update(bytes);
    });
    context.sign()
}
