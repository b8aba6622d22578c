//! GET /v1/communications/profile?entity.type=UNIT&entity.id=…: the communication profile of a unit.
//!
//! 200 with the profile; 404 where the unit has none.

use http::StatusCode;
use jackfield_model::json::InvalidRequest;
use jackfield_model::wire::Entity;

use super::super::OrganizationOperation;
use super::super::query_parameter;
use crate::auth::{Organization, Profile};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static FIND: OrganizationOperation = OrganizationOperation::new(
    Operation::for_clients("findProfile", "get_profile"),
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
    Ok(response::json(StatusCode::OK, &super::shown(found)))
}
