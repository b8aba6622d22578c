//! Organizations, and how much each may keep.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Secret;
use crate::{Country, OrganizationId, Vertical};

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
