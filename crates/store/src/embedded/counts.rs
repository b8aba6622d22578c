//! What is held in memory of each service provider and organization, as of one commit: the number that stands
//! for a provider in keys, how many associations it has, how many profiles an organization has.
//!
//! Cheap to copy for the next commit: the maps are shared, and a change copies one shard.

use std::collections::HashMap;
use std::sync::Arc;

use jackfield_model::{OrganizationId, ServiceProviderId};

use crate::registry::Map;

/// Shards of shards, so that a change copies few pointers.
const SHARDS: usize = 8;

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
type Shard = Map<ServiceProviderId, ProviderCounts>;
type Shards = [Arc<[Arc<Shard>; SHARDS]>; SHARDS];

#[derive(Clone, Debug)]
pub(super) struct Counts {
    providers: Arc<Shards>,
    /// The counts of the provider that changed last, instead of those in its shard, where it is as well: the next change
    /// is mostly one of the same.
    latest: Option<(ServiceProviderId, ProviderCounts)>,
    profiles: Arc<HashMap<OrganizationId, u64>>,
    associations: u64,
}

impl Default for Counts {
    fn default() -> Self {
        let providers: Shards = std::array::from_fn(|_| Arc::new(std::array::from_fn(|_| Arc::default())));
        Self { providers: Arc::new(providers), latest: None, profiles: Arc::default(), associations: 0 }
    }
}

impl Counts {
    /// The counts of a provider; nothing when the provider is not there.
    pub(super) fn provider(&self, provider: ServiceProviderId) -> Option<ProviderCounts> {
        match self.latest {
            Some((latest, counts)) if latest == provider => Some(counts),
            _ => {
                let (outer, inner) = shard(provider);
                self.providers[outer][inner].get(&provider).copied()
            }
        }
    }

    /// The numbers of all providers.
    pub(super) fn provider_numbers(&self) -> impl Iterator<Item = ProviderNumber> + '_ {
        let shards = self.providers.iter().flat_map(|shards| shards.iter());
        shards.flat_map(|shard| shard.values().map(|counts| counts.number))
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
        let before = self.provider(provider);
        let count = |counts: Option<ProviderCounts>| counts.map_or(0, |counts| counts.associations);
        self.associations = self.associations - count(before) + count(counts);
        let of_another = self.latest.take_if(|(latest, _)| *latest != provider);
        if let Some((latest, counts)) = of_another {
            self.put_in_shard(latest, Some(counts));
        }
        match (before, counts) {
            (Some(_), Some(counts)) => self.latest = Some((provider, counts)),
            _ => {
                self.latest = None;
                self.put_in_shard(provider, counts);
            }
        }
    }

    fn put_in_shard(&mut self, provider: ServiceProviderId, counts: Option<ProviderCounts>) {
        let (outer, inner) = shard(provider);
        let shards = Arc::make_mut(&mut Arc::make_mut(&mut self.providers)[outer]);
        let providers = Arc::make_mut(&mut shards[inner]);
        match counts {
            Some(counts) => providers.insert(provider, counts),
            None => providers.remove(&provider),
        };
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
fn shard(provider: ServiceProviderId) -> (usize, usize) {
    let byte = usize::from(provider.as_uuid().as_bytes()[15]);
    (byte / SHARDS % SHARDS, byte % SHARDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_its_counts() {
        let ids = [0x07, 0x17, 0xff].map(|last| {
            let mut bytes = [1; 16];
            bytes[15] = last;
            ServiceProviderId::from_uuid(uuid::Uuid::from_bytes(bytes))
        });
        let with = |number, associations| Some(ProviderCounts { number, associations });
        let mut counts = Counts::default();
        let mut seen = Vec::new();
        // New, again, another between, gone, back.
        for (id, set) in [
            (0, with(1, 2)),
            (0, with(1, 3)),
            (1, with(2, 10)),
            (1, with(2, 11)),
            (0, with(1, 4)),
            (2, with(3, 100)),
            (1, None),
            (0, with(1, 5)),
            (0, None),
            (1, with(4, 20)),
        ] {
            counts.set_provider(ids[id], set);
            seen.push((counts.clone(), ids.map(|id| counts.provider(id))));
            assert_eq!(counts.provider(ids[id]), set);
        }
        for (copy, expected) in seen {
            assert_eq!(ids.map(|id| copy.provider(id)), expected);
            let there = expected.iter().flatten();
            let sum: u64 = there.clone().map(|counts| counts.associations).sum();
            assert_eq!(copy.all_associations(), sum);
            let mut numbers: Vec<_> = copy.provider_numbers().collect();
            numbers.sort_unstable();
            let mut expected: Vec<_> = there.map(|counts| counts.number).collect();
            expected.sort_unstable();
            assert_eq!(numbers, expected);
        }
    }
}
