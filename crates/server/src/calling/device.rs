//! The device of a profile: what it does by itself when a call comes in or is renegotiated.

use std::sync::Arc;
use std::time::Duration;

use jackfield_calling::{CallResult, CallState, DeviceEvent, Sdp, SilentDevice, code};
use jackfield_model::admin::{OnCall, TimeSpan};
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::mpsc;

use super::driver::act;
use crate::calls::CallKey;
use crate::state::State;

/// Lives through a call.
pub(super) fn follow(state: &Arc<State>, key: &CallKey, mut happened: mpsc::UnboundedReceiver<DeviceEvent>) {
    let (state, key) = (Arc::clone(state), key.clone());
    tokio::spawn(async move {
        while let Some(event) = happened.recv().await {
            on(&state, &key, event);
        }
    });
}

/// Reacts to what happened in a call.
fn on(state: &Arc<State>, key: &CallKey, event: DeviceEvent) {
    match event {
        DeviceEvent::Rings => ring(state, key),
        DeviceEvent::Offered(offer, kind) => {
            let own = state.calls.table().with(&key.organization, &key.id, |_, line| line.device);
            if own == Some(true) {
                let answer = silent().next().answer(&offer);
                act(state, key, |session, now| session.update(answer, kind, now));
            }
        }
        DeviceEvent::Answered(_) | DeviceEvent::UpdateAnswered(_) | DeviceEvent::Ended => {}
    }
}

/// Follows the rule of the device, after the time that it says.
fn ring(state: &Arc<State>, key: &CallKey) {
    let profile = state.calls.table().with(&key.organization, &key.id, |_, line| line.profile.clone());
    let Some(rule) = profile.and_then(|profile| state.calls.rule(&profile)) else { return };
    if rule.on_call == OnCall::Ring {
        return;
    }
    let (state, key) = (Arc::clone(state), key.clone());
    tokio::spawn(async move {
        tokio::time::sleep(rule.after.as_ref().and_then(span).unwrap_or_default()).await;
        match rule.on_call {
            OnCall::Accept => {
                let offer = state.calls.table().with(&key.organization, &key.id, |session, _| {
                    (session.state() == CallState::Ringing).then(|| session.offer().clone())
                });
                if let Some(Some(offer)) = offer {
                    let answer = silent().answer(&offer);
                    act(&state, &key, |session, now| session.answer_call(answer, now));
                }
            }
            OnCall::Decline => {
                let declined = CallResult::new(code::DEVICE_BUSY, "The device declined the call.");
                act(&state, &key, |session, now| match session.state() {
                    CallState::Ringing => session.hang_up(declined, now),
                    _ => Ok(Vec::new()),
                });
            }
            OnCall::Ring => {}
        }
    });
}

/// A span of time as it was set; nothing where it is none.
pub(crate) fn span(span: &TimeSpan) -> Option<Duration> {
    match span {
        TimeSpan::Seconds(seconds) => Some(Duration::from_secs((*seconds).into())),
        TimeSpan::Text(text) => humantime::parse_duration(text).ok(),
    }
}

/// The offer of a device that calls.
pub(super) fn offer() -> Sdp {
    silent().offer()
}

/// The answer of a device to an offer.
pub(super) fn answer(offer: &Sdp) -> Sdp {
    silent().answer(offer)
}

fn silent() -> SilentDevice {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).expect("the operating system gives randomness");
    SilentDevice::new(random)
}
