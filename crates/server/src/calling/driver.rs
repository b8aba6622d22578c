//! Carries out what follows from messages, acts and deadlines: sends to the skill in order, and tells device and waiters.
//!
//! Each call has tasks of its own. One sends its messages, one at a time, so that a skill gets them in order; one waits for
//! its deadlines; one is its device. They end with the call.

use std::sync::Arc;
use std::time::Duration;

use jackfield_calling::{CallResult, CallState, DeviceEvent, Effect, Session, SessionId, code};
use jackfield_model::inspect::DeviceFault;
use jackfield_model::wire::Skill;
use jackfield_model::{AmazonId, ClientId};
use tokio::sync::{Notify, mpsc, watch};

use super::effects::{act, carry_out};
use super::to_skill::send_all;
use crate::calls::{CallKey, Line};
use crate::error::ApiError;
use crate::media::Media;
use crate::sandbox::fault::{DEVICE, Effect as Fault, FaultContext, FaultMatch};
use crate::state::State;
use crate::traces;

/// A call that is about to begin.
pub(super) struct Beginning {
    pub(super) session: Session,
    pub(super) effects: Vec<Effect>,
    pub(super) skill: Option<Arc<Skill>>,
    pub(super) profile: AmazonId,
    /// Whether the device makes offers and answers itself.
    pub(super) device: bool,
    /// Its media, where it made the offer.
    pub(super) media: Option<Media>,
}

/// Begins a call.
///
/// # Errors
/// [`ApiError::Conflict`] when the id is that of a live call, [`ApiError::Unavailable`] when there are too many.
pub(super) fn begin(
    state: &Arc<State>,
    beginning: Beginning,
) -> Result<(CallKey, mpsc::UnboundedReceiver<DeviceEvent>), ApiError> {
    let Beginning { session, effects, skill, profile, device, media } = beginning;
    let key = CallKey { organization: session.organization().clone(), id: session.id().clone() };
    let (outgoing, queue) = mpsc::unbounded_channel();
    let (events, happened) = mpsc::unbounded_channel();
    let deadlines = Arc::new(Notify::new());
    let changed = Arc::new(watch::Sender::new(0));
    let line = Line {
        outgoing: skill.is_some().then_some(outgoing),
        events: skill.is_some().then_some(events),
        changed,
        deadlines: Arc::clone(&deadlines),
        profile: profile.clone(),
        device,
        media: media.filter(|_| skill.is_some()),
        fault: skill.as_ref().and_then(|skill| device_fault(state, skill)),
        measured: None,
    };
    if let (Some(media), Some((_, DeviceFault::NoMedia))) = (&line.media, line.fault) {
        media.silence();
    }
    state.calls.table().insert(session, line).map_err(|full| match full {
        jackfield_calling::Full::Lives => ApiError::Conflict(full.to_string()),
        _ => ApiError::Unavailable { message: full.to_string(), retry_after: 1, cause: None },
    })?;
    let Some(skill) = skill else { return Ok((key, happened)) };
    // The whole call is a part of the request that began it.
    tokio::spawn(traces::carried(send_all(Arc::clone(state), key.clone(), skill, profile, queue)));
    tokio::spawn(keep_time(Arc::clone(state), key.clone(), deadlines));
    carry_out(state, &key, effects);
    Ok((key, happened))
}

/// What is wrong with the device of a call, and which rule says so.
fn device_fault(state: &State, skill: &Skill) -> Option<(u64, DeviceFault)> {
    let client = skill.client_id.as_ref().map(ClientId::as_str);
    let context = FaultContext { operation: DEVICE, client, provider: None };
    let FaultMatch { rule, effect, .. } = state.sandbox.faults.evaluate(context)?;
    let Fault::Device(fault) = effect else { return None };
    state.metrics.fault(effect.name());
    Some((rule, fault))
}

/// Waits for the deadlines of a call until it has ended.
async fn keep_time(state: Arc<State>, key: CallKey, changed: Arc<Notify>) {
    loop {
        let next = state.calls.table().with(&key.organization, &key.id, |session, line| {
            // Another call may have this id by now.
            Arc::ptr_eq(&line.deadlines, &changed).then(|| session.next_deadline()).flatten()
        });
        let Some(Some(next)) = next else { return };
        let at = tokio::time::Instant::from_std(state.calls.instant(next));
        tokio::select! {
            () = tokio::time::sleep_until(at) => {
                act(&state, &key, |session, now| Ok::<_, ()>(session.expire(now)));
            }
            () = changed.notified() => {}
        }
    }
}

/// For what to wait.
pub(crate) enum Wanted {
    /// This state, one beyond it, or the end.
    State(CallState),
    /// A change since this version, or since now.
    Change(Option<u64>),
}

/// Waits for something of a call, at most so long. One that has ended is not waited for.
pub(crate) async fn wait(state: &State, key: &CallKey, wanted: Wanted, patience: Duration) {
    let subscribed = state.calls.table().with(&key.organization, &key.id, |_, line| line.changed.subscribe());
    let Some(mut changes) = subscribed else { return };
    let since = match wanted {
        Wanted::Change(since) => since.unwrap_or_else(|| *changes.borrow()),
        Wanted::State(_) => 0,
    };
    let settled = || {
        state.calls.table().with(&key.organization, &key.id, |session, line| {
            let reached = match wanted {
                Wanted::State(wanted) => session.state() >= wanted,
                Wanted::Change(_) => *line.changed.borrow() != since,
            };
            reached || session.state() == CallState::Ended
        })
    };
    let waiting = async { while settled() == Some(false) && changes.changed().await.is_ok() {} };
    let _ = tokio::time::timeout(patience, waiting).await;
}

/// The result of a call that failed for this reason.
pub(super) fn failure(why: &str) -> CallResult {
    CallResult::new(code::INTERNAL_ERROR, why)
}

/// The call of a server, by its id alone: for operators.
pub(crate) fn find(state: &State, id: &str) -> Option<CallKey> {
    let id = SessionId::new(id).ok()?;
    let organization = state.calls.table().find(&id)?;
    Some(CallKey { organization, id })
}
