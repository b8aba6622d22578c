//! A request for consent that was checked, and where the browser goes back to.

use std::sync::Arc;

use jackfield_model::ScopeSet;
use jackfield_store::registry::{Client, Organization};

use crate::credential::code::Challenge;

/// A request that may be put before a person.
pub(super) struct Request {
    pub(super) client: Arc<Client>,
    pub(super) organization: Arc<Organization>,
    pub(super) scopes: ScopeSet,
    pub(super) redirect: Redirect,
    pub(super) challenge: Challenge,
}

/// Where the browser goes back to.
pub(super) struct Redirect {
    pub(super) uri: String,
    pub(super) state: Option<String>,
}
