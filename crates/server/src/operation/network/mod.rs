//! Operations on the network mapping of a service provider.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod update;

use crate::error::ApiError;

/// The refusal where there is no mapping.
pub(super) fn none() -> ApiError {
    ApiError::NotFound("The service provider has no network mapping.".to_owned())
}
