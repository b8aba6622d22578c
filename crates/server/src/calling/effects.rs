//! Does something with a call, and hands out what follows: messages for the skill, events for the device, news for who waits.

use std::sync::Arc;

use jackfield_calling::{CallState, Effect, Session, Time};

use crate::calls::CallKey;
use crate::state::State;

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
pub(super) fn carry_out(state: &Arc<State>, key: &CallKey, effects: Vec<Effect>) {
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
