//! Webhooks: who is sent the changes, and how far each has got.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Secret, TimeSpan};
use crate::{OrganizationId, ServiceProviderId, limit};

/// A webhook that is to be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("examples" = [{ "url": "https://hooks.example.com/jackfield", "operation": "association." }]))]
pub struct NewWebhook {
    /// The URL that takes the changes, `http` or `https`, without a user or password.
    #[schemars(length(min = 1, max = limit::WEBHOOK_URL_BYTES))]
    pub url: String,
    /// What deliveries are signed with: `whsec_` and 24 to 64 bytes in base64. The server makes one where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$"))]
    pub secret: Option<Secret>,
    /// Only changes about this service provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_provider_id: Option<ServiceProviderId>,
    /// Only changes of this organization and of what belongs to it: its clients, service providers, profiles, associations,
    /// units, address books, contacts, what ties them together, and skills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// Only operations that begin with this, for example `association.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limit::NAME_CHARS))]
    pub operation: Option<String>,
    /// Most changes of one delivery. One is sent as a CloudEvent, several as a batch of them; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limit::WEBHOOK_BATCH_MAX))]
    pub batch: Option<u32>,
    /// How long a delivery may take: seconds, or a span of time; 10 s when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,
    /// Deliveries that fail one after the other before it is parked; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limit::WEBHOOK_PARK_AFTER_MAX))]
    pub park_after: Option<u32>,
    /// Certificates in PEM form that its URL is trusted by, beside those of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limit::SKILL_CA_BYTES))]
    pub ca: Option<String>,
    /// Only changes with a greater sequence number; those from now on when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// Without its URL, which may hold a key.
impl std::fmt::Debug for NewWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewWebhook").finish_non_exhaustive()
    }
}

/// Whether a webhook is sent changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum WebhookState {
    /// It is sent changes as they are made.
    Active,
    /// An operator lets it rest.
    Paused,
    /// Too many deliveries failed one after the other. An operator can resume it.
    Parked,
}

impl WebhookState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Parked];

    /// The word that stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Parked => "parked",
        }
    }
}

/// A webhook. Its secret is there only in the answer to its creation, where the server made it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Webhook {
    /// Its id.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// The URL that takes the changes.
    pub url: String,
    /// What deliveries are signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Only changes about this service provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_provider_id: Option<ServiceProviderId>,
    /// Only changes of this organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// Only operations that begin with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Most changes of one delivery.
    pub batch: u32,
    /// How long a delivery may take.
    pub timeout: TimeSpan,
    /// Deliveries that fail one after the other before it is parked.
    pub park_after: u32,
    /// Certificates in PEM form that its URL is trusted by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// When it was made, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub created: String,
    /// Whether it is sent changes.
    pub state: WebhookState,
    /// The sequence number of the last change that it has, or that is not for it.
    pub after: u64,
    /// How many changes of the record follow that one, for it or not; at most 100,000 are counted.
    pub lag_changes: u64,
    /// The age of the first of them, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<u64>,
    /// Deliveries that have failed since the last good one, as far as this node knows.
    pub failures: u32,
    /// What was wrong with the last of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Since when it is parked, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub parked_since: Option<String>,
}

/// Without its URL, which may hold a key.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}
