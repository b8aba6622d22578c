//! Organizations, and how much each may keep.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;
use crate::{Country, OrganizationId, Vertical, limit, schema};

/// An organization: to create, or as answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Organization {
    /// Its id; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<OrganizationId>,
    /// A name for people.
    #[schemars(transform = schema::name)]
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
    /// Whether a profile must speak for a unit that is kept here. Shown where it must.
    #[serde(default, alias = "strictUnits", skip_serializing_if = "std::ops::Not::not")]
    pub strict_units: bool,
    /// How much it may keep. Answers say every number.
    #[serde(default, skip_serializing_if = "Quotas::is_empty")]
    pub quotas: Quotas,
    /// The password of its consent page. It is never answered.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "consentPassword")]
    #[schemars(length(min = limit::CONSENT_PASSWORD_MIN_CHARS, max = limit::CONSENT_PASSWORD_BYTES))]
    pub consent_password: Option<Secret>,
    /// Whether it has a password for the consent page.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("readOnly" = true))]
    pub has_consent_password: bool,
    /// Whether what may be refused is taken where it can be understood: numbers for ids, token parameters in the query
    /// string. Shown where it is not.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    #[schemars(extend("default" = true))]
    pub lenient: bool,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

/// How many objects an organization may have. A number that is absent is its default in a create, and stays as it is in a
/// change. A quota below what is there removes nothing: creates are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BTreeMap<String, u32>")]
#[schemars(!try_from, inline, extend("closed" = true))]
pub struct Quotas {
    /// Most service providers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limit::QUOTA_MAX), extend("default" = limit::QUOTA_SERVICE_PROVIDERS))]
    pub service_providers: Option<u32>,
    /// Most clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limit::QUOTA_MAX), extend("default" = limit::QUOTA_CLIENTS))]
    pub clients: Option<u32>,
    /// Most communication profiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limit::QUOTA_MAX), extend("default" = limit::QUOTA_PROFILES))]
    pub profiles: Option<u32>,
    /// Most units.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limit::QUOTA_MAX), extend("default" = limit::QUOTA_UNITS))]
    pub units: Option<u32>,
    /// Most address books.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limit::QUOTA_MAX), extend("default" = limit::QUOTA_ADDRESS_BOOKS))]
    pub address_books: Option<u32>,
    /// Most contacts of one address book.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = limit::QUOTA_MAX), extend("default" = limit::QUOTA_CONTACTS))]
    pub contacts: Option<u32>,
}

// Derived, it would take an array for an object and null for a number.
impl TryFrom<BTreeMap<String, u32>> for Quotas {
    type Error = String;

    fn try_from(named: BTreeMap<String, u32>) -> Result<Self, String> {
        const NAMES: &str =
            "quotas are service_providers, clients, profiles, units, address_books and contacts";
        let mut quotas = Self::default();
        for (name, quota) in named {
            let place = match name.as_str() {
                "service_providers" | "serviceProviders" => &mut quotas.service_providers,
                "clients" => &mut quotas.clients,
                "profiles" => &mut quotas.profiles,
                "units" => &mut quotas.units,
                "address_books" | "addressBooks" => &mut quotas.address_books,
                "contacts" => &mut quotas.contacts,
                _ => return Err(NAMES.to_owned()),
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationPatch {
    /// New name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::name)]
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
    /// Strict units on or off.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "strictUnits")]
    pub strict_units: Option<bool>,
    /// New quotas; those that are absent stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotas: Option<Quotas>,
    /// New password of its consent page; null takes it away.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present",
        alias = "consentPassword"
    )]
    #[schemars(
        length(min = limit::CONSENT_PASSWORD_MIN_CHARS, max = limit::CONSENT_PASSWORD_BYTES),
        extend("nullable" = true)
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
