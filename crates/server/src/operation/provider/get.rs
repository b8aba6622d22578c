//! GET /v1/communications/serviceProviders/{serviceProviderId}: a service provider of the caller's organization.
//!
//! 200 with the provider as the last change left it.

use http::StatusCode;

use crate::auth::Provider;
use crate::error::ApiError;
use crate::response::{self, Reply};

pub(in super::super) fn handle(provider: &Provider<'_>) -> Result<Reply, ApiError> {
    let found = provider.record().ok_or_else(super::super::no_such_provider)?;
    Ok(response::json(StatusCode::OK, &super::shown(&found)))
}
