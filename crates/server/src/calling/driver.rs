//! Carries out what follows from messages, acts and deadlines: sends to the skill in order, and tells device and waiters.
//!
//! Each call has tasks of its own. One sends its messages, one at a time, so that a skill gets them in order; one waits for
//! its deadlines; one is its device. They end with the call.

use std::sync::Arc;
use std::time::Duration;

use jackfield_calling::{
    CallResult, CallState, Delivery, DeviceEvent, Effect, Message, Session, SessionId, Time, code,
};
use jackfield_model::AmazonId;
use jackfield_model::admin::SkillProblem;
use jackfield_model::wire::Skill;
use tokio::sync::{Notify, mpsc, watch};

use super::request::send_message;
use crate::calls::{CallKey, Line};
use crate::error::ApiError;
use crate::media::Media;
use crate::sandbox::fault::{Effect as Fault, FaultContext, FaultMatch};
use crate::skill::Sent;
use crate::state::State;

/// The name by which fault rules select what is sent to skills.
pub(crate) const TO_SKILL: &str = "skill_request";

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
        measured: None,
    };
    state.calls.table().insert(session, line).map_err(|full| match full {
        jackfield_calling::Full::Lives => ApiError::Conflict(full.to_string()),
        _ => ApiError::Unavailable { message: full.to_string(), retry_after: 1, cause: None },
    })?;
    let Some(skill) = skill else { return Ok((key, happened)) };
    tokio::spawn(send_all(Arc::clone(state), key.clone(), skill, profile, queue));
    tokio::spawn(keep_time(Arc::clone(state), key.clone(), deadlines));
    carry_out(state, &key, effects);
    Ok((key, happened))
}

/// Does something with a call, and what follows from it. Nothing where there is no such call.
pub(super) fn act<E>(
    state: &Arc<State>,
    key: &CallKey,
    what: impl FnOnce(&mut Session, Time) -> Result<Vec<Effect>, E>,
) -> Option<Result<(), E>> {
    let now = state.calls.now();
    let done = state.calls.table().with(&key.organization, &key.id, |session, _| what(session, now))?;
    Some(done.map(|effects| carry_out(state, key, effects)))
}

/// Hands out messages and events, and wakes whoever waits.
fn carry_out(state: &Arc<State>, key: &CallKey, effects: Vec<Effect>) {
    state.calls.table().with(&key.organization, &key.id, |session, line| {
        for effect in effects {
            match effect {
                Effect::Send { entry, message } => {
                    if let Some(outgoing) = &line.outgoing {
                        let _ = outgoing.send((entry, message));
                    }
                }
                Effect::Device(event) => {
                    if let Some(events) = &line.events {
                        let _ = events.send(event);
                    }
                }
            }
        }
        if session.state() == CallState::Ended {
            (line.outgoing, line.events) = (None, None);
        }
        line.deadlines.notify_one();
        line.changed.send_modify(|version| *version += 1);
    });
}

/// Sends the messages of a call, one after the other.
async fn send_all(
    state: Arc<State>,
    key: CallKey,
    skill: Arc<Skill>,
    profile: AmazonId,
    mut queue: mpsc::UnboundedReceiver<(u64, Message)>,
) {
    while let Some((entry, message)) = queue.recv().await {
        let delivery = deliver(&state, &key, &skill, &profile, &message).await;
        act(&state, &key, |session, now| Ok::<_, ()>(session.delivered(entry, delivery, now)));
    }
}

async fn deliver(
    state: &State,
    key: &CallKey,
    skill: &Skill,
    profile: &AmazonId,
    message: &Message,
) -> Delivery {
    let context = FaultContext {
        operation: TO_SKILL,
        client: skill.client_id.as_ref().map(jackfield_model::ClientId::as_str),
        provider: None,
    };
    if let Some(FaultMatch { rule, latency, effect }) = state.sandbox.faults.evaluate(context) {
        state.metrics.fault(effect.name());
        tokio::time::sleep(latency).await;
        match effect {
            Fault::Latency => {}
            Fault::Status(answer) => {
                let status = answer.status().0.as_u16();
                return Delivery::Refused(
                    status,
                    format!("Fault rule {rule} answered {status} in place of the skill."),
                );
            }
            Fault::Drop(jackfield_model::inspect::DropWhen::Before) => {
                return Delivery::Kept(format!("Fault rule {rule} lost it."));
            }
            Fault::Drop(jackfield_model::inspect::DropWhen::After) => {
                send_message(state, &key.organization, skill, profile.as_str(), (&key.id, message)).await;
                return Delivery::Failed(format!("Fault rule {rule} lost the answer of the skill."));
            }
        }
    }
    let sent = send_message(state, &key.organization, skill, profile.as_str(), (&key.id, message)).await;
    delivery(sent)
}

fn delivery(Sent { status, failure, .. }: Sent) -> Delivery {
    let status = status.map(|status| status.as_u16());
    match (failure, status) {
        (None, status) => Delivery::Taken(status.unwrap_or(200)),
        (Some((SkillProblem::Timeout, why)), _) => Delivery::TimedOut(why),
        (Some((_, why)), Some(status)) => Delivery::Refused(status, why),
        (Some((_, why)), None) => Delivery::Failed(why),
    }
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
