//! Refresh tokens of a client and the authorization codes that some of them came from.
//!
//! Of tokens only hashes are kept, of codes only their ids. A code is spent by the commit that stores the refresh
//! token it was redeemed for, so that it cannot be redeemed twice, on whatever node and across whatever crash.
//!
//! Refresh tokens that replace each other are a family. Its members say which family they are of, so only the one that
//! is good now is kept: any other is one that was replaced.

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
    /// Hash of the last token of the family that does not say itself which family it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<SecretHash>,
    /// Its id, which is that of the family, where it is not the beginning of the hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RefreshTokenId>,
    /// Who allowed it on the consent page, where that is known: a user's name, or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Names a refresh token, and the family of those that replace it, without giving it away. It is random, or the
/// beginning of the keyed hash of the first token of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RefreshTokenId(pub [u8; 8]);

/// The random id of an authorization code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeId(pub [u8; 16]);

/// An authorization code that was redeemed. It is remembered until it would have expired anyway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpentCode {
    /// Which.
    pub id: CodeId,
    /// When it expires, in seconds of the clock that codes live by.
    pub expires: u64,
    /// Who allowed it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A code that is to be exchanged for a refresh token.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// The code.
    pub code: SpentCode,
    /// Hash of the refresh token.
    pub token: SecretHash,
    /// The family that it begins.
    pub family: RefreshTokenId,
    /// The scopes that were consented to.
    pub scopes: ScopeSet,
    /// When it is issued.
    pub issued: Timestamp,
    /// The time on the clock that codes live by, in seconds.
    pub now: u64,
}

/// A refresh token that somebody shows.
#[derive(Clone, Copy, Debug)]
pub struct Presented {
    /// Its hash.
    pub hash: SecretHash,
    /// The family that it says it is of, when whoever checks tokens found that to be true; `None` for tokens that say
    /// nothing of a family.
    pub family: Option<RefreshTokenId>,
}

/// What a refresh token that somebody shows is to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// This one, which is good.
    Current(&'a RefreshToken),
    /// One that was replaced, of the family of this one: whoever shows it has a copy, or somebody else has.
    Replaced(&'a RefreshToken),
    /// None of the client's.
    Unknown,
}

/// A refresh token that is to take the place of another of its family.
#[derive(Clone, Copy, Debug)]
pub struct Replacement {
    /// The one that goes.
    pub old: Presented,
    /// Hash of the one that comes. It says itself which family it is of.
    pub new: SecretHash,
}

impl RefreshToken {
    /// A token for the scopes that the client is granted, as an operator issues it.
    #[must_use]
    pub const fn new(hash: SecretHash, issued: Timestamp) -> Self {
        Self { hash, issued, scopes: None, code: None, replaced: None, id: None, by: None }
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
        self.refresh_tokens.iter().any(|held| held.id() == id)
    }

    /// What a refresh token is to this client.
    #[must_use]
    pub fn standing(&self, presented: &Presented) -> Standing<'_> {
        let Presented { hash, family } = presented;
        if let Some(held) = self.refresh_tokens.iter().find(|held| held.hash == *hash) {
            return Standing::Current(held);
        }
        // The first of a family that says nothing of it has given it its id.
        let family = family.unwrap_or_else(|| RefreshTokenId::of(hash));
        let replaced = |held: &&RefreshToken| held.id() == family || held.replaced == Some(*hash);
        self.refresh_tokens.iter().find(replaced).map_or(Standing::Unknown, Standing::Replaced)
    }

    /// Whether the code was redeemed.
    fn has_spent(&self, code: CodeId) -> bool {
        self.spent_codes.iter().any(|spent| spent.id == code)
            || self.refresh_tokens.iter().any(|token| token.code == Some(code))
    }

    pub(super) fn check_redemption(&self, redemption: &Redemption) -> RegistryOutcome {
        let alive = self.spent_codes.iter().filter(|spent| spent.expires > redemption.now);
        let by = &redemption.code.by;
        let of_person = alive.clone().filter(|spent| by.is_some() && spent.by == *by).count();
        let alive = alive.count();
        // Consent may push out what came from consent, never what an operator issued.
        let issued = self.refresh_tokens.iter().filter(|token| token.code.is_none()).count();
        if self.has_spent(redemption.code.id) {
            RegistryOutcome::CodeSpent
        } else if self.holds(redemption.family) {
            RegistryOutcome::RefreshTokenTaken
        } else if issued >= limit::REFRESH_TOKENS
            || alive >= limit::SPENT_CODES
            || of_person >= limit::SPENT_CODES_OF_PERSON
        {
            RegistryOutcome::TooManyRefreshTokens
        } else {
            RegistryOutcome::Done
        }
    }

    pub(super) fn redeem(&mut self, redemption: Redemption) {
        let Redemption { code, token, family, scopes, issued, now } = redemption;
        self.spent_codes.retain(|spent| spent.expires > now);
        let (id, by) = (code.id, code.by.clone());
        self.spent_codes.push(code);
        if self.refresh_tokens.len() >= limit::REFRESH_TOKENS
            && let Some(dispensable) = self.dispensable(by.as_ref())
        {
            self.refresh_tokens.remove(dispensable);
        }
        self.refresh_tokens.push(RefreshToken {
            scopes: Some(scopes),
            code: Some(id),
            id: Some(family),
            by,
            ..RefreshToken::new(token, issued)
        });
    }

    /// The place of the refresh token that makes room for one that this person allows: the oldest of who allowed the most,
    /// of the person's own when others have as many. So a stranger pushes out what is his.
    fn dispensable(&self, by: Option<&String>) -> Option<usize> {
        let consented = || self.refresh_tokens.iter().filter(|token| token.code.is_some());
        let weight = |token: &RefreshToken| {
            let held = consented().filter(|other| other.by == token.by).count();
            (held, token.by.as_ref() == by)
        };
        let places = self.refresh_tokens.iter().enumerate().filter(|(_, token)| token.code.is_some());
        places.max_by_key(|(at, token)| (weight(token), std::cmp::Reverse(*at))).map(|(at, _)| at)
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
        for token in self.refresh_tokens.iter_mut().filter(|token| token.hash == old.hash) {
            token.id = Some(token.id());
            if old.family.is_none() {
                token.replaced = Some(old.hash);
            }
            token.hash = new;
        }
    }

    /// Takes away the family of a token that was replaced.
    pub(super) fn end_family(&mut self, presented: &Presented) {
        if let Standing::Replaced(current) = self.standing(presented) {
            let family = current.id();
            self.revoke_refresh_token(family);
        }
    }
}

/// Commands about the grants of one client.
#[derive(Clone, Debug)]
pub enum GrantCommand {
    /// Exchanges a code for a refresh token. A code that was exchanged already is
    /// [`RegistryOutcome::CodeSpent`], and the refresh token of that first exchange is gone.
    Redeem(Redemption),
    /// Puts a refresh token in the place of another. When that was replaced before, the outcome is
    /// [`RegistryOutcome::RefreshTokenReused`], and the family is gone.
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
            Self::Replace(Replacement { old, new }) => match (client.standing(old), taken(new)) {
                (Standing::Unknown, _) => RegistryOutcome::NotFound,
                (Standing::Replaced(_), _) => RegistryOutcome::RefreshTokenReused,
                (Standing::Current(_), Some(_)) => RegistryOutcome::RefreshTokenTaken,
                (Standing::Current(_), None) => RegistryOutcome::Done,
            },
            Self::Revoke(id) if client.holds(*id) => RegistryOutcome::Done,
            Self::Revoke(_) => RegistryOutcome::NotFound,
        }
    }

    /// Takes back what was given for a code or refresh token of which there is a copy.
    pub(super) fn take_back(&self, client: &mut Client) {
        match self {
            Self::Redeem(redemption) => client.revoke_redeemed(redemption.code.id),
            Self::Replace(replacement) => client.end_family(&replacement.old),
            Self::Revoke(_) => {}
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
