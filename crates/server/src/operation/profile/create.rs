//! POST /v1/communications/profile: gives a unit a communication profile.
//!
//! 201 with the profile means stored durably. A unit that has a profile keeps it: 201 with the same id, and with the
//! new name where there is one.

use http::StatusCode;
use jackfield_model::wire::{self, NewProfile};

use super::super::OrganizationOperation;
use super::{ANSWERED_PROFILE, describe};
use crate::auth::Organization;
use crate::description::Links;
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

// Not to the search by unit: a tester that deletes the profile by its id does not see that the search must fail since.
const LINKS: &[Links] = &[Links::new(&["getProfile", "updateProfile", "deleteProfile"], ANSWERED_PROFILE)];

pub(crate) static CREATE: OrganizationOperation = OrganizationOperation::new(
    Operation::for_clients(
        "createProfile",
        "create_profile",
        describe("Create a communication profile")
            .text(
                "Gives a unit a communication profile. A unit that has one keeps it: the answer has \
             the same id, and the profile the new name where there is one.",
            )
            .request::<NewProfile>()
            .successes(&[(201, "The unit has this profile.")])
            .response::<wire::Profile>()
            .links(LINKS),
    ),
    Group::Profiles,
    |context| Box::pin(async move { handle(context.handle, &context.body).await }),
);

async fn handle(organization: Organization<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let new = NewProfile::parse(body)?;
    organization.check_unit(&new.entity.id)?;
    let mut stored = organization.put_profiles([new]).await?;
    let profile = stored.pop().expect("one outcome for each profile")?;
    Ok(response::json(StatusCode::CREATED, &super::to_wire(profile)))
}
