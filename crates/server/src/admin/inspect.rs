//! Tools for integrators: the journal, the fault rules, the token clock, the reset.

use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jackfield_model::admin::Role;
use jackfield_model::inspect::{
    Clock, ClockOffset, FaultList, FaultRule, Journal, JournalEntry, ResetDone, SetClock,
};
use jackfield_model::{ClientId, RequestId, limit};
use jackfield_store::Origin;
use schemars::JsonSchema;
use serde_json::Value;

use super::describe::{CONFLICT, ITEM_ERRORS, LimitQuery, TOP_ERRORS, describe};
use super::operator::Operator;
use super::{AdminOperation, Query, Recorded, created, no_content, not_found, ok, parse, reset};
use crate::description::{BAD_REQUEST, CREATED, NO_CONTENT};
use crate::error::{ApiError, time_text};
use crate::request::Call;
use crate::response::Reply;
use crate::sandbox::request_log::Filter;
use crate::sandbox::{clock, fault};
use crate::state::State;

/// The entry for a change to the fault rules.
const FAULT_RULE: Recorded = Recorded::new("fault_rule").with(|_, _, call, details| {
    details["method"] = call.head.method.as_str().into();
    true
});

/// Which entries of the journal.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct JournalQuery {
    /// Only entries with a greater sequence number; all that are kept when absent.
    after: Option<u64>,
    #[schemars(flatten)]
    limit: LimitQuery,
    /// Only this operation.
    #[schemars(extend("operations" = ["other"]))]
    operation: Option<String>,
    /// Only answers with this status.
    #[schemars(range(min = 100, max = 599))]
    status: Option<u16>,
    /// Only requests of this client.
    client_id: Option<ClientId>,
    /// Only the request with this id.
    request_id: Option<RequestId>,
    /// Only requests that were refused.
    #[schemars(extend("default" = false))]
    refused: Option<bool>,
    /// Seconds to wait for an entry when there is none.
    #[schemars(range(max = limit::JOURNAL_WAIT_MAX_SECONDS), extend("default" = 0))]
    wait: Option<u32>,
}

pub(crate) static JOURNAL: AdminOperation = AdminOperation::new(
    "readJournal",
    Role::Operator,
    describe("Read the journal of requests")
        .text(
            "Oldest first; with `wait` it answers as soon as there is something. The journal is \
             in memory and keeps the newest entries.",
        )
        .query::<JournalQuery>()
        .response::<Journal>()
        .errors(&[BAD_REQUEST, (409, "The server keeps no journal.")]),
    |context| Box::pin(journal(context.state, context.query)),
)
.outlasting_resets()
.recorded(Recorded::new("journal_read").with(read_details));

async fn journal(state: &State, query: &Query) -> Result<Reply, ApiError> {
    if !state.sandbox.journal.is_on() {
        return Err(ApiError::Conflict(
            "This server keeps no journal; it was started with --journal 0.".to_owned(),
        ));
    }
    let bad = |message: String| Err(ApiError::BadRequest(message));
    let wait = query.parsed::<u32>("wait")?.unwrap_or_default();
    if wait > limit::JOURNAL_WAIT_MAX_SECONDS {
        return bad(format!(
            "wait is {wait}; at most {} seconds are allowed.",
            limit::JOURNAL_WAIT_MAX_SECONDS
        ));
    }
    let operation = query.get("operation").map(str::to_owned);
    let names = &state.sandbox.fault_operations;
    let known = |name: &String| name == "other" || names.contains(&name.as_str());
    if operation.as_ref().is_some_and(|name| !known(name)) {
        return bad(format!("operation must be one of {}, other.", names.join(", ")));
    }
    let status: Option<u16> = query.parsed("status")?;
    if let Some(status) = status.filter(|status| !(100..=599).contains(status)) {
        return bad(format!("status is {status}; 100 to 599 are allowed."));
    }
    let filter = Filter {
        operation,
        status,
        client: query.parsed("clientId")?,
        request_id: query.parsed::<uuid::Uuid>("requestId")?.map(jackfield_model::RequestId::from_uuid),
        refused: query.parsed("refused")?.unwrap_or_default(),
    };
    let patience = Duration::from_secs(wait.into());
    let page = state.sandbox.journal.read(&filter, query.parsed("after")?, query.limit()?, patience).await;
    ok(&Journal {
        entries: page.entries.iter().map(|entry| JournalEntry::clone(entry)).collect(),
        next_after: page.next_after,
        more: page.more,
        lost: page.lost,
    })
}

pub(crate) static CREATE_FAULT: AdminOperation = AdminOperation::new(
    "createFault",
    Role::Operator,
    describe("Make a fault rule")
        .text(
            "It spoils answers of the public API from now on, until it is deleted or the process \
             ends.",
        )
        .request::<FaultRule>()
        .successes(CREATED)
        .response::<FaultRule>()
        .errors(&[BAD_REQUEST, (409, "There are as many fault rules as there may be.")]),
    |context| Box::pin(ready(create_fault(context.state, context.body))),
)
.recorded(FAULT_RULE);

fn create_fault(state: &State, body: &[u8]) -> Result<Reply, ApiError> {
    let rule: FaultRule = parse(body)?;
    fault::check(&rule, &state.sandbox.fault_operations).map_err(ApiError::BadRequest)?;
    let full =
        || ApiError::Conflict(format!("There are {} fault rules, which is the most allowed.", limit::FAULTS));
    let rule = state.sandbox.faults.add(rule).ok_or_else(full)?;
    tracing::warn!(rule = rule.id, "a fault rule was made");
    created(&rule)
}

pub(crate) static FAULTS: AdminOperation = AdminOperation::new(
    "listFaults",
    Role::Viewer,
    describe("List the fault rules")
        .text("In the order in which calls are offered to them, with how often each was met.")
        .response::<FaultList>()
        .errors(TOP_ERRORS),
    |context| Box::pin(ready(faults(context.state))),
);

fn faults(state: &State) -> Result<Reply, ApiError> {
    ok(&FaultList { faults: state.sandbox.faults.list() })
}

pub(crate) static DELETE_FAULT: AdminOperation = AdminOperation::new(
    "deleteFault",
    Role::Operator,
    describe("Delete a fault rule").successes(NO_CONTENT).errors(ITEM_ERRORS),
    |context| Box::pin(ready(delete_fault(context.state, context.id))),
)
.recorded(FAULT_RULE);

fn delete_fault(state: &State, id: &str) -> Result<Reply, ApiError> {
    let removed = id.parse().is_ok_and(|id| state.sandbox.faults.remove(id));
    if removed { no_content() } else { Err(not_found("fault rule")) }
}

pub(crate) static DELETE_FAULTS: AdminOperation = AdminOperation::new(
    "deleteFaults",
    Role::Operator,
    describe("Delete every fault rule").successes(NO_CONTENT).errors(TOP_ERRORS),
    |context| Box::pin(ready(delete_faults(context.state))),
)
.recorded(FAULT_RULE);

fn delete_faults(state: &State) -> Result<Reply, ApiError> {
    state.sandbox.faults.clear();
    no_content()
}

pub(crate) static CLOCK: AdminOperation = AdminOperation::new(
    "getClock",
    Role::Viewer,
    describe("Get the token clock").response::<Clock>().errors(TOP_ERRORS),
    |context| Box::pin(ready(clock(context.state))),
);

fn clock(state: &State) -> Result<Reply, ApiError> {
    ok(&Clock {
        offset_seconds: state.sandbox.clock.offset().seconds(),
        time: time_text(state.sandbox.clock.seconds()),
        system_time: time_text(clock::system_seconds()),
    })
}

pub(crate) static SET_CLOCK: AdminOperation = AdminOperation::new(
    "setClock",
    Role::Operator,
    describe("Move the token clock")
        .text(
            "Tokens are issued and expire by it; the change record and the journal keep the \
             system's time.",
        )
        .request::<SetClock>()
        .response::<Clock>()
        .errors(TOP_ERRORS),
    |context| Box::pin(ready(set_clock(context.state, context.body))),
)
.recorded(Recorded::new("clock").with(clock_details));

fn set_clock(state: &State, body: &[u8]) -> Result<Reply, ApiError> {
    let SetClock { offset } = parse(body)?;
    let offset = match offset {
        ClockOffset::Seconds(seconds) => clock::ClockOffset::from_seconds(seconds),
        ClockOffset::Text(text) => text.parse(),
    };
    state.sandbox.clock.set(offset.map_err(|error| ApiError::BadRequest(format!("offset: {error}.")))?);
    clock(state)
}

pub(crate) static RESET: AdminOperation = AdminOperation::new(
    "reset",
    Role::Admin,
    describe("Reset the directory to its seed")
        .text(
            "In one step: no request sees a part of it. The server must have been started with \
             `--allow-reset` and a seed.",
        )
        .response::<ResetDone>()
        .errors(&[BAD_REQUEST, (403, "The server was not started with `--allow-reset`."), CONFLICT]),
    |context| Box::pin(reset(context.state, context.origin)),
)
.outlasting_resets();

async fn reset(state: &Arc<State>, origin: Origin) -> Result<Reply, ApiError> {
    ok(&reset::reset(state, origin).await?)
}

fn clock_details(state: &State, _: &Operator, _: &Call, details: &mut Value) -> bool {
    details["offset_seconds"] = state.sandbox.clock.offset().seconds().into();
    true
}

/// Reads are recorded once an hour for each token and address, with their number.
fn read_details(state: &State, operator: &Operator, call: &Call, details: &mut Value) -> bool {
    let reader = (operator.actor(), call.peer.address());
    let Some(count) = state.operators.acts.read(reader, Instant::now()) else { return false };
    details["count"] = count.into();
    true
}
