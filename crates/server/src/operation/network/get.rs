//! GET …/network: how the network of a service provider is reached.
//!
//! 200 with the mapping as the last change left it; 404 where there is none.

use http::StatusCode;

use crate::auth::Provider;
use crate::error::ApiError;
use crate::response::{self, Reply};

pub(in super::super) fn handle(provider: &Provider<'_>) -> Result<Reply, ApiError> {
    let found = provider.record().ok_or_else(super::super::no_such_provider)?;
    let network = found.network.as_ref().ok_or_else(super::none)?;
    Ok(response::json(StatusCode::OK, network))
}
