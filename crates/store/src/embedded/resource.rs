//! Resources of the embedded store: read from the last commit, written by the writer.

use async_trait::async_trait;
use jackfield_model::OrganizationId;

use super::EmbeddedStore;
use super::codec::{corrupt, text};
use super::layout::{self, Space};
use super::profile_rows;
use super::view::View;
use crate::change::Origin;
use crate::contract::ResourceStore;
use crate::error::StoreError;
use crate::resource::{ListKey, Referred, ResourceChange, ResourceOutcome, RowKey};

/// A page of a list as of a view.
pub(super) fn page(
    view: &View,
    list: &ListKey,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, String)>, StoreError> {
    let prefix = layout::resource_list(list);
    let after = layout::joined([&prefix, after.as_bytes()]);
    let row = |row: Result<(fjall::Slice, fjall::Slice), StoreError>| {
        let (key, value) = row?;
        Ok((text(&key[prefix.len()..], "resource")?, text(&value, "resource")?))
    };
    view.rows(Space::Profile, &prefix, Some(after)).take(limit).map(row).collect()
}

/// A key from what the engine has.
pub(super) fn key(key: &[u8]) -> Result<RowKey, StoreError> {
    layout::resource_of(key).ok_or_else(|| corrupt("resource", &"not a key of one"))
}

/// A row from what the engine has.
pub(super) fn row(key: &[u8], value: &[u8]) -> Result<(RowKey, String), StoreError> {
    Ok((self::key(key)?, text(value, "resource")?))
}

/// A page of the rows of resources, those that are derived left out.
pub(super) fn all(
    view: &View,
    after: Option<&RowKey>,
    limit: usize,
) -> Result<Vec<(RowKey, String)>, StoreError> {
    let mut page = Vec::new();
    let mut after = after.map(layout::resource);
    'organizations: loop {
        for stored in view.rows(Space::Profile, layout::RESOURCE, after.take()) {
            if page.len() == limit {
                return Ok(page);
            }
            let (key, value) = stored?;
            let (key, text) = row(&key, &value)?;
            if key.list.table.is_derived() {
                // From here on all of the organization are.
                after = Some(layout::resources_end(&key.list.organization));
                continue 'organizations;
            }
            page.push((key, text));
        }
        return Ok(page);
    }
}

/// Whether something is there that a resource refers to.
pub(super) fn is_there(view: &View, target: &Referred) -> Result<bool, StoreError> {
    let get = |key: &[u8]| view.get(Space::Profile, key);
    match target {
        Referred::Row(key) => Ok(get(&layout::resource(key))?.is_some()),
        Referred::Profile(owner, id) => {
            Ok(profile_rows::find(id, get)?.is_some_and(|profile| profile.organization == *owner))
        }
    }
}

#[async_trait]
impl ResourceStore for EmbeddedStore {
    async fn change_resources(
        &self,
        organization: &OrganizationId,
        changes: Vec<ResourceChange>,
        origin: Origin,
    ) -> Result<Vec<ResourceOutcome>, StoreError> {
        let organization = organization.clone();
        self.write(move |group| group.change_resources(&organization, changes, &origin)).await
    }

    async fn find_rows(&self, keys: &[RowKey]) -> Result<Vec<Option<String>>, StoreError> {
        let view = self.shared.view().await?;
        let find = |key: &RowKey| {
            let found = view.get(Space::Profile, &layout::resource(key))?;
            found.map(|value| text(&value, "resource")).transpose()
        };
        keys.iter().map(find).collect()
    }

    async fn list_rows(
        &self,
        list: &ListKey,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        page(&*self.shared.view().await?, list, after, limit)
    }
}

#[cfg(feature = "testing")]
impl EmbeddedStore {
    /// Stores a row by itself, or removes it, past everything that keeps rows together. Readers see it after the next start.
    pub(crate) async fn damage(&self, key: &RowKey, text: Option<&str>) -> Result<(), StoreError> {
        let row = (Space::Profile, layout::resource(key), text.map(Into::into));
        let committed = self.shared.view().await?.engine().commit([row]);
        committed.map_err(|error| super::engine::store_error(&error))
    }
}
