//! Clients: the security profiles of Login with Amazon.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;
use crate::{ClientId, OrganizationId, Scope, ScopeSet, limit, schema};

/// A client to create. Everything may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Its id; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ClientId>,
    /// Its secret; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::secret)]
    pub secret: Option<Secret>,
    /// Granted scopes; the service provider scope when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
    /// A refresh token that is to be valid for it.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "refreshToken")]
    #[schemars(transform = schema::secret)]
    pub refresh_token: Option<Secret>,
    /// Requests a second; 0 for no limit, the server's default when absent or null.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "rateLimit")]
    #[schemars(range(max = limit::RATE_LIMIT_MAX), extend("nullable" = true))]
    pub rate_limit: Option<u32>,
    /// Where the consent page may send a browser back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty", alias = "redirectUris")]
    #[schemars(length(max = limit::REDIRECT_URIS), inner(url, length(max = limit::REDIRECT_URI_BYTES)))]
    pub redirect_uris: Vec<String>,
    /// Whether it runs where a secret cannot be kept: it may then redeem a code without one, given PKCE with S256.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub public: bool,
}

/// A client as answered. The secret is there only in the answer to its creation or rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// The secret, answered once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Granted scopes.
    #[schemars(length(max = limit::SCOPES))]
    pub scopes: Vec<Scope>,
    /// Requests a second; 0 for no limit, null for the server's default.
    #[schemars(range(max = limit::RATE_LIMIT_MAX), extend("nullable" = true))]
    pub rate_limit: Option<u32>,
    /// Where the consent page may send a browser back to.
    #[schemars(length(max = limit::REDIRECT_URIS), inner(url, length(max = limit::REDIRECT_URI_BYTES)))]
    pub redirect_uris: Vec<String>,
    /// Whether it may get and use tokens.
    pub enabled: bool,
    /// Whether it may redeem a code without its secret.
    #[serde(default)]
    pub public: bool,
    /// How many refresh tokens are valid for it.
    #[schemars(range(max = limit::REFRESH_TOKENS))]
    pub refresh_tokens: usize,
}

/// What of a client is to change; absent properties stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientPatch {
    /// New scopes. Where one is taken away, every access token that was issued so far is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
    /// New rate limit in requests a second; 0 for no limit. Absent or null: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "rateLimit")]
    #[schemars(range(max = limit::RATE_LIMIT_MAX), extend("nullable" = true))]
    pub rate_limit: Option<u32>,
    /// New redirect URIs.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "redirectUris")]
    #[schemars(length(max = limit::REDIRECT_URIS), inner(url, length(max = limit::REDIRECT_URI_BYTES)))]
    pub redirect_uris: Option<Vec<String>>,
    /// Enable or disable; a disabled client's tokens are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Public or confidential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
}

/// Which tokens of a client to revoke. Its access tokens always go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeTokens {
    /// Whether its refresh tokens go too.
    #[serde(default, alias = "refreshTokens")]
    pub refresh_tokens: bool,
}
