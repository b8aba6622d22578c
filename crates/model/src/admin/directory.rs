//! What organizations keep: service providers, communication profiles and associations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::{Association, DisplayName, Network};
use crate::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId, UnitId, limit, schema};

/// A service provider to create, or as answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceProvider {
    /// Its id; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ServiceProviderId>,
    /// The organization that it belongs to; the path says it in a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// The organization's own name for it, unique in the organization.
    #[serde(alias = "logicalId", alias = "serviceProviderLogicalId")]
    #[schemars(transform = schema::name)]
    pub logical_id: String,
    /// Names for people, one a locale.
    #[serde(default, alias = "displayName", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limit::DISPLAY_NAMES))]
    pub display_name: Vec<DisplayName>,
    /// How its network is reached, in the form of the public API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Associations that it has; answered only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associations: Option<u64>,
}

/// What of a service provider is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceProviderPatch {
    /// The names for people as they are to be, in place of all there were.
    #[serde(alias = "displayName")]
    #[schemars(length(max = limit::DISPLAY_NAMES))]
    pub display_name: Vec<DisplayName>,
}

/// A communication profile to create, or as answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    #[schemars(transform = schema::name)]
    pub name: Option<String>,
}

/// What of a communication profile is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfilePatch {
    /// The new name; `null` takes it away.
    #[schemars(length(min = 1, max = limit::NAME_CHARS), extend("nullable" = true))]
    pub name: Option<String>,
}

/// A page of associations of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssociationList {
    /// The associations, sorted by the bytes of `externalUserId`.
    pub associations: Vec<Association>,
    /// All associations of the provider, whatever the prefix.
    pub total_count: u64,
    /// What to send as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub next_after: Option<ExternalUserId>,
}
