//! The four operations on account associations, one file each.

mod create;
mod delete;
mod query;
mod update;

use bytes::Bytes;

use crate::auth::Provider;
use crate::error::ApiError;
use crate::response::Reply;
use crate::router::AssociationOperation;

/// Runs an operation for a caller that may use the provider.
pub(crate) async fn run(
    operation: AssociationOperation,
    provider: Provider<'_>,
    query_string: Option<&str>,
    body: &Bytes,
) -> Result<Reply, ApiError> {
    match operation {
        AssociationOperation::Create => create::handle(provider, body).await,
        AssociationOperation::Update => update::handle(provider, body).await,
        AssociationOperation::Delete => delete::handle(provider, query_string, body).await,
        AssociationOperation::Query => query::handle(provider, body).await,
    }
}

fn no_such_provider() -> ApiError {
    ApiError::NoSuchProvider
}

fn no_such_profile() -> ApiError {
    ApiError::NotFound("The organization has no communication profile with this amazonId.".to_owned())
}

fn no_such_association() -> ApiError {
    ApiError::NotFound("The service provider has no association with this externalUserId.".to_owned())
}
