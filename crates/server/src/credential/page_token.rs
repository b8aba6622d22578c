//! Page tokens: where a walk continues, bound to the provider and the filter, unforgeable, valid for 24 hours: see
//! `place_token`.

use jackfield_model::{ExternalUserId, ServiceProviderId, limit};
use thiserror::Error;

use super::place_token::{self, List, Rejected};
use super::signing::SigningKeys;

/// Why a page token is refused. The text is the public message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum InvalidPageToken {
    #[error("paginationContext.nextToken is not a token of this query; send the one from its previous page.")]
    Foreign,
    #[error("paginationContext.nextToken has expired; it is valid for 24 hours. Start again without it.")]
    Expired,
}

impl From<Rejected> for InvalidPageToken {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Foreign => Self::Foreign,
            Rejected::Expired => Self::Expired,
        }
    }
}

/// Issues and reads the page tokens of one query.
pub(crate) struct PageTokens<'a> {
    now: u64,
    provider: ServiceProviderId,
    filter: Option<&'a [ExternalUserId]>,
}

impl<'a> PageTokens<'a> {
    /// `filter` is sorted and without repeats.
    pub(crate) const fn new(
        now: u64,
        provider: ServiceProviderId,
        filter: Option<&'a [ExternalUserId]>,
    ) -> Self {
        Self { now, provider, filter }
    }

    /// The token of a page that ended with `last`.
    pub(crate) fn issue(&self, keys: &SigningKeys, last: &ExternalUserId) -> String {
        place_token::issue(self, self.now, keys, last.as_str())
    }

    /// The last id of the page that the token was issued for.
    pub(crate) fn open(&self, keys: &SigningKeys, token: &str) -> Result<ExternalUserId, InvalidPageToken> {
        let last = place_token::open(self, self.now, keys, token)?;
        ExternalUserId::new(&last).map_err(|_| InvalidPageToken::Foreign)
    }
}

impl List for PageTokens<'_> {
    /// That of an id of 256 four-byte characters.
    const PLACE_BYTES: usize = 4 * limit::EXTERNAL_USER_ID_CHARS;

    fn feed(&self, said: &[u8], mut part: impl FnMut(&[u8])) {
        part(self.provider.as_uuid().as_bytes());
        part(said);
        match self.filter {
            None => part(b"all"),
            Some(ids) => {
                part(b"ids");
                ids.iter().for_each(|id| part(id.as_str().as_bytes()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: usize = place_token::longest::<PageTokens<'_>>();

    const PROVIDER: ServiceProviderId = ServiceProviderId::from_uuid(uuid::Uuid::from_u128(1));

    fn keys(byte: u8) -> SigningKeys {
        SigningKeys::derive(&jackfield_store::RootKey::new([byte; 32]), std::sync::Arc::default())
    }

    fn id(text: &str) -> ExternalUserId {
        ExternalUserId::new(text).unwrap()
    }

    #[test]
    fn a_token_is_bound_to_provider_and_filter() {
        let keys = keys(7);
        let filter = [id("a"), id("b")];
        let tokens = PageTokens::new(1_000, PROVIDER, None);
        let token = tokens.issue(&keys, &id("7201"));
        assert_eq!(tokens.open(&keys, &token), Ok(id("7201")));
        let other = ServiceProviderId::from_uuid(uuid::Uuid::from_u128(2));
        for foreign in [PageTokens::new(1_000, other, None), PageTokens::new(1_000, PROVIDER, Some(&filter))]
        {
            assert_eq!(foreign.open(&keys, &token), Err(InvalidPageToken::Foreign));
        }
        assert_eq!(tokens.open(&super::tests::keys(8), &token), Err(InvalidPageToken::Foreign));
        let filtered = PageTokens::new(1_000, PROVIDER, Some(&filter));
        assert_eq!(filtered.open(&keys, &filtered.issue(&keys, &id("a"))), Ok(id("a")));
        assert_eq!(tokens.open(&keys, &filtered.issue(&keys, &id("a"))), Err(InvalidPageToken::Foreign));
    }

    #[test]
    fn a_token_expires_after_24_hours() {
        let keys = keys(7);
        let token = PageTokens::new(1_000, PROVIDER, None).issue(&keys, &id("7201"));
        let at = |now| PageTokens::new(now, PROVIDER, None).open(&keys, &token);
        assert!(at(1_000 + limit::PAGE_TOKEN_SECONDS - 1).is_ok());
        assert_eq!(at(1_000 + limit::PAGE_TOKEN_SECONDS), Err(InvalidPageToken::Expired));
        assert!(at(999).is_ok(), "another node's clock may be a little ahead");
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let keys = keys(7);
        let tokens = PageTokens::new(1_000, PROVIDER, None);
        let token = tokens.issue(&keys, &id("7201"));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(tokens.open(&keys, std::str::from_utf8(&changed).unwrap()).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn the_longest_id_fits() {
        let keys = keys(7);
        let tokens = PageTokens::new(1_000, PROVIDER, None);
        let longest = id(&"\u{1f3e8}".repeat(limit::EXTERNAL_USER_ID_CHARS));
        let token = tokens.issue(&keys, &longest);
        assert!(token.len() <= LONGEST);
        assert_eq!(tokens.open(&keys, &token), Ok(longest));
        assert_eq!(tokens.open(&keys, &"A".repeat(LONGEST + 4)), Err(InvalidPageToken::Foreign));
    }

    #[tokio::test]
    async fn a_walk_goes_on_over_a_rotation() {
        use super::super::signing::tests::signing_keys;
        let (before, after) = (signing_keys(7, &[]).await, signing_keys(7, &[2_000]).await);
        let at = |now| PageTokens::new(now, PROVIDER, None);
        let token = at(1_500).issue(&before, &id("7201"));
        assert_eq!(at(3_000).open(&after, &token), Ok(id("7201")));
        let next = at(3_000).issue(&after, &id("7202"));
        assert_eq!(at(3_001).open(&after, &next), Ok(id("7202")));
        assert_eq!(at(3_001).open(&before, &next), Err(InvalidPageToken::Foreign));
        let forged = at(2_001 + limit::KEY_GRACE_SECONDS).issue(&before, &id("7201"));
        assert_eq!(at(3_000).open(&after, &forged), Err(InvalidPageToken::Foreign), "of a retired key");
    }
}
