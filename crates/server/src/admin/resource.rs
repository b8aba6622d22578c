//! Lists of every kind of resource, and what the operations on units, address books and contacts share.

use jackfield_model::OrganizationId;
use jackfield_model::admin::{List, Role};
use jackfield_store::resource::{Kind, KindOf, ListKey, Refusal, ResourceChange, Table};
use jackfield_store::{Origin, StoreError, find_resource, list_resources, owner_of};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::describe::{ITEM_ERRORS, PageQuery, describe};
use super::{AdminOperation, Query, not_found, ok, organization};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;

/// Which resources are listed.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
struct ListQuery {
    /// Their kind.
    #[schemars(transform = one_of_the_kinds)]
    kind: String,
    /// The id of the address book or communication profile whose list it is, for kinds that are listed by one.
    of: Option<String>,
    #[schemars(flatten)]
    page: PageQuery,
}

fn names() -> Vec<&'static str> {
    KindOf::all().into_iter().map(|kind| kind.name).collect()
}

fn one_of_the_kinds(schema: &mut Schema) {
    schema.insert("enum".to_owned(), json!(names()));
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "adminListResources",
    Role::Viewer,
    describe("List the resources of a kind")
        .text(
            "Every kind of the calling family, as it is stored and exported. Units and address books are listed by \
             organization, contacts and associations with units by address book, the others by communication profile.",
        )
        .query::<ListQuery>()
        .response::<List<Map<String, Value>>>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(list(context.state, context.id, context.query)),
);

async fn list(state: &State, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let organization = organization(state, of)?.id.clone();
    let asked = query.get("kind").unwrap_or_default();
    let kind = KindOf::all()
        .into_iter()
        .find(|kind| kind.name == asked)
        .ok_or_else(|| ApiError::BadRequest(format!("kind must be one of {}.", names().join(", "))))?;
    // An id ends in what stands in its row.
    let scope = query.get("of").map(|id| id.rsplit_once(".did.").map_or(id, |(_, suffix)| suffix));
    let scope = match (kind.listed_by, scope) {
        (None, None) => "",
        (Some(_), Some(scope)) if !scope.is_empty() => scope,
        (None, Some(_)) => {
            return Err(ApiError::BadRequest(format!(
                "of is not allowed; {asked} is listed by organization."
            )));
        }
        (Some(listed_by), _) => {
            return Err(ApiError::BadRequest(format!("of is missing; {asked} is listed by {listed_by}.")));
        }
    };
    let limit = query.limit()?;
    let list = ListKey::new(&organization, kind.table, scope);
    let mut rows = state.store.list_rows(&list, query.get("after").unwrap_or_default(), limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_after = rows.last().filter(|_| more).map(|(id, _)| id.clone());
    let read = |(id, text): (String, String)| {
        let corrupt = |_| StoreError::Corrupt { cause: format!("{}: no object", list.clone().row(&id)) };
        serde_json::from_str(&text).map_err(corrupt)
    };
    let items: Vec<Map<String, Value>> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    ok(&List { items, next_after })
}

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
