//! Bodies of the admin API, shared by the server and the command line.
//!
//! Registry objects use the names of the seed file; associations look as in the public API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::wire::{Association, Network};
use crate::{
    AmazonId, ClientId, Country, ExternalUserId, OrganizationId, RequestId, Scope, ScopeSet,
    ServiceProviderId, UnitId, Vertical,
};

/// A display name of a service provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisplayName {
    /// BCP 47 language tag, for example `en-US`.
    pub locale: String,
    /// The name in that language.
    pub value: String,
}

impl DisplayName {
    /// Bytes of locale and value.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.locale.len() + self.value.len()
    }
}

/// An organization, as answered and as created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id; `None` in a create means that the server issues one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<OrganizationId>,
    /// A name for people.
    pub name: String,
    /// Where it does business.
    pub country: Country,
    /// Its line of business.
    pub vertical: Vertical,
    /// Whether it has the WebRTC add-on; without it every operation but those on profiles is a 403.
    #[serde(default)]
    pub webrtc: bool,
    /// Whether create and update want an `amazonId` that is a known profile of the organization.
    #[serde(default, alias = "strictProfiles")]
    pub strict_profiles: bool,
    /// How much it may keep. Answers say every number.
    #[serde(default, skip_serializing_if = "Quotas::is_empty")]
    pub quotas: Quotas,
    /// The password of its consent page; only on the way in, it is never answered.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "consentPassword")]
    pub consent_password: Option<Secret>,
    /// Whether it has a password for the consent page; only on the way out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_consent_password: bool,
    /// Whether what may be refused is taken where it can be understood: numbers for ids, token parameters in the query
    /// string. Shown where it is not.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub lenient: bool,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

/// How many objects an organization may have. A number that is absent is the default of [`crate::limit`] in a create, and
/// stays as it is in a change. A quota below what is there removes nothing: creates are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, u32>")]
pub struct Quotas {
    /// Most service providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_providers: Option<u32>,
    /// Most clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<u32>,
    /// Most communication profiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profiles: Option<u32>,
}

// Derived, it would take an array for an object and null for a number.
impl TryFrom<BTreeMap<String, u32>> for Quotas {
    type Error = String;

    fn try_from(named: BTreeMap<String, u32>) -> Result<Self, String> {
        let mut quotas = Self::default();
        for (name, quota) in named {
            let place = match name.as_str() {
                "service_providers" | "serviceProviders" => &mut quotas.service_providers,
                "clients" => &mut quotas.clients,
                "profiles" => &mut quotas.profiles,
                _ => return Err("quotas are service_providers, clients and profiles".to_owned()),
            };
            *place = Some(quota);
        }
        Ok(quotas)
    }
}

impl Quotas {
    /// Whether it names no number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What of an organization is to change; absent properties stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganizationPatch {
    /// New name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// New country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// New vertical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vertical: Option<Vertical>,
    /// Add-on on or off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webrtc: Option<bool>,
    /// Strict profiles on or off.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "strictProfiles")]
    pub strict_profiles: Option<bool>,
    /// New quotas; those that are absent stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotas: Option<Quotas>,
    /// New password of its consent page; `Some(None)`, which is null in JSON, for none any more.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present",
        alias = "consentPassword"
    )]
    pub consent_password: Option<Option<Secret>>,
    /// Lenient or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lenient: Option<bool>,
}

/// A value that is there, null or not: absent is something else.
fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A client to create. Everything may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// Its id; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ClientId>,
    /// Its secret; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Granted scopes; the service provider scope when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
    /// A refresh token that is to be valid for it.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "refreshToken")]
    pub refresh_token: Option<Secret>,
    /// Requests a second; the server's default when absent, 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "rateLimit")]
    pub rate_limit: Option<u32>,
    /// Where the consent page may send a browser back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty", alias = "redirectUris")]
    pub redirect_uris: Vec<String>,
    /// Whether it runs where a secret cannot be kept: it may then redeem a code without one, given PKCE with S256.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub public: bool,
}

/// A secret on its way in or out. Its debug form hides the text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What the bearer of an admin token may do. Each role may do all that the one before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads accounts, associations, the change record and the state of the server.
    Viewer,
    /// Also reads the journal, makes fault rules, moves the token clock, switches maintenance mode, issues and revokes
    /// tokens of clients, and takes backups.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An admin token that is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAdminToken {
    /// Whose it is, for the change record: 1 to 64 letters, digits, `.`, `_` and `-`; no other token has it.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// Its life in seconds of the system's clock; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// An admin token as answered. The token itself is there only in the answer to its creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminToken {
    /// Its id; `bootstrap` for the one that the server was started with.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// When it was made; absent for the bootstrap token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// When it expires or has expired; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The token, this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

/// A client as answered. The secret is there only in the answer to its creation or rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// The secret, answered once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Granted scopes.
    pub scopes: Vec<Scope>,
    /// Requests a second, when it differs from the server's default; 0 for no limit.
    pub rate_limit: Option<u32>,
    /// Where the consent page may send a browser back to.
    pub redirect_uris: Vec<String>,
    /// Whether it may get and use tokens.
    pub enabled: bool,
    /// Whether it may redeem a code without its secret.
    #[serde(default)]
    pub public: bool,
    /// How many refresh tokens are valid for it.
    pub refresh_tokens: usize,
}

/// What of a client is to change; absent properties stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientPatch {
    /// New scopes. Where one is taken away, every access token that was issued so far is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
    /// New rate limit in requests a second; 0 for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "rateLimit")]
    pub rate_limit: Option<u32>,
    /// New redirect URIs.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "redirectUris")]
    pub redirect_uris: Option<Vec<String>>,
    /// Enable or disable; a disabled client's tokens are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Public or confidential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
}

/// Which tokens of a client to revoke. Its access tokens always go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeTokens {
    /// Whether its refresh tokens go too.
    #[serde(default, alias = "refreshTokens")]
    pub refresh_tokens: bool,
}

/// A request for a refresh token of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRefreshToken {
    /// Scopes that it stands for, of those that the client is granted; all that it is granted when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
}

/// A refresh token as answered. The token itself is there only in the answer to its creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// Its id: 16 hexadecimal digits.
    pub id: String,
    /// The token, `Atzr|…`, answered once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When it was issued, RFC 3339 in UTC with milliseconds.
    pub issued: String,
    /// The scopes that it stands for; absent for those that the client is granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
    /// Whether it came from the consent page; else an operator issued it.
    pub consent: bool,
    /// Who allowed it on the consent page, where that is known: a user's name, or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A request for an access token of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// Scopes of the token, granted to the client or not; the granted ones when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeSet>,
    /// Life in seconds, at most [`crate::limit::ACCESS_TOKEN_MAX_SECONDS`]; 0 issues an expired token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// An access token, in the form of the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The token, `Atza|…`.
    pub access_token: Secret,
    /// Always `bearer`.
    pub token_type: String,
    /// Seconds until it expires.
    pub expires_in: u64,
    /// Its scopes, separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The refresh token, `Atzr|…`, of grants that give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
}

/// A service provider to create, or as answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceProvider {
    /// Its id; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ServiceProviderId>,
    /// The organization that it belongs to; the path says it in a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// The organization's own name for it, unique in the organization.
    #[serde(alias = "logicalId", alias = "serviceProviderLogicalId")]
    pub logical_id: String,
    /// Names for people, one a locale.
    #[serde(default, alias = "displayName", skip_serializing_if = "Vec::is_empty")]
    pub display_name: Vec<DisplayName>,
    /// How its network is reached, in the form of the public API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Associations that it has; answered only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associations: Option<u64>,
}

/// What of a service provider is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceProviderPatch {
    /// The names for people as they are to be, in place of all there were.
    #[serde(alias = "displayName")]
    pub display_name: Vec<DisplayName>,
}

/// A communication profile to create, or as answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its id, the `amazonId` of associations; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AmazonId>,
    /// The organization that it belongs to; the path says it in a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// The unit that it speaks for.
    pub unit: UnitId,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What of a communication profile is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfilePatch {
    /// The new name; `null` takes it away.
    pub name: Option<String>,
}

/// Maintenance mode: while on, the public operations answer 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// On or off.
    pub enabled: bool,
    /// Seconds of the `Retry-After` header; 60 when absent.
    #[serde(default = "default_retry_after", alias = "retryAfter")]
    pub retry_after: u32,
}

const fn default_retry_after() -> u32 {
    60
}

impl Default for Maintenance {
    fn default() -> Self {
        Self { enabled: false, retry_after: default_retry_after() }
    }
}

/// A rotation of the keys that sign tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// Whether all that older keys signed is worthless at once; otherwise it is good until it expires.
    #[serde(default)]
    pub revoke: bool,
}

/// A key that signs tokens, or verifies those that it signed. The key itself is never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// Its number, from 1.
    pub id: u32,
    /// Whether it signs.
    pub current: bool,
    /// When it took over, by the token clock, RFC 3339 in UTC; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Seconds since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// When nothing that it signed is good any more; absent for the one that signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifies_until: Option<String>,
}

/// A page of associations of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssociationList {
    /// The associations, sorted by the bytes of `externalUserId`.
    pub associations: Vec<Association>,
    /// All associations of the provider, whatever the prefix.
    pub total_count: u64,
    /// What to send as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<ExternalUserId>,
}

/// One recorded change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its place in the order of all changes, from 1, without repeats.
    pub sequence: u64,
    /// When it was made, RFC 3339 in UTC with milliseconds.
    pub time: String,
    /// Who made it: a client id, `admin` or `seed`.
    pub actor: String,
    /// What was done, for example `association.create`.
    pub operation: String,
    /// The request that did it.
    pub request_id: RequestId,
    /// The provider of a changed association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_provider_id: Option<ServiceProviderId>,
    /// The endpoint of a changed association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_user_id: Option<ExternalUserId>,
    /// The id of a changed object that is no association.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What was there before: the `amazonId` of an association, the object otherwise; `null` for nothing.
    pub before: Option<serde_json::Value>,
    /// What is there since; `null` for nothing.
    pub after: Option<serde_json::Value>,
}

/// A page of the change record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeList {
    /// The changes, oldest first.
    pub changes: Vec<Change>,
    /// What to send as `after` to go on. With a filter a page may be short or empty although more follow.
    pub next_after: u64,
    /// Whether changes follow this page.
    pub more: bool,
}

/// A list of admin objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List<T> {
    /// The objects, sorted by id.
    pub items: Vec<T>,
    /// What to send as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<String>,
}

/// How the server is: the answer of `/admin/v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Version of the server.
    pub version: String,
    /// Kind of store: `memory`, `embedded` or `postgres`.
    pub store: String,
    /// Whether the store can be read and written.
    pub ready: bool,
    /// Seconds since the server started.
    pub uptime_seconds: u64,
    /// Organizations.
    pub organizations: u64,
    /// Clients.
    pub clients: u64,
    /// Service providers.
    pub service_providers: u64,
    /// Associations of all providers.
    pub associations: u64,
    /// Highest sequence number of the change record.
    pub last_change: u64,
    /// Bytes that the store takes on disk, where it knows.
    pub disk_bytes: Option<u64>,
    /// Seconds that the token clock is ahead of the system's; negative when it is behind.
    #[serde(default)]
    pub clock_offset_seconds: i64,
    /// Maintenance mode.
    pub maintenance: Maintenance,
}
