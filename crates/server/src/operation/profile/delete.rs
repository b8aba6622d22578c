//! DELETE /v1/communications/profile/{profileId}: removes a communication profile.
//!
//! 200 means removed durably. Under strict profiles a profile that associations name stays: 409. Otherwise they still
//! name it.

use http::StatusCode;
use jackfield_model::limit;
use jackfield_store::DeleteProfileOutcome;
use jackfield_store::resource::Refusal;

use super::super::ProfileOperation;
use super::{NO_PROFILE, describe};
use crate::auth::Profile;
use crate::description::DELETED;
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static DELETE: ProfileOperation = ProfileOperation::new(
    Operation::for_clients(
        "deleteProfile",
        "delete_profile",
        describe("Delete a communication profile")
            .text(
                "Under strict profiles it must not be named by an association of the organization; \
             otherwise such associations stay. Contacts that name it go with it, as its reciprocal associations and \
             settings do.",
            )
            .successes(DELETED)
            .errors(&[
                NO_PROFILE,
                (
                    409,
                    "The organization has strict profiles and associations name this one, or more than 100,000 objects \
                     would go with it.",
                ),
            ]),
    ),
    Group::Profiles,
    |context| Box::pin(handle(context.handle)),
);

async fn handle(profile: Profile<'_>) -> Result<Reply, ApiError> {
    match profile.delete().await? {
        DeleteProfileOutcome::Deleted => Ok(response::empty(StatusCode::OK)),
        DeleteProfileOutcome::NotFound => Err(Profile::unknown()),
        DeleteProfileOutcome::InUse => Err(ApiError::profile_in_use()),
        DeleteProfileOutcome::TooManyDependents => {
            let refusal = Refusal::TooManyDependents(limit::CASCADE_RESOURCES);
            Err(ApiError::of_resource(refusal, "communication profile"))
        }
    }
}
