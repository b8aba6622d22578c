//! POST /v1/communications/serviceProviders: adds a service provider to the caller's organization.
//!
//! 201 with the provider and the id that was issued for it means stored durably. A logical id that the organization
//! has is a 409.

use http::StatusCode;
use jackfield_model::wire::NewServiceProvider;

use super::super::OrganizationOperation;
use super::{done, shown};
use crate::auth::Organization;
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static CREATE: OrganizationOperation = OrganizationOperation::new(
    Operation::for_clients("createServiceProvider", "create_provider"),
    Group::Associations,
    |context| Box::pin(async move { handle(context.handle, &context.body).await }),
);

async fn handle(organization: Organization<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let (outcome, provider) = organization.create_provider(NewServiceProvider::parse(body)?).await?;
    done(outcome)?;
    Ok(response::json(StatusCode::CREATED, &shown(&provider)))
}
