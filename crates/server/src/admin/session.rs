//! Sessions of the console: an admin token, or a link that was made with one, is exchanged for a cookie.

use std::future::ready;
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use jackfield_model::admin::{self, Role, Secret, SessionLink};
use jackfield_model::limit;
use jackfield_store::Timestamp;

use super::access::BOOTSTRAP;
use super::describe::{ITEM_ERRORS, TOP_ERRORS, describe};
use super::operator::Operator;
use super::{AdminOperation, Context, Recorded, cookie, created, no_content, not_found, ok};
use crate::description::{CREATED, NO_CONTENT};
use crate::error::ApiError;
use crate::response::{self, Reply};
use crate::state::State;

pub(crate) static BEGIN: AdminOperation = AdminOperation::new(
    "beginSession",
    Role::Viewer,
    describe("Sign in to the console")
        .text(
            "`Authorization` bears an admin token, or the token of a link, which is used up. The answer sets a cookie \
             that stands for the admin token for 12 hours, in requests that also have the header `X-Jackfield-Console`.",
        )
        .successes(CREATED)
        .response::<admin::Session>()
        .errors(TOP_ERRORS),
    |context| Box::pin(ready(begin(&context))),
)
.signing_in()
.recorded(Recorded::new("signed_in"));

fn begin(context: &Context<'_>) -> Result<Reply, ApiError> {
    let session = context.state.operators.sessions.begin(context.operator.token);
    let left = Duration::from_secs(limit::SESSION_SECONDS);
    let mut reply = response::json(StatusCode::CREATED, &to_wire(context.operator, Some(left)));
    reply.headers_mut().insert(header::SET_COOKIE, cookie::give(context.call, &session));
    no_store(&mut reply);
    Ok(reply)
}

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "getSession",
    Role::Viewer,
    describe("Say who asks")
        .text("The name and the role of the admin token, or of the one that a session stands for.")
        .response::<admin::Session>()
        .errors(TOP_ERRORS),
    |context| Box::pin(ready(get(&context))),
);

fn get(context: &Context<'_>) -> Result<Reply, ApiError> {
    let sessions = &context.state.operators.sessions;
    let session = cookie::session(context.call).filter(|_| context.operator.in_session);
    let left = session.and_then(|session| sessions.find(session)).map(|(_, left)| left);
    let mut reply = ok(&to_wire(context.operator, left))?;
    no_store(&mut reply);
    Ok(reply)
}

pub(crate) static END: AdminOperation = AdminOperation::new(
    "endSession",
    Role::Viewer,
    describe("Sign out of the console")
        .text("The session of the cookie ends.")
        .successes(NO_CONTENT)
        .errors(ITEM_ERRORS),
    |context| Box::pin(ready(end(&context))),
);

fn end(context: &Context<'_>) -> Result<Reply, ApiError> {
    let session = cookie::session(context.call).filter(|_| context.operator.in_session);
    if !session.is_some_and(|session| context.state.operators.sessions.end(session)) {
        return Err(not_found("session"));
    }
    let mut reply = no_content()?;
    reply.headers_mut().insert(header::SET_COOKIE, cookie::take(context.call));
    Ok(reply)
}

pub(crate) static LINK: AdminOperation = AdminOperation::new(
    "createSessionLink",
    Role::Viewer,
    describe("Make a link that signs in to the console")
        .text(
            "The token goes behind `/console/#token=`. It begins one session for the admin token of this request, \
             within 10 minutes. A session cannot make one.",
        )
        .successes(CREATED)
        .response::<SessionLink>()
        .errors(TOP_ERRORS),
    |context| Box::pin(ready(link(context.state, context.operator))),
)
.bearing_a_token();

fn link(state: &State, operator: &Operator) -> Result<Reply, ApiError> {
    let token = Secret(state.operators.sessions.link(operator.token));
    let expires = after(Duration::from_secs(limit::SESSION_LINK_SECONDS));
    let mut reply = created(&SessionLink { token, expires })?;
    no_store(&mut reply);
    Ok(reply)
}

/// The token of a link for the admin token that the server was started with; nothing when that was revoked.
pub(crate) fn bootstrap_link(state: &State) -> Option<String> {
    let (bootstrap, keys) = (&state.credentials.bootstrap, state.keys());
    let valid = !bootstrap.is_revoked(keys, &state.store.registry());
    valid.then(|| state.operators.sessions.link(bootstrap.hash(keys)))
}

fn to_wire(operator: &Operator, left: Option<Duration>) -> admin::Session {
    let name = operator.name.as_deref().unwrap_or(BOOTSTRAP).to_owned();
    admin::Session { name, role: operator.role, expires: left.map(after) }
}

fn after(left: Duration) -> String {
    humantime::format_rfc3339_seconds(Timestamp::now().system_time() + left).to_string()
}

fn no_store(reply: &mut Reply) {
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
