//! Where the rows of a communication profile are, for whoever can read rows: a view, or a group of writes.

use jackfield_model::{AmazonId, UnitId};

use super::codec::{corrupt, decode_amazon_id, json};
use super::layout;
use crate::error::StoreError;
use crate::registry::Profile;

/// The profile with this id.
pub(super) fn find<V: AsRef<[u8]>>(
    id: &AmazonId,
    get: impl Fn(&[u8]) -> Result<Option<V>, StoreError>,
) -> Result<Option<Profile>, StoreError> {
    get(&layout::profile(id))?.map(|value| json(value.as_ref(), "profile")).transpose()
}

/// The profile of this unit.
pub(super) fn find_of_unit<V: AsRef<[u8]>>(
    unit: &UnitId,
    get: impl Fn(&[u8]) -> Result<Option<V>, StoreError>,
) -> Result<Option<Profile>, StoreError> {
    let Some(id) = get(&layout::profile_of_unit(unit))? else { return Ok(None) };
    let found = find(&decode_amazon_id(id.as_ref())?, get)?;
    found.map_or_else(|| Err(corrupt("profile", &"not there")), |profile| Ok(Some(profile)))
}
