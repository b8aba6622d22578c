//! Page tokens of the lists of the calling family, bound to the organization and the list: see `place_token`. They stand in
//! URLs as they are.

use jackfield_model::{OrganizationId, limit};
use thiserror::Error;

use super::place_token::{self, List, Rejected};
use super::signing::SigningKeys;

/// Why a token is refused. The text is the public message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum InvalidListToken {
    #[error("nextToken is not a token of this list; send the one from its previous page.")]
    Foreign,
    #[error("nextToken has expired; it is valid for 24 hours. Start again without it.")]
    Expired,
}

impl From<Rejected> for InvalidListToken {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Foreign => Self::Foreign,
            Rejected::Expired => Self::Expired,
        }
    }
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
        place_token::issue(self, self.now, keys, place)
    }

    /// The place that the token was issued for.
    pub(crate) fn open(&self, keys: &SigningKeys, token: &str) -> Result<String, InvalidListToken> {
        Ok(place_token::open(self, self.now, keys, token)?)
    }
}

impl List for ListTokens<'_> {
    /// That of the deepest unit: the ids of all units above it.
    const PLACE_BYTES: usize = limit::UNIT_LEVELS as usize * (limit::ID_SUFFIX_CHARS + 1);

    fn feed(&self, said: &[u8], mut part: impl FnMut(&[u8])) {
        part(b"list");
        part(self.organization.as_str().as_bytes());
        part(said);
        self.list.iter().for_each(|name| part(name.as_bytes()));
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
