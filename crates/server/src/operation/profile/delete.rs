//! DELETE /v1/communications/profile/{profileId}: removes a communication profile.
//!
//! 200 means removed durably. Under strict profiles a profile that associations name stays: 409. Otherwise they go on
//! naming it.

use http::StatusCode;
use jackfield_store::DeleteProfileOutcome;

use super::super::ProfileOperation;
use crate::auth::Profile;
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static DELETE: ProfileOperation = ProfileOperation::new(
    Operation::for_clients("deleteProfile", "delete_profile"),
    Group::Profiles,
    |context| Box::pin(handle(context.handle)),
);

async fn handle(profile: Profile<'_>) -> Result<Reply, ApiError> {
    match profile.delete().await? {
        DeleteProfileOutcome::Deleted => Ok(response::empty(StatusCode::OK)),
        DeleteProfileOutcome::NotFound => Err(Profile::unknown()),
        DeleteProfileOutcome::InUse => Err(ApiError::profile_in_use()),
    }
}
