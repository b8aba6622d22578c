//! Tokens that operators issue for a client.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;
use crate::{Scope, ScopeSet, limit, schema};

/// A request for a refresh token of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefreshToken {
    /// Scopes that it stands for, of those that the client is granted; all that it is granted when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
}

/// A refresh token as answered. The token itself is there only in the answer to its creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefreshToken {
    /// Its id: 16 hexadecimal digits.
    #[schemars(with = "schema::RefreshTokenId")]
    pub id: String,
    /// The token, `Atzr|…`, answered once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When it was issued, RFC 3339 in UTC with milliseconds.
    #[schemars(extend("format" = "date-time"))]
    pub issued: String,
    /// The scopes that it stands for; absent for those that the client is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limit::SCOPES))]
    pub scopes: Option<Vec<Scope>>,
    /// Whether it came from the consent page; else an operator issued it.
    pub consent: bool,
    /// Who allowed it on the consent page, where that is known: a user's name, or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A request for an access token of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Scopes of the token, granted to the client or not; the granted ones when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
    /// Life in seconds; 0 issues an expired token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        range(max = limit::ACCESS_TOKEN_MAX_SECONDS),
        extend("default" = limit::ACCESS_TOKEN_SECONDS)
    )]
    pub expires_in: Option<u64>,
}

/// An access token, in the form of the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    /// The token, `Atza|…`.
    #[schemars(
        length(min = limit::ISSUED_TOKEN_MIN_BYTES, max = limit::BEARER_TOKEN_BYTES),
        regex(pattern = r"^Atza\|[A-Za-z0-9_-]+$")
    )]
    pub access_token: Secret,
    /// Always `bearer`.
    #[schemars(extend("const" = "bearer"))]
    pub token_type: String,
    /// Seconds until it expires.
    #[schemars(range(max = limit::ACCESS_TOKEN_MAX_SECONDS))]
    pub expires_in: u64,
    /// Its scopes, separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The refresh token, `Atzr|…`, of grants that give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
}
