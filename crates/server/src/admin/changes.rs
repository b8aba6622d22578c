//! The change record, for operators.

use jackfield_model::admin::{self, ChangeList, Role};
use jackfield_model::{ExternalUserId, ServiceProviderId, limit};
use jackfield_store::{Change, ChangeFilter, ChangePage, Subject};
use schemars::JsonSchema;

use super::describe::{LimitQuery, TOP_ERRORS, describe};
use super::{AdminOperation, Query, ok};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;

/// Which changes.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct ChangesQuery {
    /// Only changes about this provider.
    service_provider_id: Option<ServiceProviderId>,
    /// Only changes about associations of this endpoint.
    external_user_id: Option<ExternalUserId>,
    /// Only changes by this actor, as the record names it.
    actor: Option<String>,
    /// Only operations that begin with this, for example `association.` or `client.update`.
    operation: Option<String>,
    /// Only changes with a greater sequence number.
    after: Option<u64>,
    #[schemars(flatten)]
    limit: LimitQuery,
}

pub(crate) static CHANGES: AdminOperation = AdminOperation::new(
    "listChanges",
    Role::Viewer,
    describe("Read the change record")
        .text(
            "Oldest first. Under a filter a page may be short or empty although more follow; \
             `more` says.",
        )
        .query::<ChangesQuery>()
        .response::<ChangeList>()
        .errors(TOP_ERRORS),
    |context| Box::pin(changes(context.state, context.query)),
);

/// What the store does not filter by.
struct Wanted<'q> {
    external_user_id: Option<ExternalUserId>,
    actor: Option<&'q str>,
    operation: Option<&'q str>,
}

impl Wanted<'_> {
    const fn is_all(&self) -> bool {
        self.external_user_id.is_none() && self.actor.is_none() && self.operation.is_none()
    }

    fn lets_through(&self, change: &Change) -> bool {
        let endpoint = match &change.subject {
            Subject::Association { external_user_id, .. } => Some(external_user_id),
            Subject::Object { .. } => None,
        };
        self.external_user_id.as_ref().is_none_or(|wanted| endpoint == Some(wanted))
            && self.actor.is_none_or(|wanted| change.actor.to_string() == wanted)
            && self.operation.is_none_or(|wanted| change.operation_name().starts_with(wanted))
    }
}

async fn changes(state: &State, query: &Query) -> Result<Reply, ApiError> {
    let filter = ChangeFilter {
        provider: query.parsed::<ServiceProviderId>("serviceProviderId")?,
        after: query.parsed("after")?.unwrap_or_default(),
        limit: query.limit()?,
    };
    let wanted = Wanted {
        external_user_id: query.parsed("externalUserId")?,
        actor: query.get("actor"),
        operation: query.get("operation"),
    };
    let page = match wanted.is_all() {
        true => state.store.list_changes(&filter).await?,
        false => search(state, filter, &wanted).await?,
    };
    ok(&ChangeList {
        changes: page.changes.iter().map(to_wire).collect(),
        next_after: page.next_after,
        more: page.more,
    })
}

/// The changes that are wanted, among a bounded number of those that the store lists.
async fn search(state: &State, filter: ChangeFilter, wanted: &Wanted<'_>) -> Result<ChangePage, ApiError> {
    let mut found = ChangePage { changes: Vec::new(), next_after: filter.after, more: true };
    let mut part = ChangeFilter { limit: limit::ADMIN_PAGE_MAX as usize, ..filter };
    for _ in 0..limit::SEARCHED_PAGES {
        let page = state.store.list_changes(&part).await?;
        let count = page.changes.len();
        for (place, change) in page.changes.into_iter().enumerate() {
            found.next_after = change.sequence;
            if wanted.lets_through(&change) {
                found.changes.push(change);
            }
            if found.changes.len() == filter.limit {
                found.more = page.more || place + 1 < count;
                return Ok(found);
            }
        }
        found.next_after = page.next_after;
        found.more = page.more;
        part.after = page.next_after;
        if !page.more {
            break;
        }
    }
    Ok(found)
}

fn to_wire(change: &Change) -> admin::Change {
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
