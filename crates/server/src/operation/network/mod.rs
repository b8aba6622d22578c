//! Operations on the network mapping of a service provider.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod update;

use super::{NO_PROVIDER, SAME_PROVIDER, describe};
use crate::description::Status;

/// Refusals of an operation on an existing mapping.
const ERRORS: &[Status] = &[(404, "No such service provider, or it has no network mapping.")];
