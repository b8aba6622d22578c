//! GET /v1/communications/profile/{profileId}: a communication profile of the caller's organization.
//!
//! 200 with the profile as the last change left it.

use std::future::ready;

use http::StatusCode;
use jackfield_model::wire;

use super::super::ProfileOperation;
use super::{NO_PROFILE, describe};
use crate::auth::Profile;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static GET: ProfileOperation = ProfileOperation::new(
    Operation::for_clients(
        "getProfile",
        "get_profile",
        describe("Get a communication profile")
            .successes(&[(200, "The profile.")])
            .response::<wire::Profile>()
            .errors(&[NO_PROFILE]),
    ),
    Group::Profiles,
    |context| Box::pin(ready(Ok(handle(context.handle)))),
);

fn handle(profile: Profile<'_>) -> Reply {
    response::json(StatusCode::OK, &super::to_wire(profile.into_record()))
}
