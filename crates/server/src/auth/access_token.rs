//! Access tokens: self-contained and signed, so that a check costs no read of any store and holds on every node
//! that shares the root key.
//!
//! `Atza|` + base64url of: version (1 byte), issued and expires (8 bytes each, seconds), generation of the client
//! (4), length and text of the client id (2 + n), length and text of the scopes (2 + n), in version 2 the id of the
//! refresh token that it came from (8), random bytes up to a length that clients of the vendor expect, HMAC-SHA256
//! over all of it (32). Numbers are big endian.
//!
//! A client sends the same header with each of its requests, so what the last ones held is kept: a look-up by all bytes
//! of the header, in a map with a keyed hash, in the place of parsing, decoding and HMAC. Only headers with tokens of ours get
//! into the map, one for each token, so strangers cannot fill it, and nobody can choose what collides in it. Only what does not change is kept; whether
//! the token still holds is judged anew each time.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foldhash::quality::RandomState;
use jackfield_model::{ScopeSet, limit};
use jackfield_store::registry::{Client, RefreshTokenId};
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// What every access token begins with.
pub(crate) const PREFIX: &str = "Atza|";
/// What every refresh token begins with.
pub(crate) const REFRESH_PREFIX: &str = "Atzr|";

/// A token that stands on its own.
const VERSION_ALONE: u8 = 1;
/// A token that lives no longer than the refresh token that it came from.
const VERSION_REFRESHED: u8 = 2;
const TAG_BYTES: usize = 32;
/// Signed bytes of a token with few scopes: with tag, base64 and prefix a little over the least length.
const SIGNED_BYTES_MIN: usize = 232;
const RANDOM_BYTES_MIN: usize = 16;
/// Headers that are kept; with the longest tokens they take about 4 MB.
const KNOWN_MAX: usize = 1_024;

type Known = Cache<Box<[u8]>, Arc<Claims>, UnitWeighter, RandomState>;

/// The access tokens of one directory.
pub(crate) struct AccessTokens {
    key: hmac::Key,
    /// By the bytes of the header.
    known: Known,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The id of the client that it was issued to.
    pub(crate) client: Box<str>,
    /// The client's token generation when it was issued.
    pub(crate) generation: u32,
    /// When it was issued, in seconds since 1970.
    pub(crate) issued: u64,
    /// When it expires, in seconds since 1970.
    pub(crate) expires: u64,
    /// Its scopes, separated by spaces.
    pub(crate) scopes: Box<str>,
    /// The refresh token that it came from.
    pub(crate) refresh: Option<RefreshTokenId>,
}

/// What a token is issued for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Issue<'a> {
    pub(crate) client: &'a Client,
    /// The time now, in seconds since 1970.
    pub(crate) now: u64,
    /// Seconds.
    pub(crate) life: u64,
    pub(crate) scopes: &'a ScopeSet,
    /// The refresh token whose end is to be its end.
    pub(crate) refresh: Option<RefreshTokenId>,
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessTokens(…)")
    }
}

impl AccessTokens {
    pub(crate) fn new(key: hmac::Key) -> Self {
        let hasher = RandomState::default();
        let known =
            Known::with(KNOWN_MAX, KNOWN_MAX as u64, UnitWeighter, hasher, DefaultLifecycle::default());
        Self { key, known }
    }

    /// Issues a token for a client.
    pub(crate) fn issue(&self, issue: Issue<'_>) -> String {
        let Issue { client, now, life, scopes, refresh } = issue;
        let scopes = scopes.to_string();
        let mut token = Vec::with_capacity(SIGNED_BYTES_MIN + TAG_BYTES + scopes.len());
        token.push(if refresh.is_some() { VERSION_REFRESHED } else { VERSION_ALONE });
        token.extend(now.to_be_bytes());
        token.extend(now.saturating_add(life).to_be_bytes());
        token.extend(client.token_generation.to_be_bytes());
        push_text(&mut token, client.id.as_str());
        push_text(&mut token, &scopes);
        token.extend(refresh.iter().flat_map(|id| id.0));
        let start = token.len();
        token.resize((start + RANDOM_BYTES_MIN).max(SIGNED_BYTES_MIN), 0);
        SystemRandom::new().fill(&mut token[start..]).expect("the operating system gives randomness");
        let tag = hmac::sign(&self.key, &token);
        token.extend(tag.as_ref());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token))
    }

    /// What a token says, when this directory issued it. Whether it still holds is for the caller to judge.
    pub(crate) fn open(&self, token: &str) -> Option<Arc<Claims>> {
        if token.len() > limit::BEARER_TOKEN_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
        let (signed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        hmac::verify(&self.key, signed, tag).ok()?;
        parse(signed).map(Arc::new)
    }

    /// What the token in a header says, when this header was seen before.
    pub(crate) fn known(&self, header: &[u8]) -> Option<Arc<Claims>> {
        self.known.get(header)
    }

    /// Keeps what the token in a header says.
    pub(crate) fn keep(&self, header: &[u8], claims: &Arc<Claims>) {
        self.known.insert(header.into(), Arc::clone(claims));
    }
}

pub(super) fn push_text(token: &mut Vec<u8>, text: &str) {
    push_bytes(token, text.as_bytes());
}

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

/// Whether a text that [`AccessTokens::open`] refuses at least looks like an access token: then it was changed, or
/// issued by another directory.
pub(crate) fn has_form(token: &str) -> bool {
    let decoded = || token.strip_prefix(PREFIX).and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok());
    token.len() <= limit::BEARER_TOKEN_BYTES && decoded().is_some_and(|bytes| bytes.len() > TAG_BYTES)
}

fn parse(signed: &[u8]) -> Option<Claims> {
    let (version, rest) = signed.split_first()?;
    let (issued, rest) = rest.split_first_chunk()?;
    let (expires, rest) = rest.split_first_chunk()?;
    let (generation, rest) = rest.split_first_chunk()?;
    let (client, rest) = take_text(rest)?;
    let (scopes, rest) = take_text(rest)?;
    let refresh = match *version {
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
        refresh,
    })
}

pub(super) fn take_text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (text, rest) = take_bytes(bytes)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

pub(super) fn take_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use jackfield_model::ClientId;
    use jackfield_store::registry::SecretHash;

    use super::*;

    fn tokens(key: u8) -> AccessTokens {
        AccessTokens::new(hmac::Key::new(hmac::HMAC_SHA256, &[key; 32]))
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
            assert_eq!(tokens.known(token.as_bytes()), None);
            tokens.keep(token.as_bytes(), &claims);
            assert_eq!(tokens.known(token.as_bytes()), Some(claims));
            assert_eq!(tokens.known(&token.as_bytes()[1..]), None);
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
            assert!(tokens(7).open(&token).is_some());
        }
    }

    #[test]
    fn a_changed_token_is_refused() {
        let token = issued(&client(32, 0), &ScopeSet::default(), None);
        let tokens = (tokens(7), tokens(8));
        assert!(tokens.1.open(&token).is_none(), "another directory's key");
        let open = |token: &str| tokens.0.open(token);
        assert!(has_form(&token) && !has_form(&token[1..]) && !has_form("Atza|nonsense"));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character carries two bits that base64 without padding must find to be zero.
            assert!(open(&changed).is_none(), "changed at {at}");
        }
        assert!(open(&token[..token.len() - 1]).is_none());
        assert!(open("Atza|").is_none());
        assert!(open(&format!("Atza|{}", "A".repeat(5_000))).is_none());
    }

    #[test]
    fn two_tokens_are_never_the_same() {
        let token = || issued(&client(32, 0), &ScopeSet::default(), None);
        assert_ne!(token(), token());
    }
}
