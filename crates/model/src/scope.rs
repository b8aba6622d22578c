//! Permission scopes of Login with Amazon.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limit;

/// The scope that the account association operations require.
pub const SERVICE_PROVIDER: &str = "amazon_communication::service_provider";

/// The scope of the management APIs, which is enough for the operations on communication profiles.
pub const MANAGEMENT: &str = "alexa::enterprise:management";

/// The scope of a skill that carries calls, which is enough for signaling.
pub const CALLING: &str = "amazon_communication::calling";

/// One permission scope: printable ASCII characters without space, quote and backslash (RFC 6749, section 3.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(
    inline,
    extend("minLength" = 1, "maxLength" = limit::SCOPE_BYTES, "pattern" = r"^[!#-\[\]-~]+$")
)]
pub struct Scope(Box<str>);

/// The scopes of a client or token: sorted, without repeats, and not too long together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Scope>", into = "Vec<Scope>")]
#[schemars(inline, extend("maxItems" = limit::SCOPES))]
pub struct ScopeSet(Vec<Scope>);

/// Why a text is no scope, or a list no set of scopes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidScope {
    /// Empty, too long, or with a character that RFC 6749 does not allow.
    #[error(
        "a scope has 1 to {max} printable ASCII characters without space, quote and backslash",
        max = limit::SCOPE_BYTES
    )]
    Malformed,
    /// More scopes than a client can hold.
    #[error(
        "at most {count} scopes of {bytes} bytes together are allowed",
        count = limit::SCOPES, bytes = limit::SCOPE_SET_BYTES
    )]
    TooMany,
}

impl Scope {
    /// Checks a scope.
    ///
    /// # Errors
    /// [`InvalidScope::Malformed`] when it is empty, too long or has a forbidden character.
    pub fn new(text: &str) -> Result<Self, InvalidScope> {
        let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if (1..=limit::SCOPE_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidScope::Malformed)
        }
    }

    /// The scope as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ScopeSet {
    /// Collects scopes, dropping repeats.
    ///
    /// # Errors
    /// [`InvalidScope::TooMany`] when they are more than a client can hold.
    pub fn new(mut scopes: Vec<Scope>) -> Result<Self, InvalidScope> {
        scopes.sort();
        scopes.dedup();
        let bytes: usize = scopes.iter().map(|scope| scope.as_str().len() + 1).sum();
        if scopes.len() > limit::SCOPES || bytes > limit::SCOPE_SET_BYTES {
            return Err(InvalidScope::TooMany);
        }
        Ok(Self(scopes))
    }

    /// Parses scopes separated by white space, the form of a token request.
    ///
    /// # Errors
    /// [`InvalidScope`] when one is malformed or they are too many.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        Self::new(text.split_ascii_whitespace().map(Scope::new).collect::<Result<_, _>>()?)
    }

    /// Whether the scope is in the set.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held.as_str() == scope)
    }

    /// Whether no scope is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// The scopes that both sets hold.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|scope| other.0.contains(scope)).cloned().collect())
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0.into_string()
    }
}

impl TryFrom<Vec<Scope>> for ScopeSet {
    type Error = InvalidScope;

    fn try_from(scopes: Vec<Scope>) -> Result<Self, Self::Error> {
        Self::new(scopes)
    }
}

impl From<ScopeSet> for Vec<Scope> {
    fn from(set: ScopeSet) -> Self {
        set.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The scopes separated by single spaces, the form of token answers.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_bounded() {
        assert!(Scope::new(&"a".repeat(limit::SCOPE_BYTES)).is_ok());
        assert_eq!(Scope::new(&"a".repeat(limit::SCOPE_BYTES + 1)), Err(InvalidScope::Malformed));
        assert_eq!(Scope::new(""), Err(InvalidScope::Malformed));
        assert_eq!(Scope::new("a b"), Err(InvalidScope::Malformed));
        assert_eq!(Scope::new("a\"b"), Err(InvalidScope::Malformed));
        let many: Vec<String> = (0..limit::SCOPES).map(|n| format!("s{n}")).collect();
        assert!(ScopeSet::parse(&many.join(" ")).is_ok());
        assert_eq!(ScopeSet::parse(&format!("{} more", many.join(" "))), Err(InvalidScope::TooMany));
        let long: Vec<String> = (0..8).map(|n| format!("{n}{}", "a".repeat(123))).collect();
        assert!(ScopeSet::parse(&long.join(" ")).is_ok(), "8 * 125 bytes are exactly the bound");
        assert_eq!(ScopeSet::parse(&format!("{}b", long.join(" "))), Err(InvalidScope::TooMany));
    }

    #[test]
    fn a_set_is_sorted_and_without_repeats() {
        let set = ScopeSet::parse(" b a  b ").unwrap();
        assert_eq!(set.to_string(), "a b");
        assert_eq!(set.intersection(&ScopeSet::parse("b c").unwrap()).to_string(), "b");
    }
}
