//! POST /v1/communications/serviceProviders: adds a service provider to the caller's organization.
//!
//! 201 with the provider and the id that was issued for it means stored durably. A logical id that the organization
//! has is a 409.

use http::StatusCode;
use jackfield_model::wire::{self, NewServiceProvider};

use super::super::outcome::outcome_to_error;
use super::super::{OrganizationOperation, describe};
use super::to_wire;
use crate::auth::Organization;
use crate::description::{CREATED, Links, Tag};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

const LINKS: &[Links] = &[Links::new(
    &[
        "getServiceProvider",
        "updateServiceProvider",
        "deleteServiceProvider",
        "createNetwork",
        "getNetwork",
        "createAccountAssociation",
        "queryAccountAssociations",
    ],
    ("path.serviceProviderId", "$response.body#/serviceProviderId"),
)];

pub(crate) static CREATE: OrganizationOperation = OrganizationOperation::new(
    Operation::for_clients(
        "createServiceProvider",
        "create_provider",
        describe(Tag::Providers, "Create a service provider")
            .text(
                "Adds a service provider to the caller's organization. The answer has the id that was \
             issued for it.",
            )
            .request::<NewServiceProvider>()
            .successes(CREATED)
            .response::<wire::ServiceProvider>()
            .errors(&[(
                409,
                "The organization has a service provider with this serviceProviderLogicalId already.",
            )])
            .links(LINKS),
    ),
    Group::Associations,
    |context| Box::pin(async move { handle(context.handle, &context.body).await }),
);

async fn handle(organization: Organization<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let (outcome, provider) = organization.create_provider(NewServiceProvider::parse(body)?).await?;
    outcome_to_error(outcome)?;
    Ok(response::json(StatusCode::CREATED, &to_wire(&provider)))
}
