//! Resources of the embedded store: read from the last commit, written by the writer.

use async_trait::async_trait;
use jackfield_model::OrganizationId;

use super::EmbeddedStore;
use super::codec::text;
use super::layout::{self, Space};
use super::view::View;
use crate::change::Origin;
use crate::contract::ResourceStore;
use crate::error::StoreError;
use crate::resource::{ListKey, ResourceChange, ResourceOutcome, RowKey};

/// A page of a list as of a view.
pub(super) fn page(
    view: &View,
    list: &ListKey,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, String)>, StoreError> {
    let prefix = layout::resource_list(list);
    let after = [prefix.as_slice(), after.as_bytes()].concat();
    let row = |row: Result<(fjall::Slice, fjall::Slice), StoreError>| {
        let (key, value) = row?;
        Ok((text(&key[prefix.len()..], "resource")?, text(&value, "resource")?))
    };
    view.rows(Space::Profile, &prefix, Some(after)).take(limit).map(row).collect()
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
