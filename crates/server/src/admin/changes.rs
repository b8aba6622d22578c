//! The change record, for operators: a page of it, or a stream.

use std::sync::Arc;

use jackfield_model::admin::{ChangeList, Role};
use jackfield_model::{ExternalUserId, ServiceProviderId, limit};
use jackfield_store::{ChangeFilter, ChangePage};
use schemars::JsonSchema;

use super::describe::{LimitQuery, TOP_ERRORS, describe};
use super::operator::Operator;
use super::{AdminOperation, Query, change_stream, ok};
use crate::description::{Content, Text};
use crate::error::ApiError;
use crate::feed::{self, Wanted};
use crate::request::Call;
use crate::response::{self, Reply};
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
             `more` says.\n\nWith `Accept: text/event-stream` the answer is a stream that goes on with changes as they are \
             made: server-sent events named `change`, whose `id` is the sequence number and whose `data` a change. The \
             `Last-Event-ID` header goes on after that change and counts more than `after`; `limit` counts for pages. An \
             event `lost` says that changes were forgotten before they could be read.",
        )
        .query::<ChangesQuery>()
        .response::<ChangeList>()
        .or_as(Content::new::<Text>(response::EVENT_STREAM_TYPE))
        .errors(TOP_ERRORS),
    |context| Box::pin(changes(context.state, context.call, context.operator, context.query)),
)
.outlasting_resets();

async fn changes(
    state: &Arc<State>,
    call: &Call,
    operator: &Operator,
    query: &Query,
) -> Result<Reply, ApiError> {
    let filter = ChangeFilter {
        provider: query.parsed::<ServiceProviderId>("serviceProviderId")?,
        after: query.parsed("after")?.unwrap_or_default(),
        limit: query.limit()?,
    };
    let wanted = Wanted {
        external_user_id: query.parsed("externalUserId")?,
        actor: query.get("actor").map(str::to_owned),
        operation: query.get("operation").map(str::to_owned),
    };
    if change_stream::is_asked_for(call) {
        return change_stream::begin(state, call, operator, &filter, wanted);
    }
    let page = match wanted.is_all() {
        true => state.store.list_changes(&filter).await?,
        false => search(state, filter, &wanted).await?,
    };
    ok(&ChangeList {
        changes: page.changes.iter().map(feed::shown).collect(),
        next_after: page.next_after,
        more: page.more,
    })
}

/// The changes that are wanted, among a bounded number of those that the store lists.
async fn search(state: &State, filter: ChangeFilter, wanted: &Wanted) -> Result<ChangePage, ApiError> {
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
