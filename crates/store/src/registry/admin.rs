//! Admin tokens: who may use the admin API, and what with it.

use std::fmt;

use jackfield_model::admin::Role;
use jackfield_model::limit;
use serde::{Deserialize, Serialize};

use super::{Registry, RegistryOutcome, SecretHash};
use crate::change::Timestamp;

/// An admin token, of which only a hash is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminToken {
    /// Its id.
    pub id: AdminTokenId,
    /// Whose it is; no other token has the name.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// Keyed hash of the token.
    pub hash: SecretHash,
    /// When it was made.
    pub created: Timestamp,
    /// When it expires, by the system's clock; `None` for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// A token that a server was started with and that is not to be taken any more. Others are removed instead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
}

/// Names an admin token without giving it away: the beginning of its keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdminTokenId(pub [u8; 8]);

/// The text is not 16 hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of an admin token has 16 hexadecimal digits")]
pub struct InvalidAdminTokenId;

impl AdminTokenId {
    /// The id of the token with this hash.
    #[must_use]
    pub fn of(hash: &SecretHash) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = hash.0;
        Self([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for AdminTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl std::str::FromStr for AdminTokenId {
    type Err = InvalidAdminTokenId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let number = u64::from_str_radix(text, 16).ok();
        let number = number.filter(|_| text.len() == 16 && text.bytes().all(digits));
        number.map(|number| Self(number.to_be_bytes())).ok_or(InvalidAdminTokenId)
    }
}

impl Registry {
    /// The admin token with this hash, whatever its state.
    #[must_use]
    pub fn admin_token(&self, hash: &SecretHash) -> Option<&AdminToken> {
        self.admin_tokens
            .get(&AdminTokenId::of(hash))
            .filter(|token| token.hash == *hash)
            .map(|token| &**token)
    }

    /// Takes over the admin tokens and webhooks of another registry: they belong to the server more than to the directory.
    pub fn take_what_is_operators(&mut self, other: &Self) {
        self.admin_tokens.clone_from(&other.admin_tokens);
        self.webhooks.clone_from(&other.webhooks);
        self.deliveries.clone_from(&other.deliveries);
    }

    pub(super) fn check_admin_token(&self, new: &AdminToken) -> RegistryOutcome {
        let named = |token: &AdminToken| !new.revoked && !token.revoked && token.name == new.name;
        if self.admin_tokens.contains_key(&new.id) || self.admin_tokens.values().any(|token| named(token)) {
            RegistryOutcome::Exists
        } else if self.admin_tokens.len() >= limit::ADMIN_TOKENS {
            RegistryOutcome::TooManyAdminTokens
        } else {
            RegistryOutcome::Done
        }
    }
}
