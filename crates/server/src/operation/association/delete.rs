//! DELETE …/externalUsers: removes an association.
//!
//! The endpoint stands in the body, or in the query string for clients that cannot send a body with a DELETE.
//! 200 means removed durably; an association that does not exist is a 404.

use http::StatusCode;
use jackfield_model::note::Reading;
use jackfield_model::wire::DeleteRequest;
use jackfield_store::DeleteOutcome;

use crate::auth::Provider;
use crate::error::ApiError;
use crate::response::{self, Reply};

pub(super) async fn handle(
    provider: Provider<'_>,
    query_string: Option<&str>,
    body: &[u8],
    reading: &mut Reading,
) -> Result<Reply, ApiError> {
    let parameter = super::super::query_parameter(query_string, "externalUserId")?;
    let request = DeleteRequest::parse(body, parameter.as_deref(), reading)?;
    match provider.delete(request.external_user_id).await? {
        DeleteOutcome::Deleted => Ok(response::empty(StatusCode::OK)),
        DeleteOutcome::NotFound => Err(super::super::no_such_association()),
        DeleteOutcome::NoSuchProvider => Err(super::super::no_such_provider()),
    }
}
