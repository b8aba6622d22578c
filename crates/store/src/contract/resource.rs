//! Resources of the calling family: what is asked of a store, and how they are read.

use async_trait::async_trait;
use jackfield_model::OrganizationId;

use crate::change::Origin;
use crate::error::StoreError;
use crate::resource::{Kind, ListKey, ResourceChange, ResourceOutcome, RowKey, Table};

/// Units, address books, contacts and what ties them together. The rules are in [`resource`](crate::resource); an adapter
/// reads rows and stores those that were decided.
#[async_trait]
pub trait ResourceStore: Send + Sync {
    /// Makes changes of resources of one organization in one commit, each as if alone and in their order. What goes with
    /// a removed one goes in the same commit; each is in the change record.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    async fn change_resources(
        &self,
        organization: &OrganizationId,
        changes: Vec<ResourceChange>,
        origin: Origin,
    ) -> Result<Vec<ResourceOutcome>, StoreError>;

    /// The texts of these rows, each where it is there.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn find_rows(&self, keys: &[RowKey]) -> Result<Vec<Option<String>>, StoreError>;

    /// At most `limit` rows of a list whose id is greater than `after`, each as its id and its text, sorted by id.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn list_rows(
        &self,
        list: &ListKey,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError>;
}

/// The resource of an organization that stands there.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub async fn find_resource<K: Kind>(
    store: &(impl ResourceStore + ?Sized),
    organization: &OrganizationId,
    scope: &str,
    id: &str,
) -> Result<Option<K>, StoreError> {
    let key = ListKey::new(organization, K::TABLE, scope).row(id);
    let found = store.find_rows(std::slice::from_ref(&key)).await?;
    found.into_iter().flatten().next().map(|text| read(&key, &text)).transpose()
}

/// The resources of an organization that stand there, without those that do not.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub async fn find_resources<K: Kind>(
    store: &(impl ResourceStore + ?Sized),
    organization: &OrganizationId,
    places: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<K>, StoreError> {
    let key = |(scope, id): (String, String)| ListKey::new(organization, K::TABLE, &scope).row(&id);
    let keys: Vec<RowKey> = places.into_iter().map(key).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let texts = store.find_rows(&keys).await?;
    let found = keys.iter().zip(texts).filter_map(|(key, text)| Some((key, text?)));
    found.map(|(key, text)| read(key, &text)).collect()
}

/// At most `limit` resources of a list whose id is greater than `after`, sorted by id.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub async fn list_resources<K: Kind>(
    store: &(impl ResourceStore + ?Sized),
    organization: &OrganizationId,
    scope: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<K>, StoreError> {
    let list = ListKey::new(organization, K::TABLE, scope);
    let rows = store.list_rows(&list, after, limit).await?;
    rows.into_iter().map(|(id, text)| read(&list.clone().row(&id), &text)).collect()
}

/// How many rows a list has. Only of tables that are counted.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub async fn count_resources(
    store: &(impl ResourceStore + ?Sized),
    organization: &OrganizationId,
    table: Table,
    scope: &str,
) -> Result<u64, StoreError> {
    let key = ListKey::new(organization, table, scope).count();
    let found = store.find_rows(std::slice::from_ref(&key)).await?;
    let count = |text: String| {
        text.parse().map_err(|_| StoreError::Corrupt { cause: format!("{key}: not a number") })
    };
    found.into_iter().flatten().next().map_or(Ok(0), count)
}

/// The organization that an id of this table belongs to; nothing when it is nobody's.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub async fn owner_of(
    store: &(impl ResourceStore + ?Sized),
    table: Table,
    id: &str,
) -> Result<Option<OrganizationId>, StoreError> {
    let key = RowKey::owner(table, id);
    let found = store.find_rows(std::slice::from_ref(&key)).await?;
    let organization = |suffix: String| {
        OrganizationId::from_suffix(&suffix)
            .map_err(|error| StoreError::Corrupt { cause: format!("{key}: {error}") })
    };
    found.into_iter().flatten().next().map(organization).transpose()
}

fn read<K: Kind>(key: &RowKey, text: &str) -> Result<K, StoreError> {
    // What the reader says could repeat a name or a number.
    let corrupt = |_| StoreError::Corrupt { cause: format!("{key}: not a {}", K::NAME) };
    serde_json::from_str(text).map_err(corrupt)
}
