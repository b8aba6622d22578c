//! Units.

use jackfield_model::admin::{self, List, NamePatch, Role};
use jackfield_model::wire::{Unit, UnitName};
use jackfield_model::{OrganizationId, UnitId};
use jackfield_store::Origin;
use jackfield_store::resource::ResourceChange;

use super::describe::{ADD_ERRORS, ITEM_ERRORS, PageQuery, WRITE_ERRORS, describe};
use super::{AdminOperation, Query, created, no_content, not_found, ok, organization, parse, resource};
use crate::description::{CREATED, NO_CONTENT};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;
use crate::validate;

const KIND: &str = "unit";

pub(crate) static CREATE: AdminOperation = AdminOperation::new(
    "adminCreateUnit",
    Role::Admin,
    describe("Create a unit")
        .request::<admin::Unit>()
        .successes(CREATED)
        .response::<admin::Unit>()
        .errors(ADD_ERRORS),
    |context| Box::pin(create(context.state, context.origin, context.id, context.body)),
);

async fn create(state: &State, origin: Origin, of: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let organization = organization(state, of)?;
    let new: admin::Unit = parse(body)?;
    validate::name("name", &new.name)?;
    let id = match new.id.clone() {
        Some(id) => id,
        None => state.sandbox.ids.unit(&*state.store).await?,
    };
    let unit = new.into_wire(&organization.id, id.clone());
    let change = ResourceChange::Create(unit.into());
    resource::change(state, &organization.id, change, origin, KIND).await?;
    let (organization, stored) = find(state, id.as_str()).await?;
    created(&admin::Unit::new(organization, stored))
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "adminListUnits",
    Role::Viewer,
    describe("List the units of an organization")
        .text("All of the tree, sorted by id.")
        .query::<PageQuery>()
        .response::<List<admin::Unit>>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(list(context.state, context.id, context.query)),
);

async fn list(state: &State, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let id = organization(state, of)?.id.clone();
    let List { items, next_after } = resource::page(state, (&id, ""), query, UnitId::PREFIX).await?;
    let items = items.into_iter().map(|unit| admin::Unit::new(id.clone(), unit)).collect();
    ok(&List { items, next_after })
}

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "adminGetUnit",
    Role::Viewer,
    describe("Get a unit").response::<admin::Unit>().errors(ITEM_ERRORS),
    |context| Box::pin(get(context.state, context.id)),
);

async fn get(state: &State, id: &str) -> Result<Reply, ApiError> {
    let (organization, unit) = find(state, id).await?;
    ok(&admin::Unit::new(organization, unit))
}

pub(crate) static UPDATE: AdminOperation = AdminOperation::new(
    "adminUpdateUnit",
    Role::Admin,
    describe("Rename a unit").request::<NamePatch>().response::<admin::Unit>().errors(ITEM_ERRORS),
    |context| Box::pin(update(context.state, context.origin, context.id, context.body)),
);

async fn update(state: &State, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let (organization, unit) = find(state, id).await?;
    let NamePatch { name } = parse(body)?;
    validate::name("name", &name)?;
    let renamed = Unit { name: UnitName::plain(name), ..unit };
    resource::change(state, &organization, ResourceChange::Update(renamed.into()), origin, KIND).await?;
    get(state, id).await
}

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "adminDeleteUnit",
    Role::Admin,
    describe("Delete a unit")
        .text("No unit below it, no associated address book and no communication profile may be left.")
        .successes(NO_CONTENT)
        .errors(WRITE_ERRORS),
    |context| Box::pin(delete(context.state, context.origin, context.id)),
);

async fn delete(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let (organization, unit) = find(state, id).await?;
    resource::change(state, &organization, ResourceChange::Delete(unit.into()), origin, KIND).await?;
    no_content()
}

/// The unit with this id, and whose it is.
pub(super) async fn find(state: &State, id: &str) -> Result<(OrganizationId, Unit), ApiError> {
    let id: UnitId = id.parse().map_err(|_| not_found(KIND))?;
    resource::find(state, id.suffix(), KIND).await
}
