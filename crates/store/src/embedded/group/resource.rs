//! The part of a group that is about resources.

use std::collections::BTreeMap;

use jackfield_model::{AmazonId, OrganizationId, UnitId, limit};

use super::super::codec::text;
use super::super::layout::{self, Space};
use super::super::resource::page;
use super::Group;
use crate::change::Origin;
use crate::error::StoreError;
use crate::registry::Profile;
use crate::resource::{
    Decided, ListKey, ReadRows, ResourceChange, ResourceOutcome, RowKey, Table, at_once, decide,
    decide_profile_removal,
};

impl ReadRows for Group<'_> {
    type Error = StoreError;

    async fn get(&self, key: &RowKey) -> Result<Option<String>, StoreError> {
        self.resource_row(key)
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
        let prefix = layout::resource_list(list);
        let pending = self.pending_keys(Space::Profile, &prefix);
        if pending.is_empty() {
            return page(self.view, list, after, limit);
        }
        // Each row that the group removes may hide one of the page.
        let stored = page(self.view, list, after, limit.saturating_add(pending.len()))?;
        let mut rows: BTreeMap<String, String> = stored.into_iter().collect();
        for (space, key) in pending {
            let id = text(&key[prefix.len()..], "resource")?;
            match self.get(space, &key)? {
                Some(value) if id.as_str() > after => rows.insert(id, text(&value, "resource")?),
                _ => rows.remove(&id),
            };
        }
        Ok(rows.into_iter().take(limit).collect())
    }

    async fn profile(&self, id: &AmazonId) -> Result<Option<Profile>, StoreError> {
        self.find_profile(id)
    }

    async fn profile_of_unit(&self, unit: &UnitId) -> Result<Option<Profile>, StoreError> {
        self.find_profile_of_unit(unit)
    }

    fn corrupt(cause: String) -> StoreError {
        StoreError::Corrupt { cause }
    }
}

impl Group<'_> {
    pub(in super::super) fn change_resources(
        &mut self,
        organization: &OrganizationId,
        changes: Vec<ResourceChange>,
        origin: &Origin,
    ) -> Result<Vec<ResourceOutcome>, StoreError> {
        let registry = std::sync::Arc::clone(&self.registry);
        let decided = at_once(decide(self, &registry, organization, changes))?;
        Ok(self.store_decided(decided, origin))
    }

    /// What goes with a profile; nothing where it is too much.
    pub(super) fn resources_of_profile(
        &self,
        organization: &OrganizationId,
        id: &AmazonId,
    ) -> Result<Option<Decided>, StoreError> {
        let most = limit::CASCADE_RESOURCES;
        at_once(decide_profile_removal(self, &self.registry, organization, id, most))
    }

    pub(super) fn store_decided(&mut self, decided: Decided, origin: &Origin) -> Vec<ResourceOutcome> {
        for (key, value) in decided.rows {
            self.put(Space::Profile, layout::resource(&key), value.map(Into::into));
        }
        for (operation, subject) in decided.subjects {
            self.record(origin.clone(), operation, subject);
        }
        decided.outcomes
    }

    pub(super) fn resource_row(&self, key: &RowKey) -> Result<Option<String>, StoreError> {
        self.get(Space::Profile, &layout::resource(key))?.map(|value| text(&value, "resource")).transpose()
    }

    /// Whether the organization has units, address books or skills.
    pub(super) fn has_resources(&self, organization: &OrganizationId) -> Result<bool, StoreError> {
        for table in Table::OF_ORGANIZATION {
            if self.resource_row(&ListKey::new(organization, table, "").count())?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
