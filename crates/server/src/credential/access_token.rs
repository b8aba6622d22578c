//! Access tokens: self-contained and signed, so that a check costs no read of any store and holds on every node
//! that shares the signing keys.
//!
//! `Atza|` + base64url of: version (1 byte), in versions 3 and 4 the number of the key (4), issued and expires (8 bytes each, seconds), generation of the client
//! (4), length and text of the client id (2 + n), length and text of the scopes (2 + n), in versions 2 and 4 the id of the
//! refresh token that it came from (8), random bytes up to a length that clients of the vendor expect, HMAC-SHA256
//! over all of it (32). Numbers are big endian. Versions 1 and 2 are signed by the first key.
//!
//! A client sends the same header with each of its requests, so a cache holds the claims of recent ones: a look-up by
//! the header, in a map with a keyed hash of its last bytes, instead of parsing, decoding and HMAC. Only headers with
//! tokens of this service get into the map, one for each token, so an unauthenticated client cannot fill it, and
//! nobody can choose collisions. The cache holds only what does not change; the server checks each time whether the
//! token is still valid.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jackfield_model::{ScopeSet, limit, scope};
use jackfield_store::registry::{Client, FIRST_KEY, RefreshTokenId, Registry};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use super::claims::{Accounts, Claims, Header, HeaderBytes, RecentToken};
use super::encoding::{push_text, take_text};
use super::signing::{NotOpened, SigningKeys};

/// What every access token begins with.
pub(crate) const PREFIX: &str = "Atza|";
/// A token that stands on its own.
const VERSION_ALONE: u8 = 1;
/// A token that is valid no longer than the refresh token that it came from.
const VERSION_REFRESHED: u8 = 2;
/// What is added to a version where the number of the key follows.
const VERSION_KEY_NAMED: u8 = 2;
const TAG_BYTES: usize = 32;
/// Signed bytes of a token with few scopes: with tag, base64 and prefix a little over the least length.
const SIGNED_BYTES_MIN: usize = 232;
const RANDOM_BYTES_MIN: usize = 16;
/// What a token is issued for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issue<'a> {
    pub(crate) client: &'a Client,
    /// The time now, in seconds since 1970.
    pub(crate) now: u64,
    /// Seconds.
    pub(crate) life: u64,
    pub(crate) scopes: &'a ScopeSet,
    /// The refresh token that it ends with.
    pub(crate) refresh: Option<RefreshTokenId>,
}

impl SigningKeys {
    /// Issues a token for a client.
    pub(crate) fn issue(&self, issue: Issue<'_>) -> String {
        let Issue { client, now, life, scopes, refresh } = issue;
        let key = self.current();
        let scopes = scopes.to_string();
        let mut token = Vec::with_capacity(SIGNED_BYTES_MIN + TAG_BYTES + scopes.len());
        let version = if refresh.is_some() { VERSION_REFRESHED } else { VERSION_ALONE };
        token.push(version + key.named().map_or(0, |_| VERSION_KEY_NAMED));
        token.extend(key.named().iter().flat_map(|id| id.to_be_bytes()));
        token.extend(now.to_be_bytes());
        token.extend(now.saturating_add(life).to_be_bytes());
        token.extend(client.token_generation.to_be_bytes());
        push_text(&mut token, client.id.as_str());
        push_text(&mut token, &scopes);
        token.extend(refresh.iter().flat_map(|id| id.0));
        let start = token.len();
        token.resize((start + RANDOM_BYTES_MIN).max(SIGNED_BYTES_MIN), 0);
        SystemRandom::new().fill(&mut token[start..]).expect("the operating system gives randomness");
        let tag = hmac::sign(&key.access_token, &token);
        token.extend(tag.as_ref());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token))
    }

    /// The claims of a token, when this directory issued it. The caller has to check whether it is still valid.
    pub(crate) fn open(&self, token: &str) -> Result<Arc<Claims>, NotOpened> {
        if token.len() > limit::BEARER_TOKEN_BYTES {
            return Err(NotOpened::Foreign);
        }
        let encoded = token.strip_prefix(PREFIX).ok_or(NotOpened::Foreign)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| NotOpened::Foreign)?;
        let (signed, tag) = bytes.split_last_chunk::<TAG_BYTES>().ok_or(NotOpened::Foreign)?;
        let (id, version, rest) = key_of(signed).ok_or(NotOpened::Foreign)?;
        let key = self.for_id(id)?;
        hmac::verify(&key.access_token, signed, tag).map_err(|_| NotOpened::Foreign)?;
        key.judge(parse(version, rest).ok_or(NotOpened::Foreign)?).map(Arc::new)
    }

    /// The token in a header, when it is in the cache and its accounts are those of this registry.
    pub(crate) fn known(&self, header: &[u8], registry: &Arc<Registry>) -> Option<Arc<RecentToken>> {
        let recent = self.known.get(&HeaderBytes(header))?;
        if recent.is_of(registry) { Some(recent) } else { self.renewed(header, &recent, registry) }
    }

    /// The same token with the accounts of another registry; nothing where its client is not there.
    #[cold]
    fn renewed(
        &self,
        header: &[u8],
        recent: &RecentToken,
        registry: &Arc<Registry>,
    ) -> Option<Arc<RecentToken>> {
        let client = registry.clients.get(&*recent.claims.client)?;
        let accounts = Accounts::of(registry, Arc::clone(client));
        Some(self.keep(header, &recent.claims, registry, &accounts))
    }

    /// Caches the token in a header.
    pub(crate) fn keep(
        &self,
        header: &[u8],
        claims: &Arc<Claims>,
        registry: &Arc<Registry>,
        accounts: &Arc<Accounts>,
    ) -> Arc<RecentToken> {
        let recent = Arc::new(RecentToken::new(Arc::clone(claims), registry, Arc::clone(accounts)));
        self.known.insert(Header(header.into()), Arc::clone(&recent));
        recent
    }
}

/// Whether a text that [`SigningKeys::open`] refuses at least looks like an access token: then it was changed, or
/// issued by another directory.
pub(crate) fn has_form(token: &str) -> bool {
    let decoded = || token.strip_prefix(PREFIX).and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok());
    token.len() <= limit::BEARER_TOKEN_BYTES && decoded().is_some_and(|bytes| bytes.len() > TAG_BYTES)
}

/// The number of the key, the version that the token would have had from the first key, and what follows.
fn key_of(signed: &[u8]) -> Option<(u32, u8, &[u8])> {
    match signed.split_first()? {
        (version @ (&VERSION_ALONE | &VERSION_REFRESHED), rest) => Some((FIRST_KEY, *version, rest)),
        (version, rest) => {
            let (id, rest) = rest.split_first_chunk()?;
            Some((u32::from_be_bytes(*id), version.checked_sub(VERSION_KEY_NAMED)?, rest))
        }
    }
}

fn parse(version: u8, rest: &[u8]) -> Option<Claims> {
    let (issued, rest) = rest.split_first_chunk()?;
    let (expires, rest) = rest.split_first_chunk()?;
    let (generation, rest) = rest.split_first_chunk()?;
    let (client, rest) = take_text(rest)?;
    let (scopes, rest) = take_text(rest)?;
    let refresh = match version {
        VERSION_ALONE => None,
        VERSION_REFRESHED => Some(RefreshTokenId(*rest.first_chunk()?)),
        _ => return None,
    };
    Some(Claims {
        client: client.into(),
        generation: u32::from_be_bytes(*generation),
        issued: u64::from_be_bytes(*issued),
        expires: u64::from_be_bytes(*expires),
        scopes: scopes.into(),
        service_provider: scopes.split(' ').any(|scope| scope == scope::SERVICE_PROVIDER),
        refresh,
    })
}

#[cfg(test)]
mod tests {
    use jackfield_model::ClientId;
    use jackfield_store::RootKey;
    use jackfield_store::registry::SecretHash;

    use super::super::signing::tests::signing_keys;
    use super::*;

    fn tokens(key: u8) -> SigningKeys {
        SigningKeys::derive(&RootKey::new([key; 32]), Arc::default())
    }

    fn client(suffix_length: usize, generation: u32) -> Client {
        let id = ClientId::new(&format!("{}{}", ClientId::PREFIX, "a".repeat(suffix_length))).unwrap();
        Client {
            id: id.into(),
            organization: "amzn1.alexa.unit.did.o".parse().unwrap(),
            secret_hash: SecretHash([0; 32]),
            scopes: ScopeSet::default(),
            rate_limit: None,
            redirect_uris: vec![],
            enabled: true,
            public: false,
            token_generation: generation,
            refresh_tokens: vec![],
            spent_codes: vec![],
        }
    }

    fn issued(client: &Client, scopes: &ScopeSet, refresh: Option<RefreshTokenId>) -> String {
        tokens(7).issue(Issue { client, now: 1_000, life: 3_600, scopes, refresh })
    }

    #[test]
    fn a_token_says_what_was_put_in() {
        let scopes = ScopeSet::parse("amazon_communication::service_provider profile").unwrap();
        for refresh in [None, Some(RefreshTokenId([9; 8]))] {
            let client = client(32, 3);
            let token = issued(&client, &scopes, refresh);
            let tokens = tokens(7);
            let claims = tokens.open(&token).unwrap();
            assert_eq!(&*claims.client, client.id.as_str());
            assert_eq!((claims.generation, claims.issued, claims.expires), (3, 1_000, 4_600));
            assert_eq!((&*claims.scopes, claims.refresh), (&*scopes.to_string(), refresh));
            let client = Arc::new(client);
            let mut registry = Registry::default();
            registry.clients.insert(ClientId::clone(&client.id), Arc::clone(&client));
            let (registry, empty) = (Arc::new(registry), Arc::new(Registry::default()));
            let known = |header: &[u8], registry: &Arc<Registry>| {
                tokens.known(header, registry).map(|recent| Arc::clone(&recent.claims))
            };
            assert_eq!(known(token.as_bytes(), &registry), None);
            let accounts = Accounts::of(&empty, client);
            tokens.keep(token.as_bytes(), &claims, &empty, &accounts);
            assert_eq!(known(&token.as_bytes()[1..], &empty), None);
            // Another registry has accounts of its own; one without the client has none.
            for registry in [&empty, &registry, &registry] {
                assert_eq!(known(token.as_bytes(), registry), Some(Arc::clone(&claims)));
            }
            assert_eq!(known(token.as_bytes(), &empty), None);
        }
    }

    #[test]
    fn tokens_stay_within_the_bounds() {
        let most = vec!["a".repeat(124); 8]
            .iter()
            .enumerate()
            .map(|(n, s)| format!("{n}{}", &s[1..]))
            .collect::<Vec<_>>();
        for (suffix, scopes) in [(1, String::new()), (32, "profile".to_owned()), (255, most.join(" "))] {
            let token =
                issued(&client(suffix, 0), &ScopeSet::parse(&scopes).unwrap(), Some(RefreshTokenId([9; 8])));
            let length = token.len();
            assert!(
                (limit::ISSUED_TOKEN_MIN_BYTES..=limit::BEARER_TOKEN_BYTES).contains(&length),
                "{length}"
            );
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.|".contains(c);
            assert!(token.chars().all(allowed));
            assert!(tokens(7).open(&token).is_ok());
        }
    }

    #[test]
    fn a_changed_token_is_refused() {
        let token = issued(&client(32, 0), &ScopeSet::default(), None);
        let tokens = (tokens(7), tokens(8));
        assert_eq!(tokens.1.open(&token), Err(NotOpened::Foreign), "another directory's key");
        let open = |token: &str| tokens.0.open(token);
        assert!(has_form(&token) && !has_form(&token[1..]) && !has_form("Atza|nonsense"));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character carries two bits that base64 without padding must find to be zero.
            assert!(open(&changed).is_err(), "changed at {at}");
        }
        assert!(open(&token[..token.len() - 1]).is_err());
        assert!(open("Atza|").is_err());
        assert!(open(&format!("Atza|{}", "A".repeat(5_000))).is_err());
    }

    #[tokio::test]
    async fn a_token_is_opened_by_the_key_that_signed_it() {
        let (none, one, two) = (
            signing_keys(7, &[]).await,
            signing_keys(7, &[5_000]).await,
            signing_keys(7, &[5_000, 6_000]).await,
        );
        let (client, scopes) = (client(32, 0), ScopeSet::default());
        let issue = |keys: &SigningKeys, now, life| {
            keys.issue(Issue { client: &client, now, life, scopes: &scopes, refresh: None })
        };
        let old = issue(&none, 4_000, 3_600);
        assert_eq!(two.open(&old).unwrap().expires, 7_600, "good until it expires");
        let new = issue(&one, 5_000, 3_600);
        assert_eq!((one.open(&new).is_ok(), two.open(&new).is_ok()), (true, true));
        assert_eq!(none.open(&new), Err(NotOpened::UnknownKey), "a node that has not heard of the rotation");
        assert!(new.len() <= limit::BEARER_TOKEN_BYTES);
        // The holder of a retired key dates a token later, or gives it a longer lifetime than any.
        let grace = limit::KEY_GRACE_SECONDS;
        assert!(one.open(&issue(&none, 5_000 + grace, 60)).is_ok());
        assert_eq!(one.open(&issue(&none, 5_001 + grace, 60)), Err(NotOpened::Foreign));
        let end = 5_000 + grace + limit::ACCESS_TOKEN_MAX_SECONDS;
        assert_eq!(one.open(&issue(&none, 4_000, u64::MAX)).unwrap().expires, end);
        assert_eq!(none.open(&issue(&none, 4_000, u64::MAX)).unwrap().expires, u64::MAX);
        for at in 5..new.len() {
            let mut changed = new.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(two.open(&String::from_utf8(changed).unwrap()).is_err(), "changed at {at}");
        }
    }

    #[test]
    fn two_tokens_are_never_the_same() {
        let token = || issued(&client(32, 0), &ScopeSet::default(), None);
        assert_ne!(token(), token());
    }
}
