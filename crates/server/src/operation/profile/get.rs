//! GET /v1/communications/profile/{profileId}: a communication profile of the caller's organization.
//!
//! 200 with the profile as the last change left it.

use std::future::ready;

use http::StatusCode;

use super::super::ProfileOperation;
use crate::auth::Profile;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static GET: ProfileOperation =
    ProfileOperation::new(Operation::for_clients("getProfile", "get_profile"), Group::Profiles, |context| {
        Box::pin(ready(Ok(handle(context.handle))))
    });

fn handle(profile: Profile<'_>) -> Reply {
    response::json(StatusCode::OK, &super::shown(profile.into_record()))
}
