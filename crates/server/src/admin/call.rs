//! Calls of virtual devices: begun, answered, renegotiated and ended for people and for tests, and their transcripts.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use jackfield_model::admin::{
    AnswerCall, Call, CallList, CallState, DeviceRule, HangUp, NewCall, Role, UpdateCall,
};
use jackfield_model::{AmazonId, limit};
use schemars::JsonSchema;

use super::describe::{ITEM_ERRORS, LimitQuery, TOP_ERRORS, WRITE_ERRORS, describe};
use super::{AdminOperation, Query, created, not_found, ok, parse, parse_or_default};
use crate::calling::{self, Wanted};
use crate::calls::CallKey;
use crate::description::{BAD_REQUEST, CREATED};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;

pub(crate) static CREATE: AdminOperation = AdminOperation::new(
    "adminCreateCall",
    Role::Operator,
    describe("Have a device call an endpoint")
        .text(
            "The skill of the service provider's network gets the call. Without a network, or where the skill is not set, \
             the call ends at once, and its transcript says why.",
        )
        .request::<NewCall>()
        .successes(CREATED)
        .response::<Call>()
        .errors(&[
            BAD_REQUEST,
            (403, "The organization has no add-on, or calling is not available to it."),
            (404, "The profile, the service provider or the contact is not there."),
        ]),
    |context| Box::pin(create(context.state, context.body)),
);

async fn create(state: &Arc<State>, body: &[u8]) -> Result<Reply, ApiError> {
    let new: NewCall = parse(body)?;
    let key = calling::start(state, new).await?;
    created(&calling::call(state, &key).ok_or_else(gone)?)
}

/// Which calls.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
#[serde(rename_all = "camelCase")]
struct ListQuery {
    #[schemars(flatten)]
    limit: LimitQuery,
    /// Those of the device of this communication profile alone.
    profile_id: Option<AmazonId>,
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "adminListCalls",
    Role::Operator,
    describe("List the calls")
        .text("Newest first, without their transcripts. Those that have ended are kept until newer ones need their room.")
        .query::<ListQuery>()
        .response::<CallList>()
        .errors(TOP_ERRORS),
    |context| Box::pin(ready(list(context.state, context.query))),
);

fn list(state: &State, query: &Query) -> Result<Reply, ApiError> {
    let profile: Option<AmazonId> = query.parsed("profileId")?;
    ok(&calling::list(state, query.limit()?, profile.as_ref()))
}

/// For what to wait.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it says what a query string may have")]
struct WaitQuery {
    /// Seconds to wait for the state, or for a change where none is named.
    #[schemars(range(max = limit::CALL_WAIT_MAX_SECONDS), extend("default" = 0))]
    wait: Option<u32>,
    /// The state to wait for. A call that has passed it, or has ended, is answered at once.
    state: Option<CallState>,
    /// Without `state`: the `version` that is known. A call that has another, or has ended, is answered at once.
    version: Option<u64>,
}

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "adminGetCall",
    Role::Operator,
    describe("Get a call with its transcript").query::<WaitQuery>().response::<Call>().errors(ITEM_ERRORS),
    |context| Box::pin(get(context.state, context.id, context.query)),
)
.outlasting_resets();

async fn get(state: &State, id: &str, query: &Query) -> Result<Reply, ApiError> {
    let wait: u32 = query.parsed("wait")?.unwrap_or_default();
    if wait > limit::CALL_WAIT_MAX_SECONDS {
        let most = limit::CALL_WAIT_MAX_SECONDS;
        return Err(ApiError::BadRequest(format!("wait is {wait}; at most {most} seconds are allowed.")));
    }
    let wanted: Option<CallState> = query.parsed("state")?;
    let version: Option<u64> = query.parsed("version")?;
    let key = find(state, id)?;
    if wait > 0 {
        let wanted = wanted.map_or(Wanted::Change(version), Wanted::State);
        calling::wait(state, &key, wanted, Duration::from_secs(wait.into())).await;
    }
    ok(&calling::call(state, &key).ok_or_else(gone)?)
}

pub(crate) static ANSWER: AdminOperation = AdminOperation::new(
    "adminAnswerCall",
    Role::Operator,
    describe("Have a device answer a call that rings")
        .request::<AnswerCall>()
        .response::<Call>()
        .errors(WRITE_ERRORS),
    |context| Box::pin(ready(answer(context.state, context.id, context.body))),
);

fn answer(state: &Arc<State>, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let key = find(state, id)?;
    calling::answer(state, &key, &parse_or_default::<AnswerCall>(body)?)?;
    show(state, &key)
}

pub(crate) static UPDATE: AdminOperation = AdminOperation::new(
    "adminUpdateCall",
    Role::Operator,
    describe("Have a device renegotiate a call, or answer a renegotiation")
        .request::<UpdateCall>()
        .response::<Call>()
        .errors(WRITE_ERRORS),
    |context| Box::pin(ready(update(context.state, context.id, context.body))),
);

fn update(state: &Arc<State>, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let key = find(state, id)?;
    calling::update(state, &key, &parse_or_default::<UpdateCall>(body)?)?;
    show(state, &key)
}

pub(crate) static HANG_UP: AdminOperation = AdminOperation::new(
    "adminHangUpCall",
    Role::Operator,
    describe("Have a device hang up, or decline").request::<HangUp>().response::<Call>().errors(WRITE_ERRORS),
    |context| Box::pin(ready(hang_up(context.state, context.id, context.body))),
);

fn hang_up(state: &Arc<State>, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let key = find(state, id)?;
    calling::hang_up(state, &key, &parse_or_default::<HangUp>(body)?)?;
    show(state, &key)
}

pub(crate) static SET_DEVICE: AdminOperation = AdminOperation::new(
    "adminSetDevice",
    Role::Operator,
    describe("Say what the device of a profile does about a call that comes in")
        .text("In memory: it is forgotten with the process, and by a reset.")
        .request::<DeviceRule>()
        .response::<DeviceRule>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(ready(set_device(context.state, context.id, context.body))),
);

fn set_device(state: &State, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let profile = profile(id)?;
    let rule: DeviceRule = parse(body)?;
    let longest = limit::ANSWER_TIMEOUT;
    if rule.after.as_ref().is_some_and(|after| calling::span(after).is_none_or(|span| span > longest)) {
        return Err(ApiError::BadRequest(format!(
            "after must be a span of time of at most {longest:?}, for example \"5s\", or seconds."
        )));
    }
    if !state.calls.set_rule(profile, rule.clone()) {
        return Err(ApiError::Conflict(format!(
            "There are rules for {} devices, which is the most allowed.",
            limit::DEVICE_RULES
        )));
    }
    ok(&rule)
}

pub(crate) static GET_DEVICE: AdminOperation = AdminOperation::new(
    "adminGetDevice",
    Role::Viewer,
    describe("Get what the device of a profile does about a call")
        .response::<DeviceRule>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(ready(get_device(context.state, context.id))),
);

fn get_device(state: &State, id: &str) -> Result<Reply, ApiError> {
    let rule = state.calls.rule(&profile(id)?);
    ok(&rule.unwrap_or(DeviceRule { on_call: jackfield_model::admin::OnCall::Ring, after: None }))
}

fn profile(id: &str) -> Result<AmazonId, ApiError> {
    id.parse().map_err(|_| not_found("communication profile"))
}

fn find(state: &State, id: &str) -> Result<CallKey, ApiError> {
    calling::find(state, id).ok_or_else(gone)
}

fn show(state: &State, key: &CallKey) -> Result<Reply, ApiError> {
    ok(&calling::call(state, key).ok_or_else(gone)?)
}

fn gone() -> ApiError {
    not_found("call")
}
