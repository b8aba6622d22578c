//! Which changes somebody wants, beyond what the store filters by.

use jackfield_model::ExternalUserId;
use jackfield_store::{Change, Subject};

/// What is wanted; nothing said is everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Only changes of associations of this endpoint.
    pub(crate) external_user_id: Option<ExternalUserId>,
    /// Only changes by this actor, as the record names it.
    pub(crate) actor: Option<String>,
    /// Only operations that begin with this.
    pub(crate) operation: Option<String>,
}

impl Wanted {
    pub(crate) const fn is_all(&self) -> bool {
        self.external_user_id.is_none() && self.actor.is_none() && self.operation.is_none()
    }

    pub(crate) fn lets_through(&self, change: &Change) -> bool {
        let endpoint = match &change.subject {
            Subject::Association { external_user_id, .. } => Some(external_user_id),
            Subject::Object { .. } => None,
        };
        self.external_user_id.as_ref().is_none_or(|wanted| endpoint == Some(wanted))
            && self.actor.as_ref().is_none_or(|wanted| change.actor.to_string() == *wanted)
            && self.operation.as_ref().is_none_or(|wanted| change.operation_name().starts_with(wanted))
    }
}
