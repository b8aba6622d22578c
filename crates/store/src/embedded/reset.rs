//! A reset: other content in place of all there was, in one commit, and the clearing up after it.
//!
//! The commit replaces every row but those of the associations that were there. Their keys begin with the number of
//! their provider, numbers are never given out twice, and after the commit no provider has one of theirs: nobody can
//! see them any more. They are removed in small commits afterwards, so that a reset is as fast with a million
//! associations as with none. A process that ends meanwhile leaves the rest of them to the next reset.

use std::ops::Bound;
use std::sync::Arc;

use super::codec;
use super::counts::{Counts, ProviderNumber, Tally};
use super::group::Group;
use super::layout::{self, Key, Space};
use crate::StoreError;
use crate::change::Origin;
use crate::content::Content;
use crate::registry::{Record, Registry};

impl Group<'_> {
    pub(super) fn reset(&mut self, content: &Content, origin: &Origin) -> Result<(), StoreError> {
        let providers = u32::try_from(content.registry.providers.len()).unwrap_or(u32::MAX);
        self.last_provider()
            .checked_add(providers)
            .ok_or_else(|| codec::corrupt("state", &"no provider number is left"))?;
        self.remove_rows()?;
        self.set_counts(Counts::default());
        for record in content.registry.records() {
            let value = serde_json::to_vec(&record).expect("records have text keys and no failing values");
            self.put(Space::Registry, layout::record(&record.key()), Some(value));
            if let Record::ServiceProvider(provider) = &record {
                let number = self.next_provider();
                let own = content.associations.get(&provider.id).map_or(&[][..], Vec::as_slice);
                for association in own {
                    let key = layout::association(number, &association.external_user_id);
                    self.put(Space::Association, key, Some(codec::encode_amazon_id(&association.amazon_id)));
                }
                let tally = Tally { number, associations: own.len() as u64 };
                self.set_tally(provider.id, Some(tally));
            }
        }
        for profile in &content.profiles {
            self.add_profile(profile);
        }
        for (origin, operation, subject) in content.changes(origin) {
            self.record(origin, operation, subject);
        }
        self.set_registry(Arc::new(Registry::from_records(content.registry.records())));
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
    pub(super) fn sweep(&mut self, from: Key, limit: usize) -> Result<Option<Key>, StoreError> {
        let mut start = from;
        let mut dead: Vec<Key> = Vec::new();
        let mut known_dead = None;
        loop {
            let mut live = None;
            for key in self.view().keys_from(Space::Association, Bound::Included(start.clone())) {
                let key = key?;
                let number = key.first_chunk().map(|bytes| ProviderNumber::from_be_bytes(*bytes));
                if number != known_dead {
                    if let Some(number) = number.filter(|number| self.is_live(*number)) {
                        live = Some(number);
                        break;
                    }
                    known_dead = number;
                }
                dead.push(key);
                if dead.len() == limit {
                    break;
                }
            }
            // The rows of a provider that is there are stepped over as one.
            match live.map(|number| number.checked_add(1)) {
                Some(Some(next)) if dead.len() < limit => start = next.to_be_bytes().to_vec(),
                _ => break,
            }
        }
        let next = dead.last().filter(|_| dead.len() == limit).cloned();
        for key in dead {
            self.put(Space::Association, key, None);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::conformance::world::{NORTH, World, external};
    use crate::conformance::{Adapter as _, Embedded};
    use crate::embedded::EmbeddedStore;
    use crate::{Store as _, StoreOptions};
    use jackfield_model::wire::Association;

    /// Keys of associations that stand in the files, seen by somebody or not.
    async fn stored(adapter: &Embedded) -> usize {
        let store = EmbeddedStore::open(adapter.dir(), StoreOptions::default()).await.unwrap();
        let stored = store.shared.view().await.unwrap().keys(Space::Association, &[]).count();
        store.close().await;
        stored
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_nobody_sees_any_more_is_removed_even_by_the_reset_after_the_next() {
        let adapter = Embedded::in_memory();
        let world = World::new(&adapter).await;
        let many: Vec<Association> = (0..600)
            .map(|n| Association::new(external(&n.to_string()), crate::conformance::world::amazon("one")))
            .collect();
        let registry = Registry::clone(&world.store.registry());
        let full = Content {
            registry: registry.clone(),
            profiles: Vec::new(),
            associations: BTreeMap::from([(world.providers[0], many.clone()), (world.stranger, many)]),
        };
        let origin = crate::conformance::world::origin;
        world.store.reset(full.clone(), origin()).await.unwrap();
        world.store.close().await;
        assert_eq!(stored(&adapter).await, 1_200);
        // A process that is killed after the commit of a reset leaves the old rows behind.
        let store = EmbeddedStore::open(adapter.dir(), StoreOptions::default()).await.unwrap();
        store.write(|reply| super::super::Write::Reset(Box::new(full), origin(), reply)).await.unwrap();
        store.close().await;
        assert_eq!(stored(&adapter).await, 2_400);
        let store = adapter.open().await;
        store.reset(Content { registry, ..Content::default() }, origin()).await.unwrap();
        assert_eq!(store.stats().await.unwrap().associations, 0);
        assert!(
            store.registry().organizations.contains_key(&crate::conformance::world::organization_id(NORTH))
        );
        store.close().await;
        assert_eq!(stored(&adapter).await, 0);
    }
}
