//! GET /v1/communications/profile?entity.type=UNIT&entity.id=…: the communication profile of a unit.
//!
//! 200 with the profile; 404 where the unit has none.

use http::StatusCode;
use jackfield_model::UnitId;
use jackfield_model::json::InvalidRequest;
use jackfield_model::wire::{self, Entity, EntityType};
use schemars::JsonSchema;

use super::super::{OrganizationOperation, query_parameter};
use super::{ANSWERED_PROFILE, NO_PROFILE, describe};
use crate::auth::{Organization, Profile};
use crate::description::Links;
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

const LINKS: &[Links] = &[Links::new(&["getProfile", "updateProfile"], ANSWERED_PROFILE)];

/// Which unit.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
struct UnitQuery {
    /// The kind of entity.
    #[schemars(rename = "entity.type")]
    kind: EntityType,
    /// The unit.
    #[schemars(rename = "entity.id")]
    id: UnitId,
}

pub(crate) static FIND: OrganizationOperation = OrganizationOperation::new(
    Operation::for_clients(
        "findProfile",
        "get_profile",
        describe("Get the communication profile of a unit")
            .query::<UnitQuery>()
            .successes(&[(200, "The profile.")])
            .response::<wire::Profile>()
            .errors(&[NO_PROFILE])
            .links(LINKS),
    ),
    Group::Profiles,
    |context| Box::pin(handle(context.handle, context.query_string)),
);

async fn handle(organization: Organization<'_>, query_string: Option<&str>) -> Result<Reply, ApiError> {
    let parameter = |name: &str| {
        query_parameter(query_string, name)?.ok_or_else(|| {
            ApiError::BadRequest(format!("{name} is missing in the query string; it is required."))
        })
    };
    let (kind, id) = (parameter("entity.type")?, parameter("entity.id")?);
    let entity = Entity::parse(&kind, &id).map_err(|error| InvalidRequest(format!("entity.{error}")))?;
    let found = organization.find_profile(&entity.id).await?.ok_or_else(Profile::unknown)?;
    Ok(response::json(StatusCode::OK, &super::to_wire(found)))
}
