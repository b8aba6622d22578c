//! What the operations on units, address books and contacts share.

use jackfield_model::OrganizationId;
use jackfield_model::admin::List;
use jackfield_store::resource::{Kind, Refusal, ResourceChange, Table};
use jackfield_store::{Origin, find_resource, list_resources, owner_of};

use super::{Query, not_found};
use crate::error::ApiError;
use crate::state::State;

/// Makes a change of a resource of an organization.
pub(super) async fn change(
    state: &State,
    organization: &OrganizationId,
    change: ResourceChange,
    origin: Origin,
    kind: &str,
) -> Result<(), ApiError> {
    let outcomes = state.store.change_resources(organization, vec![change], origin).await?;
    match outcomes.into_iter().next() {
        Some(Err(Refusal::NoSuchOrganization)) => Err(not_found("organization")),
        Some(Err(Refusal::IdTaken | Refusal::Exists)) => {
            Err(ApiError::Conflict(format!("There is a {kind} with this id already.")))
        }
        Some(Err(refused)) => Err(ApiError::of_resource(refused, kind)),
        Some(Ok(())) | None => Ok(()),
    }
}

/// A resource that stands in the scope of its organization, whichever that is.
pub(super) async fn find<K: Kind>(
    state: &State,
    id: &str,
    kind: &str,
) -> Result<(OrganizationId, K), ApiError> {
    let owner = owner_of(&*state.store, K::TABLE, id).await?.ok_or_else(|| not_found(kind))?;
    let found = find_resource(&*state.store, &owner, "", id).await?.ok_or_else(|| not_found(kind))?;
    Ok((owner, found))
}

/// A page of a list, by id. `after` is the whole id of which `prefix` is the beginning.
pub(super) async fn page<K: Kind>(
    state: &State,
    (organization, scope): (&OrganizationId, &str),
    query: &Query,
    prefix: &str,
) -> Result<List<K>, ApiError> {
    let limit = query.limit()?;
    let after = query.get("after").unwrap_or_default();
    let after = match after.strip_prefix(prefix) {
        Some(suffix) => suffix,
        None if after.is_empty() => "",
        None => return Err(ApiError::BadRequest(format!("after: must begin with \"{prefix}\"."))),
    };
    let mut found: Vec<K> = list_resources(&*state.store, organization, scope, after, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_after = found.last().filter(|_| more).map(|last| format!("{prefix}{}", last.id()));
    Ok(List { items: found, next_after })
}

/// How many rows a list has.
pub(super) async fn count(
    state: &State,
    organization: &OrganizationId,
    table: Table,
    scope: &str,
) -> Result<Option<u64>, ApiError> {
    Ok(Some(jackfield_store::count_resources(&*state.store, organization, table, scope).await?))
}
