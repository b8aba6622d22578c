//! Refresh tokens of a client and the authorization codes that some of them came from.
//!
//! Of tokens only hashes are kept, of codes only their ids. A code is spent by the commit that stores the refresh
//! token it was redeemed for, so that it cannot be redeemed twice, on whatever node and across whatever crash.

use std::fmt;
use std::str::FromStr;

use jackfield_model::{ClientId, ScopeSet, limit};
use serde::{Deserialize, Serialize};

use super::{Client, RegistryOutcome, SecretHash};
use crate::change::Timestamp;

/// A refresh token, of which only a hash is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// Hash of the token.
    pub hash: SecretHash,
    /// When it was issued.
    pub issued: Timestamp,
    /// The scopes that it stands for; `None` for those that the client is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
    /// The authorization code that it came from; `None` when an operator issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeId>,
    /// Hash of the token that this one replaced; somebody who presents that has a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<SecretHash>,
    /// Its id, where that is not the beginning of the hash: a replacement keeps the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RefreshTokenId>,
}

/// Names a refresh token without giving it away. It is the beginning of its keyed hash, or of the hash of the first
/// token in a row of replacements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RefreshTokenId(pub [u8; 8]);

/// The random id of an authorization code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeId(pub [u8; 16]);

/// An authorization code that was redeemed. It is remembered until it would have expired anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentCode {
    /// Which.
    pub id: CodeId,
    /// When it expires, in seconds of the clock that codes live by.
    pub expires: u64,
}

/// A code that is to be exchanged for a refresh token.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// The code.
    pub code: SpentCode,
    /// Hash of the refresh token.
    pub token: SecretHash,
    /// The scopes that were consented to.
    pub scopes: ScopeSet,
    /// When it is issued.
    pub issued: Timestamp,
    /// The time on the clock that codes live by, in seconds.
    pub now: u64,
}

/// A refresh token that is to take the place of another.
#[derive(Clone, Copy, Debug)]
pub struct Replacement {
    /// Hash of the one that goes.
    pub old: SecretHash,
    /// Hash of the one that comes.
    pub new: SecretHash,
}

impl RefreshToken {
    /// A token for the scopes that the client is granted, as an operator issues it.
    #[must_use]
    pub const fn new(hash: SecretHash, issued: Timestamp) -> Self {
        Self { hash, issued, scopes: None, code: None, replaced: None, id: None }
    }

    /// What names it.
    #[must_use]
    pub fn id(&self) -> RefreshTokenId {
        self.id.unwrap_or_else(|| RefreshTokenId::of(&self.hash))
    }
}

impl RefreshTokenId {
    /// The beginning of a keyed hash: it tells two secrets apart and gives neither away.
    pub(super) fn of(hash: &SecretHash) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = hash.0;
        Self([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for RefreshTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// The text is not 16 hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a refresh token has 16 hexadecimal digits")]
pub struct InvalidRefreshTokenId;

impl FromStr for RefreshTokenId {
    type Err = InvalidRefreshTokenId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(digits) {
            return Err(InvalidRefreshTokenId);
        }
        u64::from_str_radix(text, 16)
            .map(|number| Self(number.to_be_bytes()))
            .map_err(|_| InvalidRefreshTokenId)
    }
}

impl Client {
    /// Whether the refresh token is still there.
    #[must_use]
    pub fn holds(&self, id: RefreshTokenId) -> bool {
        self.refresh_tokens.iter().any(|own| own.id() == id)
    }

    /// The refresh token with this hash.
    #[must_use]
    pub fn refresh_token(&self, hash: &SecretHash) -> Option<&RefreshToken> {
        self.refresh_tokens.iter().find(|own| own.hash == *hash)
    }

    /// The refresh token that took the place of the one with this hash.
    #[must_use]
    pub fn replacement_of(&self, hash: &SecretHash) -> Option<&RefreshToken> {
        self.refresh_tokens.iter().find(|own| own.replaced == Some(*hash))
    }

    /// Whether the code was redeemed.
    fn has_spent(&self, code: CodeId) -> bool {
        self.spent_codes.iter().any(|spent| spent.id == code)
            || self.refresh_tokens.iter().any(|token| token.code == Some(code))
    }

    pub(super) fn check_redemption(&self, redemption: &Redemption) -> RegistryOutcome {
        let alive = self.spent_codes.iter().filter(|spent| spent.expires > redemption.now).count();
        // Consent may push out what came from consent, never what an operator issued.
        let issued = self.refresh_tokens.iter().filter(|token| token.code.is_none()).count();
        if self.has_spent(redemption.code.id) {
            RegistryOutcome::CodeSpent
        } else if issued >= limit::REFRESH_TOKENS || alive >= limit::SPENT_CODES {
            RegistryOutcome::TooManyRefreshTokens
        } else {
            RegistryOutcome::Done
        }
    }

    pub(super) fn redeem(&mut self, redemption: Redemption) {
        let Redemption { code, token, scopes, issued, now } = redemption;
        self.spent_codes.retain(|spent| spent.expires > now);
        self.spent_codes.push(code);
        if self.refresh_tokens.len() >= limit::REFRESH_TOKENS
            && let Some(oldest) = self.refresh_tokens.iter().position(|token| token.code.is_some())
        {
            self.refresh_tokens.remove(oldest);
        }
        self.refresh_tokens.push(RefreshToken {
            scopes: Some(scopes),
            code: Some(code.id),
            ..RefreshToken::new(token, issued)
        });
    }

    /// Takes away the refresh token that a code was redeemed for.
    pub(super) fn revoke_redeemed(&mut self, code: CodeId) {
        self.refresh_tokens.retain(|token| token.code != Some(code));
    }

    pub(super) fn revoke_refresh_token(&mut self, id: RefreshTokenId) {
        self.refresh_tokens.retain(|token| token.id() != id);
    }

    pub(super) fn replace(&mut self, replacement: Replacement) {
        let Replacement { old, new } = replacement;
        for token in self.refresh_tokens.iter_mut().filter(|token| token.hash == old) {
            token.id = Some(token.id());
            token.replaced = Some(old);
            token.hash = new;
        }
    }
}

/// Commands about the grants of one client.
#[derive(Clone, Debug)]
pub enum GrantCommand {
    /// Exchanges a code for a refresh token. A code that was exchanged already is
    /// [`RegistryOutcome::CodeSpent`], and the refresh token of that first exchange is gone.
    Redeem(Redemption),
    /// Puts a refresh token in the place of another.
    Replace(Replacement),
    /// Takes a refresh token away, and with it the access tokens that it gave.
    Revoke(RefreshTokenId),
}

impl GrantCommand {
    pub(super) fn check(
        &self,
        client: &Client,
        taken: impl Fn(&SecretHash) -> Option<ClientId>,
    ) -> RegistryOutcome {
        match self {
            Self::Redeem(redemption) => match taken(&redemption.token) {
                Some(_) => RegistryOutcome::RefreshTokenTaken,
                None => client.check_redemption(redemption),
            },
            Self::Replace(Replacement { old, new }) => match (client.refresh_token(old), taken(new)) {
                (None, _) => RegistryOutcome::NotFound,
                (_, Some(_)) => RegistryOutcome::RefreshTokenTaken,
                _ => RegistryOutcome::Done,
            },
            Self::Revoke(id) if client.holds(*id) => RegistryOutcome::Done,
            Self::Revoke(_) => RegistryOutcome::NotFound,
        }
    }

    pub(super) fn apply(self, client: &mut Client) {
        match self {
            Self::Redeem(redemption) => client.redeem(redemption),
            Self::Replace(replacement) => client.replace(replacement),
            Self::Revoke(id) => client.revoke_refresh_token(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_sixteen_digits() {
        let id = RefreshTokenId([0, 1, 2, 3, 4, 5, 6, 0xff]);
        assert_eq!(id.to_string(), "00010203040506ff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "00010203040506f", "00010203040506fff", "00010203040506FF", "+0010203040506ff"] {
            assert_eq!(bad.parse::<RefreshTokenId>(), Err(InvalidRefreshTokenId), "{bad}");
        }
    }
}
