//! Resources in memory: one ordered map of rows.

use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use jackfield_model::{AmazonId, OrganizationId, UnitId, limit};

use super::{MemoryStore, State};
use crate::change::Origin;
use crate::contract::ResourceStore;
use crate::error::StoreError;
use crate::registry::{Profile, Registry};
use crate::resource::{
    Decided, ListKey, ReadRows, ResourceChange, ResourceOutcome, RowKey, Table, at_once, decide,
    decide_profile_removal,
};

/// The rows of resources.
pub(super) type Rows = BTreeMap<RowKey, String>;

fn page(rows: &Rows, list: &ListKey, after: &str, limit: usize) -> Vec<(String, String)> {
    let start = list.clone().row(after);
    let rows = rows.range((Bound::Excluded(start), Bound::Unbounded));
    let of_list = rows.take_while(|(key, _)| key.list == *list);
    of_list.take(limit).map(|(key, value)| (key.id.clone(), value.clone())).collect()
}

impl ReadRows for State {
    type Error = StoreError;

    async fn get(&self, key: &RowKey) -> Result<Option<String>, StoreError> {
        Ok(self.resources.get(key).cloned())
    }

    async fn get_all(&self, _: Vec<RowKey>) -> Result<Vec<(RowKey, Option<String>)>, StoreError> {
        Ok(Vec::new())
    }

    async fn scan(
        &self,
        list: &ListKey,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        Ok(page(&self.resources, list, after, limit))
    }

    async fn profile(&self, id: &AmazonId) -> Result<Option<Profile>, StoreError> {
        Ok(self.profiles.get(id).cloned())
    }

    async fn profile_of_unit(&self, unit: &UnitId) -> Result<Option<Profile>, StoreError> {
        Ok(self.profile_of_unit(unit).cloned())
    }

    fn corrupt(cause: String) -> StoreError {
        StoreError::Corrupt { cause }
    }
}

impl State {
    fn store_decided(&mut self, decided: Decided, origin: &Origin) -> Vec<ResourceOutcome> {
        for (key, value) in decided.rows {
            match value {
                Some(value) => self.resources.insert(key, value),
                None => self.resources.remove(&key),
            };
        }
        for (operation, subject) in decided.subjects {
            self.record(origin.clone(), operation, subject);
        }
        decided.outcomes
    }

    /// Removes what goes with a profile; answers whether that is not too much.
    pub(super) fn remove_resources_of_profile(
        &mut self,
        registry: &Registry,
        organization: &OrganizationId,
        id: &AmazonId,
        origin: &Origin,
    ) -> Result<bool, StoreError> {
        let most = limit::CASCADE_RESOURCES;
        let decided = at_once(decide_profile_removal(self, registry, organization, id, most))?;
        Ok(decided.map(|decided| self.store_decided(decided, origin)).is_some())
    }

    /// Whether the organization has units, address books or skills.
    pub(super) fn has_resources(&self, organization: &OrganizationId) -> bool {
        Table::OF_ORGANIZATION
            .iter()
            .any(|table| !page(&self.resources, &ListKey::new(organization, *table, ""), "", 1).is_empty())
    }
}

#[async_trait]
impl ResourceStore for MemoryStore {
    async fn change_resources(
        &self,
        organization: &OrganizationId,
        changes: Vec<ResourceChange>,
        origin: Origin,
    ) -> Result<Vec<ResourceOutcome>, StoreError> {
        let mut state = self.0.write();
        let registry = self.0.registry.load();
        let decided = at_once(decide(&*state, &registry, organization, changes))?;
        Ok(state.store_decided(decided, &origin))
    }

    async fn find_rows(&self, keys: &[RowKey]) -> Result<Vec<Option<String>>, StoreError> {
        let state = self.0.read();
        Ok(keys.iter().map(|key| state.resources.get(key).cloned()).collect())
    }

    async fn list_rows(
        &self,
        list: &ListKey,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        Ok(page(&self.0.read().resources, list, after, limit))
    }
}

#[cfg(test)]
mod tests {
    use jackfield_model::ContactId;
    use jackfield_model::wire::{AddressBook, Contact, ContactCard, ContactTarget};

    use super::*;
    use crate::conformance::world::{amazon, organization, origin, profile};
    use crate::contract::{ProfileStore as _, RegistryStore as _};
    use crate::registry::RegistryCommand;

    #[tokio::test]
    async fn what_goes_with_a_profile_is_bounded() {
        let store = MemoryStore::default();
        let north = organization("north");
        let id = north.id.clone();
        store.change_registry(RegistryCommand::CreateOrganization(north), origin()).await.unwrap();
        store.create_profile(profile("p", "north", "lobby"), origin()).await.unwrap();
        let book = AddressBook {
            address_book_id: "amzn1.alexa.addressbook.did.b".parse().unwrap(),
            name: "b".into(),
        };
        let contact = |suffix: &str| Contact {
            address_book_id: book.address_book_id.clone(),
            contact_id: ContactId::from_suffix(suffix).unwrap(),
            contact: ContactCard {
                name: suffix.to_owned(),
                target: ContactTarget::AlexaCommunicationProfileId(amazon("p")),
            },
        };
        let changes = [book.clone().into(), contact("one").into(), contact("two").into()];
        let changes = changes.map(ResourceChange::Create).into();
        let outcomes = store.change_resources(&id, changes, origin()).await.unwrap();
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let state = store.0.read();
        let registry = store.0.registry.load();
        let decide =
            |most| at_once(decide_profile_removal(&*state, &registry, &id, &amazon("p"), most)).unwrap();
        assert!(decide(1).is_none());
        assert_eq!(decide(2).unwrap().subjects.len(), 2);
    }
}
