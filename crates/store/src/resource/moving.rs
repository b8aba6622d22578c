//! Rows of resources that come from elsewhere, and what follows from them.

use jackfield_model::OrganizationId;

use super::{Resource, RowKey};
use crate::error::StoreError;

impl Resource {
    /// The resource of a row, and its organization.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a row that is no resource, or does not stand where it belongs.
    pub(crate) fn at(key: &RowKey, text: &str) -> Result<(OrganizationId, Self), StoreError> {
        let corrupt = |cause: &str| StoreError::Corrupt { cause: format!("{key}: {cause}") };
        let organization = key.organization().ok_or_else(|| corrupt("it is of no organization"))?;
        let resource = Self::from_row(key.list.table, text).map_err(|cause| corrupt(&cause))?;
        if resource.key(&organization) == *key {
            Ok((organization, resource))
        } else {
            Err(corrupt("it stands under the key of another"))
        }
    }
}

/// Rows of resources with the rows that are derived from them, but for those that count. The text of a row stays as it is.
///
/// # Errors
/// [`StoreError::Corrupt`] for a row that is no resource, or does not stand where it belongs.
pub(crate) fn with_derived(rows: Vec<(RowKey, String)>) -> Result<Vec<(RowKey, String)>, StoreError> {
    let mut all = Vec::with_capacity(3 * rows.len());
    for (key, text) in rows {
        let (organization, resource) = Resource::at(&key, &text)?;
        let derived = resource.rows(&organization).into_iter().filter(|(row, _)| row.list.table.is_derived());
        all.extend(derived);
        all.push((key, text));
    }
    Ok(all)
}

/// The rows that say how long each list is whose rows are counted. Keys come in their order.
pub(crate) fn lengths(keys: impl Iterator<Item = RowKey>) -> impl Iterator<Item = (RowKey, String)> {
    let mut keys = keys.filter(|key| key.list.table.is_counted()).peekable();
    std::iter::from_fn(move || {
        let list = keys.next()?.list;
        let mut length: u64 = 1;
        while keys.next_if(|key| key.list == list).is_some() {
            length += 1;
        }
        Some((list.count(), length.to_string()))
    })
}
