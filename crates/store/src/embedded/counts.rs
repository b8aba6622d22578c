//! How many associations a provider and how many profiles an organization has, as of one commit.
//!
//! Cheap to copy for the next commit: the maps are shared, and a change copies one shard.

use std::collections::HashMap;
use std::sync::Arc;

use jackfield_model::{OrganizationId, ServiceProviderId};

const SHARDS: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct Counts {
    associations: [Arc<HashMap<ServiceProviderId, u64>>; SHARDS],
    profiles: Arc<HashMap<OrganizationId, u64>>,
    total: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { associations: std::array::from_fn(|_| Arc::default()), profiles: Arc::default(), total: 0 }
    }
}

impl Counts {
    /// Associations of a provider.
    pub(super) fn associations(&self, provider: ServiceProviderId) -> u64 {
        self.associations[shard(provider)].get(&provider).copied().unwrap_or_default()
    }

    /// Associations of all providers.
    pub(super) const fn all_associations(&self) -> u64 {
        self.total
    }

    /// Profiles of an organization.
    pub(super) fn profiles(&self, organization: &OrganizationId) -> u64 {
        self.profiles.get(organization).copied().unwrap_or_default()
    }

    pub(super) fn set_associations(&mut self, provider: ServiceProviderId, count: u64) {
        let own = Arc::make_mut(&mut self.associations[shard(provider)]);
        let before = if count == 0 { own.remove(&provider) } else { own.insert(provider, count) };
        self.total = self.total - before.unwrap_or_default() + count;
    }

    pub(super) fn set_profiles(&mut self, organization: &OrganizationId, count: u64) {
        let own = Arc::make_mut(&mut self.profiles);
        if count == 0 {
            own.remove(organization);
        } else {
            own.insert(organization.clone(), count);
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
        let mut counts = Counts::default();
        counts.set_associations(provider, 2);
        let before = counts.clone();
        counts.set_associations(provider, 3);
        assert_eq!((before.associations(provider), before.all_associations()), (2, 2));
        assert_eq!((counts.associations(provider), counts.all_associations()), (3, 3));
        counts.set_associations(provider, 0);
        assert_eq!((counts.associations(provider), counts.all_associations()), (0, 0));
    }
}
