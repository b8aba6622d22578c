//! The content of the memory store as a whole: taken out, and put in.

use std::sync::Arc;

use jackfield_model::OrganizationId;
use jackfield_model::wire::Association;

use super::{MemoryStore, Shared};
use crate::change::Origin;
use crate::content::Content;
use crate::registry::Registry;
use crate::resource::{Resource, RowKey};

impl MemoryStore {
    /// Everything that the store holds.
    #[must_use]
    pub fn content(&self) -> Content {
        let state = self.0.read();
        let associations =
            state.associations.iter().filter(|(_, held)| !held.is_empty()).map(|(provider, held)| {
                let associations =
                    held.iter().map(|(id, target)| Association::new(id.clone(), target.amazon_id.clone()));
                (*provider, associations.collect())
            });
        Content {
            registry: self.0.registry.load().as_ref().clone(),
            profiles: state.profiles.values().cloned().collect(),
            associations: associations.collect(),
            resources: state.resources.iter().filter_map(|(key, text)| resource_of(key, text)).collect(),
        }
    }
}

impl Shared {
    /// Puts this content in place of all there was.
    pub(super) fn replace(&self, content: Content, origin: &Origin) {
        let mut state = self.write();
        for (origin, operation, subject) in content.changes(origin) {
            state.record(origin, operation, subject);
        }
        let Content { mut registry, profiles, associations, resources } = content;
        registry.take_what_is_operators(&self.registry.load());
        state.clear_profiles();
        profiles.into_iter().for_each(|profile| state.add_profile(profile));
        state.resources = crate::resource::all_rows(&resources);
        state.uses.clear();
        state.associations.clear();
        for (provider, held) in associations {
            // What belongs to no provider could not be seen anyway.
            let Some(record) = registry.providers.get(&provider) else { continue };
            for Association { external_user_id, amazon_id, .. } in held {
                let target = state.point(record.organization.clone(), amazon_id);
                state.associations.entry(provider).or_default().insert(external_user_id, target);
            }
        }
        let registry = registry.with_keys_of(&self.registry.load());
        self.registry.store(Arc::new(Registry::from_records(registry.records())));
    }
}

/// The resource of a row, unless the row is derived.
fn resource_of(key: &RowKey, text: &str) -> Option<(OrganizationId, Resource)> {
    Some((key.organization()?, Resource::from_row(key.list.table, text).ok()?))
}
