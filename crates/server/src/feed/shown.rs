//! A change as operators see it.

use jackfield_model::admin;
use jackfield_store::{Change, Subject};

/// The change for the wire.
pub(crate) fn shown(change: &Change) -> admin::Change {
    let (external_user_id, subject, before, after) = match &change.subject {
        Subject::Association { external_user_id, before, after, .. } => {
            (Some(external_user_id.clone()), None, before.as_ref().map(text), after.as_ref().map(text))
        }
        Subject::Object { id, before, after, .. } => (None, Some(id.clone()), object(before), object(after)),
    };
    admin::Change {
        sequence: change.sequence,
        time: humantime::format_rfc3339_millis(change.time.system_time()).to_string(),
        actor: change.actor.to_string(),
        operation: change.operation_name(),
        request_id: change.request_id,
        service_provider_id: change.provider(),
        external_user_id,
        subject,
        before,
        after,
    }
}

fn text(id: &jackfield_model::AmazonId) -> serde_json::Value {
    id.as_str().into()
}

fn object(json: &Option<String>) -> Option<serde_json::Value> {
    json.as_deref().and_then(|json| serde_json::from_str(json).ok())
}
