//! DELETE /v1/communications/profile/{profileId}: removes a communication profile.
//!
//! 200 means removed durably. Under strict profiles a profile that associations name stays: 409. Otherwise they go on
//! naming it.

use http::StatusCode;
use jackfield_store::DeleteProfileOutcome;

use crate::auth::Profile;
use crate::error::ApiError;
use crate::response::{self, Reply};

pub(in super::super) async fn handle(profile: Profile<'_>) -> Result<Reply, ApiError> {
    match profile.delete().await? {
        DeleteProfileOutcome::Deleted => Ok(response::empty(StatusCode::OK)),
        DeleteProfileOutcome::NotFound => Err(Profile::unknown()),
        DeleteProfileOutcome::InUse => Err(in_use()),
    }
}

/// The refusal where associations name the profile.
pub(crate) fn in_use() -> ApiError {
    ApiError::Conflict(
        "The organization is strict about profiles and associations name this one; delete or update them first."
            .to_owned(),
    )
}
