//! PUT /v1/communications/profile/{profileId}: gives a communication profile another name.
//!
//! 200 means stored durably.

use http::StatusCode;
use jackfield_model::wire::ProfileUpdate;
use jackfield_store::UpdateOutcome;

use crate::auth::Profile;
use crate::error::ApiError;
use crate::response::{self, Reply};

pub(in super::super) async fn handle(profile: Profile<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let ProfileUpdate { name } = ProfileUpdate::parse(body)?;
    match profile.rename(name).await? {
        UpdateOutcome::Updated => Ok(response::empty(StatusCode::OK)),
        UpdateOutcome::NotFound | UpdateOutcome::NoSuchProvider | UpdateOutcome::NoSuchProfile => {
            Err(Profile::unknown())
        }
    }
}
