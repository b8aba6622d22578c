//! What is held in memory of each service provider and organization, as of one commit: the number that stands
//! for a provider in keys, how many associations it has, how many profiles an organization has.
//!
//! Cheap to copy for the next commit: the maps are shared, and a change copies one shard.

use std::collections::HashMap;
use std::sync::Arc;

use jackfield_model::{OrganizationId, ServiceProviderId};

use crate::registry::Map;

const SHARDS: usize = 64;

/// Stands for a provider in the keys of its associations. Never given out twice.
pub(super) type ProviderNumber = u32;

/// What is kept of a provider beside its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProviderCounts {
    pub(super) number: ProviderNumber,
    /// How many associations it has.
    pub(super) associations: u64,
}

/// Each shard is shared, and all of them together: a copy of the counts is moved from hand to hand until it is shown.
type Shards = [Arc<Map<ServiceProviderId, ProviderCounts>>; SHARDS];

#[derive(Clone, Debug)]
pub(super) struct Counts {
    providers: Arc<Shards>,
    profiles: Arc<HashMap<OrganizationId, u64>>,
    associations: u64,
}

impl Default for Counts {
    fn default() -> Self {
        let providers: Shards = std::array::from_fn(|_| Arc::default());
        Self { providers: Arc::new(providers), profiles: Arc::default(), associations: 0 }
    }
}

impl Counts {
    /// The counts of a provider; nothing when the provider is not there.
    pub(super) fn provider(&self, provider: ServiceProviderId) -> Option<ProviderCounts> {
        self.providers[shard(provider)].get(&provider).copied()
    }

    /// The numbers of all providers.
    pub(super) fn provider_numbers(&self) -> impl Iterator<Item = ProviderNumber> + '_ {
        self.providers.iter().flat_map(|shard| shard.values().map(|counts| counts.number))
    }

    /// Associations of a provider.
    pub(super) fn associations(&self, provider: ServiceProviderId) -> u64 {
        self.provider(provider).map_or(0, |counts| counts.associations)
    }

    /// Associations of all providers.
    pub(super) const fn all_associations(&self) -> u64 {
        self.associations
    }

    /// Profiles of an organization.
    pub(super) fn profiles(&self, organization: &OrganizationId) -> u64 {
        self.profiles.get(organization).copied().unwrap_or_default()
    }

    pub(super) fn set_provider(&mut self, provider: ServiceProviderId, counts: Option<ProviderCounts>) {
        let providers = Arc::make_mut(&mut Arc::make_mut(&mut self.providers)[shard(provider)]);
        let before = match counts {
            Some(counts) => providers.insert(provider, counts),
            None => providers.remove(&provider),
        };
        let count = |counts: Option<ProviderCounts>| counts.map_or(0, |counts| counts.associations);
        self.associations = self.associations - count(before) + count(counts);
    }

    pub(super) fn set_profiles(&mut self, organization: &OrganizationId, count: u64) {
        let profiles = Arc::make_mut(&mut self.profiles);
        if count == 0 {
            profiles.remove(organization);
        } else {
            profiles.insert(organization.clone(), count);
        }
    }
}

/// The last byte of a UUID is as random as any.
fn shard(provider: ServiceProviderId) -> usize {
    usize::from(provider.as_uuid().as_bytes()[15]) % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_its_counts() {
        let provider = ServiceProviderId::from_uuid(uuid::Uuid::new_v4());
        let with = |associations| Some(ProviderCounts { number: 7, associations });
        let mut counts = Counts::default();
        counts.set_provider(provider, with(2));
        let before = counts.clone();
        counts.set_provider(provider, with(3));
        assert_eq!((before.provider(provider), before.all_associations()), (with(2), 2));
        assert_eq!((counts.provider(provider), counts.all_associations()), (with(3), 3));
        counts.set_provider(provider, None);
        assert_eq!((counts.provider(provider), counts.all_associations()), (None, 0));
    }
}
