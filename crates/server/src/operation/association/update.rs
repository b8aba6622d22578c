//! PUT …/externalUsers: points an existing association at another communication profile.
//!
//! 200 means stored durably. An association that does not exist is a 404: an update never creates.

use http::StatusCode;
use jackfield_model::note::Reading;
use jackfield_model::wire::Association;
use jackfield_store::UpdateOutcome;

use crate::auth::Provider;
use crate::error::ApiError;
use crate::response::{self, Reply};

pub(super) async fn handle(
    provider: Provider<'_>,
    body: &[u8],
    reading: &mut Reading,
) -> Result<Reply, ApiError> {
    let association = Association::parse_update(body, reading)?;
    match provider.update(association).await? {
        UpdateOutcome::Updated => Ok(response::empty(StatusCode::OK)),
        UpdateOutcome::NotFound => Err(super::super::no_such_association()),
        UpdateOutcome::NoSuchProvider => Err(super::super::no_such_provider()),
        UpdateOutcome::NoSuchProfile => Err(super::super::no_such_profile()),
    }
}
