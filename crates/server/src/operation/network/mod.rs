//! Operations on the network mapping of a service provider.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod update;

use crate::error::ApiError;

/// The refusal where there is no mapping.
pub(super) fn none() -> ApiError {
    ApiError::NotFound("The service provider has no network mapping.".to_owned())
}
