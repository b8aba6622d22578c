//! GET /v1/communications/profile/{profileId}: a communication profile of the caller's organization.
//!
//! 200 with the profile as the last change left it.

use http::StatusCode;

use crate::auth::Profile;
use crate::response::{self, Reply};

pub(in super::super) fn handle(profile: Profile<'_>) -> Reply {
    response::json(StatusCode::OK, &super::shown(profile.into_record()))
}
