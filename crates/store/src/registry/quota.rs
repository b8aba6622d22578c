//! Quotas: how much one organization may keep, so that it cannot take the memory of all.
//!
//! The registry is held in memory by every node, profiles are rows. A quota is judged by the commit that would go
//! beyond it. One that was lowered below what is there removes nothing.

use jackfield_model::{OrganizationId, admin, limit};
use serde::{Deserialize, Serialize};

use super::{Registry, RegistryOutcome};

/// How many objects an organization may have; a number that is absent is the default of [`limit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quotas {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_providers: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clients: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profiles: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    units: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address_books: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    contacts: Option<u32>,
}

impl Quotas {
    /// Most service providers.
    #[must_use]
    pub fn service_providers(&self) -> u32 {
        self.service_providers.unwrap_or(limit::QUOTA_SERVICE_PROVIDERS)
    }

    /// Most clients.
    #[must_use]
    pub fn clients(&self) -> u32 {
        self.clients.unwrap_or(limit::QUOTA_CLIENTS)
    }

    /// Most communication profiles.
    #[must_use]
    pub fn profiles(&self) -> u32 {
        self.profiles.unwrap_or(limit::QUOTA_PROFILES)
    }

    /// Most units.
    #[must_use]
    pub fn units(&self) -> u32 {
        self.units.unwrap_or(limit::QUOTA_UNITS)
    }

    /// Most address books.
    #[must_use]
    pub fn address_books(&self) -> u32 {
        self.address_books.unwrap_or(limit::QUOTA_ADDRESS_BOOKS)
    }

    /// Most contacts of one address book.
    #[must_use]
    pub fn contacts(&self) -> u32 {
        self.contacts.unwrap_or(limit::QUOTA_CONTACTS)
    }

    /// These with the numbers that an operator names.
    #[must_use]
    pub fn with(self, named: admin::Quotas) -> Self {
        Self {
            service_providers: named.service_providers.or(self.service_providers),
            clients: named.clients.or(self.clients),
            profiles: named.profiles.or(self.profiles),
            units: named.units.or(self.units),
            address_books: named.address_books.or(self.address_books),
            contacts: named.contacts.or(self.contacts),
        }
    }

    pub(super) fn are_defaults(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Quotas> for admin::Quotas {
    /// Every number, defaults as well.
    fn from(quotas: Quotas) -> Self {
        Self {
            service_providers: Some(quotas.service_providers()),
            clients: Some(quotas.clients()),
            profiles: Some(quotas.profiles()),
            units: Some(quotas.units()),
            address_books: Some(quotas.address_books()),
            contacts: Some(quotas.contacts()),
        }
    }
}

impl Registry {
    /// The quota of profiles of an organization, when so many are all that it may have.
    #[must_use]
    pub(crate) fn profile_quota_reached(&self, organization: &OrganizationId, profiles: u64) -> Option<u32> {
        let most = self.organizations.get(organization)?.quotas.profiles();
        (profiles >= u64::from(most)).then_some(most)
    }

    /// Whether the organization may have another service provider.
    pub(super) fn check_provider_quota(&self, organization: &OrganizationId) -> RegistryOutcome {
        let held = self.providers.values().filter(|held| held.organization == *organization).count();
        self.within(organization, held, Quotas::service_providers)
    }

    /// Whether the organization may have another client.
    pub(super) fn check_client_quota(&self, organization: &OrganizationId) -> RegistryOutcome {
        let held = self.clients.values().filter(|held| held.organization == *organization).count();
        self.within(organization, held, Quotas::clients)
    }

    fn within(
        &self,
        organization: &OrganizationId,
        held: usize,
        quota: impl Fn(&Quotas) -> u32,
    ) -> RegistryOutcome {
        match self.organizations.get(organization).map(|held| quota(&held.quotas)) {
            Some(most) if held as u64 >= u64::from(most) => RegistryOutcome::QuotaReached(most),
            _ => RegistryOutcome::Done,
        }
    }

    /// About how many bytes the records take in memory: their texts, and what stands around them. For metrics.
    #[must_use]
    pub fn approximate_bytes(&self) -> usize {
        /// An entry of a map with its key, and the allocation behind it.
        const AROUND: usize = 160;
        let organizations: usize =
            self.organizations.values().map(|organization| AROUND + organization.name.len()).sum();
        let clients: usize = self
            .clients
            .values()
            .map(|client| {
                let uris: usize =
                    client.redirect_uris.iter().map(|uri| size_of::<String>() + uri.len()).sum();
                let scopes = |scopes: &jackfield_model::ScopeSet| {
                    scopes.iter().map(|scope| size_of::<String>() + scope.as_str().len()).sum::<usize>()
                };
                let tokens: usize = client
                    .refresh_tokens
                    .iter()
                    .map(|token| AROUND + size_of_val(token) + token.scopes.as_ref().map_or(0, scopes))
                    .sum();
                AROUND
                    + size_of_val(&**client)
                    + uris
                    + scopes(&client.scopes)
                    + tokens
                    + size_of_val(&client.spent_codes[..])
            })
            .sum();
        let providers: usize = self
            .providers
            .values()
            .map(|provider| {
                let names: usize =
                    provider.display_name.iter().map(|name| size_of_val(name) + name.bytes()).sum();
                2 * AROUND + size_of_val(&**provider) + 2 * provider.logical_id.len() + names
            })
            .sum();
        organizations + clients + providers
    }
}
