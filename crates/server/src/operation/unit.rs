//! /v2/units: the units of the caller's organization, a tree of which the organization is the root.

use http::{HeaderValue, StatusCode, header};
use jackfield_model::wire::{ListAnswer, NewUnit, Unit, UnitListItem, UnitUpdate};
use jackfield_model::{UnitId, path};
use jackfield_store::resource::ResourceChange;
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::BearerOperation;
use super::resource::{Page, optional_parameter};
use crate::auth::{Directory, Held, OfDirectory, OfHeld};
use crate::description::{Description, Links, Status, Tag, UPDATED};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

const fn describe(summary: &'static str) -> Description {
    super::resource::describe(Tag::Units, summary)
}

const NO_UNIT: Status = (404, "No such unit.");
const KIND: &str = "unit";

const LINKS: &[Links] =
    &[Links::new(&["getUnit", "updateUnit", "deleteUnit"], ("path.unitId", "$response.body#/id"))];

pub(crate) static CREATE: BearerOperation<OfDirectory> = BearerOperation::new(
    Operation::for_clients(
        "createUnit",
        "create_unit",
        describe("Create a unit")
            .text("Adds a unit below another one, or below the organization. There are at most 15 levels.")
            .request::<NewUnit>()
            .successes(&[(201, "Created.")])
            .response::<Unit>()
            .errors(&[(404, "The organization has no unit with the id in `parentId`.")])
            .links(LINKS),
    ),
    Group::Profiles,
    |context| Box::pin(async move { create(context.handle, &context.body).await }),
);

async fn create(directory: Directory<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let NewUnit { name, parent_id } = NewUnit::parse(body)?;
    let parent = match parent_id {
        Some(id) => directory.held::<Unit>(id.as_str()).await?,
        None => directory.held::<Unit>(directory.id().as_str()).await?,
    };
    let id = directory.new_unit().await?;
    let unit = Unit { id, parent_id: parent.id, level: parent.level.saturating_add(1), name };
    let stored = directory.change_one(ResourceChange::Create(unit.clone().into())).await?;
    stored.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    let mut reply = response::json(StatusCode::CREATED, &unit);
    reply.headers_mut().insert(header::LOCATION, HeaderValue::from_static(path::UNITS));
    Ok(reply)
}

/// Which units.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct UnitsQuery {
    /// The unit below which they are. Absent: the organization.
    parent_id: Option<UnitId>,
    /// How many levels down, or `all`.
    #[schemars(with = "Option<String>", extend("pattern" = "^([1-9][0-9]{0,3}|all)$", "default" = "1"))]
    query_depth: Option<String>,
    /// `all` for whole units. Absent: their ids.
    #[schemars(with = "Option<String>", extend("enum" = ["all"]))]
    expand: Option<String>,
    #[schemars(flatten)]
    page: super::resource::PageQuery,
}

pub(crate) static LIST: BearerOperation<OfDirectory> = BearerOperation::new(
    Operation::for_clients(
        "listUnits",
        "list_units",
        describe("List units")
            .text("Each before the units below it, siblings by id.")
            .query::<UnitsQuery>()
            .response::<ListAnswer<UnitListItem>>()
            .errors(&[(404, "The organization has no unit with the id in `parentId`.")]),
    )
    .with_large_answer(),
    Group::Profiles,
    |context| Box::pin(list(context.handle, context.query_string)),
);

/// What stands between the ids of a place in a list. No id has it.
const BETWEEN: char = '/';

async fn list(directory: Directory<'_>, query_string: Option<&str>) -> Result<Reply, ApiError> {
    let parent = match optional_parameter(query_string, "parentId")? {
        Some(id) => directory.held::<Unit>(&id).await?,
        None => directory.held::<Unit>(directory.id().as_str()).await?,
    };
    let depth_text = optional_parameter(query_string, "queryDepth")?.unwrap_or_else(|| "1".to_owned());
    let depth = match depth_text.as_str() {
        "all" => usize::MAX,
        text => text.parse::<u16>().ok().filter(|depth| *depth > 0).map(usize::from).ok_or_else(|| {
            ApiError::BadRequest(
                "queryDepth in the query string must be a positive integer or \"all\".".to_owned(),
            )
        })?,
    };
    let expand = match optional_parameter(query_string, "expand")?.as_deref() {
        None => false,
        Some("all") => true,
        Some(_) => {
            return Err(ApiError::BadRequest("expand in the query string must be \"all\".".to_owned()));
        }
    };
    let page = Page::parse(query_string, vec!["units", parent.id.suffix(), &depth_text])?;
    let place = page.place(&directory).await?;
    let after = place.split(BETWEEN).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    let (units, end) = directory.list_units(&parent.id, depth, after, page.limit).await?;
    let item = |unit: Unit| if expand { UnitListItem::Unit(unit) } else { UnitListItem::Id { id: unit.id } };
    let end = end.map(|path| path.join(&BETWEEN.to_string()));
    Ok(page.answer(&directory, units.into_iter().map(item).collect(), end.as_deref()))
}

pub(crate) static GET: BearerOperation<OfHeld<Unit>> = BearerOperation::new(
    Operation::for_clients(
        "getUnit",
        "get_unit",
        describe("Get a unit")
            .text("The organization is the unit on level 0, which has no `parentId`.")
            .response::<Unit>()
            .errors(&[NO_UNIT]),
    ),
    Group::Profiles,
    |context| Box::pin(std::future::ready(Ok(get(&context.handle.object)))),
);

fn get(unit: &Unit) -> Reply {
    let mut answer: Value = json!(unit);
    if unit.level == 0
        && let Some(properties) = answer.as_object_mut()
    {
        properties.remove("parentId");
    }
    response::json(StatusCode::OK, &answer)
}

pub(crate) static UPDATE: BearerOperation<OfHeld<Unit>> = BearerOperation::new(
    Operation::for_clients(
        "updateUnit",
        "update_unit",
        describe("Rename a unit").request::<UnitUpdate>().successes(UPDATED).errors(&[NO_UNIT, ROOT]),
    ),
    Group::Profiles,
    |context| Box::pin(async move { update(context.handle, &context.body).await }),
);

async fn update(Held { directory, object }: Held<'_, Unit>, body: &[u8]) -> Result<Reply, ApiError> {
    let UnitUpdate { name } = UnitUpdate::parse(body)?;
    check_not_root(&object)?;
    let renamed = Unit { name, ..object };
    let stored = directory.change_one(ResourceChange::Update(renamed.into())).await?;
    stored.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    Ok(response::empty(StatusCode::OK))
}

pub(crate) static DELETE: BearerOperation<OfHeld<Unit>> = BearerOperation::new(
    Operation::for_clients(
        "deleteUnit",
        "delete_unit",
        describe("Delete a unit")
            .text("A unit with units below it, or with which address books are associated, is a 400.")
            .errors(&[NO_UNIT, (409, "The unit has a communication profile, or is the organization.")]),
    ),
    Group::Profiles,
    |context| Box::pin(delete(context.handle)),
);

async fn delete(Held { directory, object }: Held<'_, Unit>) -> Result<Reply, ApiError> {
    check_not_root(&object)?;
    let removed = directory.change_one(ResourceChange::Delete(object.into())).await?;
    removed.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    Ok(response::empty(StatusCode::OK))
}

const ROOT: Status = (409, "The unit is the organization, which its operator changes.");

fn check_not_root(unit: &Unit) -> Result<(), ApiError> {
    if unit.level > 0 {
        return Ok(());
    }
    Err(ApiError::Conflict("The unit is the organization, which its operator changes.".to_owned()))
}
