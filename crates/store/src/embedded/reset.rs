//! A reset: other content in place of all there was, in one commit, and the clearing up after it.
//!
//! The commit replaces every row but those of the associations that were there. Their keys begin with the number of
//! their provider, numbers are never given out twice, and after the commit no provider has one of theirs: nobody can
//! see them any more. The writer removes them in small commits while it has nothing else to do, so that a reset is as
//! fast with a million associations as with none. A process that ends meanwhile leaves the rest to the next start.

use std::ops::Bound;
use std::sync::Arc;

use super::codec;
use super::counts::{Counts, ProviderCounts, ProviderNumber};
use super::group::Group;
use super::layout::{self, Key, Space};
use crate::StoreError;
use crate::change::Origin;
use crate::content::Content;
use crate::registry::Registry;
use crate::resource::all_rows;

impl Group<'_> {
    /// Replaces everything. A failure takes back what was taken down before it.
    pub(super) fn reset(&mut self, content: &Content, origin: &Origin) -> Result<(), StoreError> {
        let providers = u32::try_from(content.registry.providers.len()).unwrap_or(u32::MAX);
        self.last_provider()
            .checked_add(providers)
            .ok_or_else(|| codec::corrupt("state", &"no provider number is left"))?;
        let before = self.clone();
        let done = self.replace(content, origin);
        match done {
            Ok(()) => self.set_reset(),
            Err(_) => *self = before,
        }
        done
    }

    fn replace(&mut self, content: &Content, origin: &Origin) -> Result<(), StoreError> {
        self.remove_rows()?;
        self.set_counts(Counts::default());
        let mut registry = content.registry.with_keys_of(self.registry());
        registry.take_what_is_operators(self.registry());
        let records = registry.records();
        self.set_registry(Arc::new(Registry::from_records(records.clone())));
        for record in records {
            let value = serde_json::to_vec(&record).expect("records have text keys and no failing values");
            self.put(Space::Registry, layout::record(&record.key()), Some(value.into()));
        }
        // Associations are counted at the profiles that are there.
        for profile in &content.profiles {
            self.add_profile(profile);
        }
        for (key, value) in all_rows(&content.resources) {
            self.put(Space::Profile, layout::resource(&key), Some(value.into()));
        }
        for provider in content.registry.providers.values() {
            let associations = content.associations.get(&provider.id).map_or(&[][..], Vec::as_slice);
            let number = self.next_provider();
            let mut targets = Vec::with_capacity(associations.len());
            for association in associations {
                let target = self.target(&provider.organization, association.amazon_id.clone())?;
                let key = layout::association(number, &association.external_user_id);
                self.put(Space::Association, key, Some(codec::encode_target(&target)));
                targets.push(target);
            }
            let uses = self.uses(&provider.organization, targets.iter().map(|target| (target, 1)))?;
            self.set_uses(uses);
            self.set_provider_counts(
                provider.id,
                Some(ProviderCounts { number, associations: associations.len() as u64 }),
            );
        }
        for (origin, operation, subject) in content.changes(origin) {
            self.record(origin, operation, subject);
        }
        Ok(())
    }

    /// Takes away every row of the registry, the profiles and the counts, stored or of this group.
    fn remove_rows(&mut self) -> Result<(), StoreError> {
        let mut keys: Vec<(Space, Key)> = Vec::new();
        let parts = [
            (Space::Registry, &[][..]),
            (Space::Profile, &[][..]),
            (Space::Meta, &[layout::PROVIDER][..]),
            (Space::Meta, &[layout::PROFILE_COUNT][..]),
        ];
        for (space, prefix) in parts {
            for key in self.view().keys(space, prefix) {
                keys.push((space, key?));
            }
            keys.extend(self.pending_keys(space, prefix));
        }
        for (space, key) in keys {
            self.put(space, key, None);
        }
        Ok(())
    }

    /// Removes associations that belong to no provider, at most `limit`, from this key on. Answers where to go on,
    /// or nothing at the end.
    pub(super) fn sweep(&mut self, from: &[u8], limit: usize) -> Result<Option<Key>, StoreError> {
        let key = |number: ProviderNumber| Key::from(number.to_be_bytes());
        let mut dead: Vec<Key> = Vec::new();
        for (first, end) in self.unused_numbers() {
            let start = key(first).max(from.into());
            let end = end.map(key);
            if end.as_ref().is_some_and(|end| *end <= start) {
                continue;
            }
            let end = end.map_or(Bound::Unbounded, Bound::Excluded);
            let keys = self.view().keys_between(Space::Association, Bound::Included(start), end);
            for key in keys.take(limit - dead.len()) {
                dead.push(key?);
            }
            if dead.len() == limit {
                break;
            }
        }
        let next = dead.last().filter(|_| dead.len() == limit).cloned();
        for key in dead {
            self.put(Space::Association, key, None);
        }
        Ok(next)
    }

    /// The numbers that no provider has, as ranges: the first, and the one of a provider behind the last, if there is
    /// one. As good as all providers follow each other in number, so these are few, and sweeping them reads little.
    fn unused_numbers(&self) -> Vec<(ProviderNumber, Option<ProviderNumber>)> {
        let mut live: Vec<ProviderNumber> = self.provider_numbers().collect();
        live.sort_unstable();
        let mut unused = Vec::new();
        let mut next = Some(0);
        for number in live {
            unused.extend(next.filter(|next| *next < number).map(|next| (next, Some(number))));
            next = number.checked_add(1);
        }
        unused.extend(next.map(|next| (next, None)));
        unused
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::conformance::Embedded;
    use crate::conformance::world::{World, amazon, external, origin};
    use crate::embedded::EmbeddedStore;
    use crate::{AssociationStore as _, Store as _, StoreOptions};
    use jackfield_model::wire::Association;

    /// Waits until so many keys of associations stand in the files, seen by somebody or not.
    async fn wait_for(store: &EmbeddedStore, count: usize) {
        for _ in 0..1_000 {
            if store.shared.view().await.unwrap().keys(Space::Association, &[]).count() == count {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the files never hold {count} associations");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_nobody_sees_any_more_is_removed_at_the_latest_after_the_next_start() {
        let adapter = Embedded::in_memory();
        let world = World::new(&adapter).await;
        let many: Vec<Association> =
            (0..800).map(|n| Association::new(external(&n.to_string()), amazon("one"))).collect();
        let registry = Registry::clone(&world.store.registry());
        let full = Content {
            registry: registry.clone(),
            profiles: Vec::new(),
            associations: BTreeMap::from([(world.providers[0], many.clone()), (world.stranger, many)]),
            ..Content::default()
        };
        world.store.close().await;
        let open = async || EmbeddedStore::open(adapter.dir(), StoreOptions::default()).await.unwrap();
        let store = open().await;
        for _ in 0..3 {
            store.reset(full.clone(), origin()).await.unwrap();
        }
        assert_eq!(store.stats().await.unwrap().associations, 1_600);
        wait_for(&store, 1_600).await;
        store.reset(full.clone(), origin()).await.unwrap();
        // Whatever this leaves behind, the next start removes.
        store.close().await;
        let store = open().await;
        wait_for(&store, 1_600).await;
        assert_eq!(store.count_associations(world.stranger).await.unwrap(), 800);
        store.reset(Content { registry, ..Content::default() }, origin()).await.unwrap();
        wait_for(&store, 0).await;
        store.close().await;
    }
}
