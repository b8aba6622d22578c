//! PUT /v1/communications/profile/{profileId}: gives a communication profile another name.
//!
//! 200 means stored durably.

use http::StatusCode;
use jackfield_model::wire::ProfileUpdate;
use jackfield_store::UpdateOutcome;

use super::super::ProfileOperation;
use super::{NO_PROFILE, describe};
use crate::auth::Profile;
use crate::description::UPDATED;
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static UPDATE: ProfileOperation = ProfileOperation::new(
    Operation::for_clients(
        "updateProfile",
        "update_profile",
        describe("Rename a communication profile")
            .request::<ProfileUpdate>()
            .successes(UPDATED)
            .errors(&[NO_PROFILE]),
    ),
    Group::Profiles,
    |context| Box::pin(async move { handle(context.handle, &context.body).await }),
);

async fn handle(profile: Profile<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let ProfileUpdate { name } = ProfileUpdate::parse(body)?;
    match profile.rename(name).await? {
        UpdateOutcome::Updated => Ok(response::empty(StatusCode::OK)),
        UpdateOutcome::NotFound | UpdateOutcome::NoSuchProvider | UpdateOutcome::NoSuchProfile => {
            Err(Profile::unknown())
        }
    }
}
