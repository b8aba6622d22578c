//! The server itself: its state, maintenance mode and signing keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limit;

/// How the server is: the answer of `/admin/v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Version of the server.
    pub version: String,
    /// Kind of store.
    #[schemars(extend("enum" = ["memory", "embedded", "postgres"]))]
    pub store: String,
    /// The base URL of the public API: the scheme and the address that this server listens at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Whether it serves the demo data, and `/admin/v1/demo` has its credentials.
    #[serde(default)]
    #[schemars(!default)]
    pub demo: bool,
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
    #[schemars(extend("nullable" = true))]
    pub disk_bytes: Option<u64>,
    /// Seconds that the token clock is ahead of the system's; negative when it is behind.
    #[serde(default)]
    #[schemars(!default)]
    pub clock_offset_seconds: i64,
    /// Maintenance mode.
    pub maintenance: Maintenance,
}

/// Maintenance mode: while on, the public operations answer 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// On or off.
    pub enabled: bool,
    /// Seconds of the `Retry-After` header; 60 when absent.
    #[serde(default = "default_retry_after", alias = "retryAfter")]
    #[schemars(range(min = 1, max = limit::RETRY_AFTER_MAX_SECONDS))]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKeys {
    /// Whether all that older keys signed is worthless at once; otherwise it is good until it expires.
    #[serde(default)]
    pub revoke: bool,
}

/// A key that signs tokens, or verifies those that it signed. The key itself is never shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SigningKey {
    /// Its number, from 1.
    #[schemars(range(min = 1))]
    pub id: u32,
    /// Whether it signs.
    pub current: bool,
    /// When it took over, by the token clock, RFC 3339 in UTC; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
    /// Seconds since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// When nothing that it signed is good any more; absent for the one that signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub verifies_until: Option<String>,
}

/// The keys that sign tokens or verify them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SigningKeyList {
    /// The keys, oldest first.
    #[schemars(length(max = limit::SIGNING_KEYS))]
    pub items: Vec<SigningKey>,
}
