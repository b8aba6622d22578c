//! The content of the memory store as a whole: taken out, and put in.

use std::sync::Arc;

use jackfield_model::wire::Association;

use super::MemoryStore;
use crate::change::Origin;
use crate::content::Content;
use crate::registry::Registry;

impl MemoryStore {
    /// Everything that the store holds.
    #[must_use]
    pub fn content(&self) -> Content {
        let state = self.read();
        let associations =
            state.associations.iter().filter(|(_, own)| !own.is_empty()).map(|(provider, own)| {
                let own = own.iter().map(|(id, profile)| Association::new(id.clone(), profile.clone()));
                (*provider, own.collect())
            });
        Content {
            registry: self.registry.load().as_ref().clone(),
            profiles: state.profiles.values().cloned().collect(),
            associations: associations.collect(),
        }
    }

    /// Puts this content in place of all there was.
    pub(super) fn replace(&self, content: Content, origin: &Origin) {
        let mut state = self.write();
        for (origin, operation, subject) in content.changes(origin) {
            state.record(origin, operation, subject);
        }
        let Content { registry, profiles, associations } = content;
        state.profiles = profiles.into_iter().map(|profile| (profile.id.clone(), profile)).collect();
        let own = |own: Vec<Association>| {
            own.into_iter().map(|association| (association.external_user_id, association.amazon_id)).collect()
        };
        state.associations =
            associations.into_iter().map(|(provider, associations)| (provider, own(associations))).collect();
        self.registry.store(Arc::new(Registry::from_records(registry.records())));
    }
}
