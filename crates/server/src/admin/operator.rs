//! An operator at the admin API.

use std::sync::Arc;

use jackfield_model::admin::Role;
use jackfield_store::Actor;
use jackfield_store::registry::SecretHash;

/// An operator with a valid token.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    /// The name of the token; `None` for the one that the server was started with.
    pub(super) name: Option<Arc<str>>,
    pub(crate) role: Role,
    /// The hash of the token, for sessions that stand for it.
    pub(super) token: SecretHash,
    /// Whether it is a session of the console that stands for the token.
    pub(super) in_session: bool,
}

impl Operator {
    /// For the change record.
    pub(crate) fn actor(&self) -> Actor {
        self.name.clone().map_or(Actor::Admin, Actor::Operator)
    }
}
