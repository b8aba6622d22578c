//! POST …/externalUsers: associates an endpoint with a communication profile.
//!
//! 201 means stored durably. An `externalUserId` that is taken is a 409, whatever it is associated with.

use http::StatusCode;
use jackfield_model::note::Reading;
use jackfield_model::wire::Association;
use jackfield_store::CreateOutcome;

use crate::auth::Provider;
use crate::error::ApiError;
use crate::response::{self, Reply};

pub(super) async fn handle(
    provider: Provider<'_>,
    body: &[u8],
    reading: &mut Reading,
) -> Result<Reply, ApiError> {
    let association = Association::parse_create(body, reading)?;
    match provider.create(association).await? {
        CreateOutcome::Created => Ok(response::empty(StatusCode::CREATED)),
        CreateOutcome::Exists => Err(ApiError::Conflict(
            "The service provider has an association with this externalUserId already; a PUT changes it."
                .to_owned(),
        )),
        CreateOutcome::NoSuchProvider => Err(super::super::no_such_provider()),
        CreateOutcome::NoSuchProfile => Err(super::super::no_such_profile()),
    }
}
