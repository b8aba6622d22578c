//! Operations on communication profiles.

pub(crate) mod batch;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod find;
pub(crate) mod get;
pub(crate) mod update;

use jackfield_model::wire;
use jackfield_store::registry;

use super::{LIMITED, UNAVAILABLE};
use crate::description::{BAD_REQUEST, Description, INTERNAL, Status, Tag};

/// The description of an operation on communication profiles.
const fn describe(summary: &'static str) -> Description {
    Description { common_errors: COMMON_ERRORS, ..super::describe(Tag::Profiles, summary) }
}

const COMMON_ERRORS: &[Status] = &[
    BAD_REQUEST,
    (
        401,
        "The access token is missing, unknown, expired or revoked, or the unit or profile belongs to another \
         organization.",
    ),
    (
        403,
        "The token is valid, the operation not allowed: the scope is missing, or there are no communication profiles in \
         the country and vertical.",
    ),
    LIMITED,
    INTERNAL,
    UNAVAILABLE,
];

const NO_PROFILE: Status = (404, "No such communication profile.");

/// The profile of the answer, for links.
const ANSWERED_PROFILE: (&str, &str) = ("path.amazonId", "$response.body#/profileId/profileId");

/// The profile as it stands on the wire.
fn to_wire(profile: registry::Profile) -> wire::Profile {
    wire::Profile::new(profile.unit, profile.id, profile.name)
}
