//! Listings of associations and of the change record.

use jackfield_model::ServiceProviderId;
use jackfield_model::admin::{self, AssociationList, ChangeList, Role};
use jackfield_store::{AssociationRange, Change, ChangeFilter, Subject};
use schemars::JsonSchema;

use super::describe::{ITEM_ERRORS, LimitQuery, PageQuery, TOP_ERRORS, describe};
use super::{AdminOperation, Query, ok, provider};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;

/// Which associations.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
struct AssociationsQuery {
    /// Only endpoints that begin with this.
    prefix: Option<String>,
    #[schemars(flatten)]
    page: PageQuery,
}

/// Which changes.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct ChangesQuery {
    /// Only changes about this provider.
    service_provider_id: Option<ServiceProviderId>,
    /// Only changes with a greater sequence number.
    after: Option<u64>,
    #[schemars(flatten)]
    limit: LimitQuery,
}

pub(crate) static ASSOCIATIONS: AdminOperation = AdminOperation::new(
    "listAssociations",
    Role::Viewer,
    describe("List the associations of a service provider")
        .text("Sorted by the bytes of `externalUserId`.")
        .query::<AssociationsQuery>()
        .response::<AssociationList>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(associations(context.state, context.id, context.query)),
);

async fn associations(state: &State, id: &str, query: &Query) -> Result<Reply, ApiError> {
    let provider = provider::find(state, id)?;
    let range = AssociationRange {
        prefix: query.get("prefix").unwrap_or_default().to_owned(),
        after: query.parsed("after")?,
        limit: query.limit()?,
    };
    let page = state.store.list_associations(provider.id, &range).await?;
    let last = page.associations.last().filter(|_| page.more);
    ok(&AssociationList {
        next_after: last.map(|last| last.external_user_id.clone()),
        total_count: state.store.count_associations(provider.id).await?,
        associations: page.associations,
    })
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

async fn changes(state: &State, query: &Query) -> Result<Reply, ApiError> {
    let filter = ChangeFilter {
        provider: query.parsed::<ServiceProviderId>("serviceProviderId")?,
        after: query.parsed("after")?.unwrap_or_default(),
        limit: query.limit()?,
    };
    let page = state.store.list_changes(&filter).await?;
    ok(&ChangeList {
        changes: page.changes.iter().map(to_wire).collect(),
        next_after: page.next_after,
        more: page.more,
    })
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
