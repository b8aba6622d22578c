//! Authorization codes: self-contained and signed, so that every node that shares the root key can redeem them.
//!
//! base64url of: version (1 byte), id (16), expires (8, seconds), generation of the client (4), kind of challenge (1),
//! the SHA-256 that the verifier must have (32), SHA-256 of the redirect URI (32), length and text of the client id
//! (2 + n) and of the scopes (2 + n), who approved it (2 + n, encrypted: the client must not read it), HMAC-SHA256 over
//! all of it (32). Numbers are big endian. Server versions without that field stop reading after the scopes. The
//! commit that stores the refresh token ensures that a code is redeemed once.
//!
//! Version 2 has no redirect URI: no browser was redirected. It is redeemed without.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jackfield_model::{ClientId, ScopeSet, limit};
use jackfield_store::registry::{Client, CodeId};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{aead, digest, hmac};

use super::encoding::{push_bytes, push_text, take_bytes, take_text};

/// With a redirect URI, and without.
const VERSION: u8 = 1;
const VERSION_WITHOUT_REDIRECT_URI: u8 = 2;
const TAG_BYTES: usize = 32;
/// Longest code that can be one: fixed parts, the longest client id and scopes, in base64.
const CODE_BYTES_MAX: usize = 2_400;

/// A `code_challenge` (RFC 7636), in the one form that both methods can be brought to: the SHA-256 of the verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// The client sent none.
    None,
    /// Method `plain`: the challenge was the verifier itself.
    Plain([u8; 32]),
    /// Method `S256`.
    S256([u8; 32]),
}

/// The content of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) id: CodeId,
    /// In seconds since 1970.
    pub(crate) expires: u64,
    /// The client's token generation when it was issued.
    pub(crate) generation: u32,
    pub(crate) challenge: Challenge,
    /// SHA-256 of the URI that the code was sent to; nothing where the code was issued another way.
    redirect_uri: Option<[u8; 32]>,
    pub(crate) client: ClientId,
    pub(crate) scopes: ScopeSet,
    /// Who approved it: a user's name or an address.
    pub(crate) by: Option<String>,
}

/// What codes are made with.
#[derive(Debug)]
pub(crate) struct CodeKeys {
    sign: hmac::Key,
    hide: aead::LessSafeKey,
}

impl CodeKeys {
    pub(crate) fn new(sign: hmac::Key, hide: &[u8; 32]) -> Self {
        let hide = aead::UnboundKey::new(&aead::CHACHA20_POLY1305, hide).expect("a key of 32 bytes");
        Self { sign, hide: aead::LessSafeKey::new(hide) }
    }

    /// The id of a code is random and encrypts one text, so a part of it is the nonce.
    fn nonce(id: CodeId) -> aead::Nonce {
        let [nonce @ .., _, _, _, _] = id.0;
        aead::Nonce::assume_unique_for_key(nonce)
    }

    fn hide(&self, id: CodeId, text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        self.hide
            .seal_in_place_append_tag(Self::nonce(id), aead::Aad::empty(), &mut bytes)
            .expect("a short text can be encrypted");
        bytes
    }

    fn reveal(&self, id: CodeId, bytes: &[u8]) -> Option<String> {
        let mut bytes = bytes.to_vec();
        let text = self.hide.open_in_place(Self::nonce(id), aead::Aad::empty(), &mut bytes).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

impl Challenge {
    /// Reads a challenge; the text is what is wrong with it.
    pub(crate) fn parse(challenge: Option<&str>, method: Option<&str>) -> Result<Self, &'static str> {
        match (challenge, method) {
            (None, None) => Ok(Self::None),
            (None, Some(_)) => Err("code_challenge is missing; code_challenge_method is there."),
            (Some(text), None | Some("plain")) if is_verifier(text) => Ok(Self::Plain(sha256(text))),
            (Some(text), Some("S256")) => {
                let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
                decoded.map(Self::S256).ok_or("code_challenge is not the base64url of a SHA-256.")
            }
            (Some(_), None | Some("plain")) => {
                Err("code_challenge must have 43 to 128 letters, digits and -._~ with the method plain.")
            }
            (Some(_), Some(_)) => Err("code_challenge_method must be S256 or plain."),
        }
    }

    /// Whether this verifier belongs to the challenge. One without the other does not (RFC 9700, section 2.1.1).
    pub(crate) fn verify(self, verifier: Option<&str>) -> bool {
        match (self, verifier) {
            (Self::None, None) => true,
            (Self::Plain(expected) | Self::S256(expected), Some(verifier)) => {
                is_verifier(verifier) && sha256(verifier) == expected
            }
            _ => false,
        }
    }
}

impl Code {
    /// A fresh code of a client.
    pub(crate) fn new(
        client: &Client,
        now: u64,
        redirect_uri: Option<&str>,
        challenge: Challenge,
        scopes: ScopeSet,
    ) -> Self {
        let mut id = [0; 16];
        SystemRandom::new().fill(&mut id).expect("the operating system gives randomness");
        Self {
            id: CodeId(id),
            expires: now.saturating_add(limit::CODE_SECONDS),
            generation: client.token_generation,
            challenge,
            redirect_uri: redirect_uri.map(sha256),
            client: ClientId::clone(&client.id),
            scopes,
            by: None,
        }
    }

    /// The same, with who approved it.
    pub(crate) fn allowed_by(self, by: String) -> Self {
        Self { by: Some(by), ..self }
    }

    /// Whether it was issued for this redirect URI, or for none (RFC 6749, section 4.1.3).
    pub(crate) fn is_for(&self, redirect_uri: Option<&str>) -> bool {
        self.redirect_uri == redirect_uri.map(sha256)
    }

    /// Whether it was issued for a redirect URI.
    pub(crate) const fn has_redirect_uri(&self) -> bool {
        self.redirect_uri.is_some()
    }

    /// The code as it travels.
    pub(crate) fn seal(&self, keys: &CodeKeys) -> String {
        let (kind, challenge) = match self.challenge {
            Challenge::None => (0, [0; 32]),
            Challenge::Plain(hash) => (1, hash),
            Challenge::S256(hash) => (2, hash),
        };
        let version = if self.has_redirect_uri() { VERSION } else { VERSION_WITHOUT_REDIRECT_URI };
        let mut code = vec![version];
        code.extend(self.id.0);
        code.extend(self.expires.to_be_bytes());
        code.extend(self.generation.to_be_bytes());
        code.push(kind);
        code.extend(challenge);
        code.extend(self.redirect_uri.iter().flatten());
        push_text(&mut code, self.client.as_str());
        push_text(&mut code, &self.scopes.to_string());
        if let Some(by) = &self.by {
            push_bytes(&mut code, &keys.hide(self.id, by));
        }
        let tag = hmac::sign(&keys.sign, &code);
        code.extend(tag.as_ref());
        URL_SAFE_NO_PAD.encode(code)
    }

    /// The content of a code, when this directory issued it. The caller has to check whether it is still valid.
    pub(crate) fn open(keys: &CodeKeys, text: &str) -> Option<Self> {
        if text.len() > CODE_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (signed, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        hmac::verify(&keys.sign, signed, tag).ok()?;
        let ([version @ (VERSION | VERSION_WITHOUT_REDIRECT_URI)], rest) = signed.split_first_chunk()? else {
            return None;
        };
        let (id, rest) = rest.split_first_chunk()?;
        let (expires, rest) = rest.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let ([kind], rest) = rest.split_first_chunk()?;
        let (challenge, rest) = rest.split_first_chunk()?;
        let (redirect_uri, rest) = match *version {
            VERSION => rest.split_first_chunk().map(|(hash, rest)| (Some(*hash), rest))?,
            _ => (None, rest),
        };
        let (client, rest) = take_text(rest)?;
        let (scopes, rest) = take_text(rest)?;
        let id = CodeId(*id);
        Some(Self {
            id,
            by: take_bytes(rest).and_then(|(hidden, _)| keys.reveal(id, hidden)),
            expires: u64::from_be_bytes(*expires),
            generation: u32::from_be_bytes(*generation),
            challenge: match kind {
                0 => Challenge::None,
                1 => Challenge::Plain(*challenge),
                2 => Challenge::S256(*challenge),
                _ => return None,
            },
            redirect_uri,
            client: ClientId::new(client).ok()?,
            scopes: ScopeSet::parse(scopes).ok()?,
        })
    }
}

fn is_verifier(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    limit::CODE_VERIFIER_CHARS.contains(&text.len()) && text.bytes().all(allowed)
}

fn sha256(text: &str) -> [u8; 32] {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    hash.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn key(byte: u8) -> CodeKeys {
        CodeKeys::new(hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]), &[byte; 32])
    }

    fn code(client: usize, scopes: &str) -> Code {
        Code {
            id: CodeId([3; 16]),
            expires: 1_300,
            generation: 7,
            challenge: Challenge::parse(Some(CHALLENGE), Some("S256")).unwrap(),
            redirect_uri: Some(sha256("https://example.com/back")),
            client: ClientId::new(&format!("{}{}", ClientId::PREFIX, "a".repeat(client))).unwrap(),
            scopes: ScopeSet::parse(scopes).unwrap(),
            by: None,
        }
    }

    #[test]
    fn a_code_says_what_was_put_in() {
        let code = code(32, "profile other");
        let sealed = code.seal(&key(1));
        assert_eq!(Code::open(&key(1), &sealed), Some(code.clone()));
        let allowed = Code { by: Some("anna".to_owned()), ..code.clone() };
        let text = allowed.seal(&key(1));
        assert_eq!(Code::open(&key(1), &text), Some(allowed));
        let plain = URL_SAFE_NO_PAD.decode(&text).unwrap();
        assert!(!plain.windows(4).any(|part| part == b"anna"), "the client does not learn it");
        assert_eq!(Code::open(&key(2), &sealed), None, "another directory's key");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(Code::open(&key(1), &String::from_utf8(changed).unwrap()), None, "changed at {at}");
        }
        assert!(code.is_for(Some("https://example.com/back")) && !code.is_for(None));
        assert!(!code.is_for(Some("https://example.com/back/")));
        let without = Code { redirect_uri: None, ..code };
        assert_eq!(Code::open(&key(1), &without.seal(&key(1))), Some(without.clone()));
        assert!(without.is_for(None) && !without.is_for(Some("")));
    }

    #[test]
    fn the_longest_code_is_within_its_bound() {
        let scopes: Vec<String> = (0..8).map(|n| format!("{n}{}", "a".repeat(123))).collect();
        let by = Some("u".repeat(limit::CONSENT_USER_BYTES));
        let longest = Code { by, ..code(255, &scopes.join(" ")) };
        let sealed = longest.seal(&key(1));
        assert!((1_700..=CODE_BYTES_MAX).contains(&sealed.len()), "{}", sealed.len());
        assert_eq!(Code::open(&key(1), &sealed), Some(longest));
        assert_eq!(Code::open(&key(1), &"A".repeat(100_000)), None);
    }

    #[test]
    fn a_verifier_must_belong_to_its_challenge() {
        let s256 = Challenge::parse(Some(CHALLENGE), Some("S256")).unwrap();
        assert!(s256.verify(Some(VERIFIER)));
        assert!(!s256.verify(Some(CHALLENGE)) && !s256.verify(None) && !s256.verify(Some("")));
        let plain = Challenge::parse(Some(VERIFIER), Some("plain")).unwrap();
        assert_eq!(Challenge::parse(Some(VERIFIER), None), Ok(plain), "plain is the default");
        assert!(plain.verify(Some(VERIFIER)) && !plain.verify(Some(CHALLENGE)));
        assert!(Challenge::None.verify(None) && !Challenge::None.verify(Some(VERIFIER)));
        for (challenge, method) in [
            (None, Some("S256")),
            (Some(CHALLENGE), Some("s256")),
            (Some("short"), Some("S256")),
            (Some("a".repeat(42)).as_deref(), Some("plain")),
            (Some("a".repeat(129)).as_deref(), None),
            (Some("é".repeat(43)).as_deref(), None),
        ] {
            assert!(Challenge::parse(challenge, method).is_err(), "{challenge:?} {method:?}");
        }
        for length in [43, 128] {
            assert!(Challenge::parse(Some(&"~".repeat(length)), None).is_ok());
        }
    }
}
