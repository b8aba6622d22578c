//! The device of a profile: what it does by itself when a call comes in, is answered or is renegotiated, and its media.
//!
//! Who brings session descriptions by hand has the media. A device without media, or for an endpoint that offers no WebRTC,
//! speaks the descriptions of a silent one, so that signaling goes on.

use std::sync::Arc;
use std::time::Duration;

use jackfield_calling::{CallResult, CallState, DeviceEvent, Effect, Refusal, Sdp, SilentDevice, code};
use jackfield_model::admin::{OnCall, TimeSpan};
use jackfield_model::inspect::DeviceFault;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::mpsc;

use super::effects::act;
use crate::calls::{CallKey, Line};
use crate::media::Media;
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
        DeviceEvent::Rings if !rejects(state, key) => ring(state, key),
        DeviceEvent::Rings => {}
        DeviceEvent::Offered(offer, kind) => {
            if line(state, key, |line| line.device) == Some(true) {
                let answer = answer_again(state, key, &offer);
                act(state, key, |session, now| session.update(answer, kind, now));
            }
        }
        DeviceEvent::Answered(answer) | DeviceEvent::UpdateAnswered(answer) => {
            if rejects(state, key) {
                return;
            }
            line(state, key, |line| line.media.iter().for_each(|media| media.accept(&answer)));
        }
        DeviceEvent::Ended => {
            line(state, key, |line| {
                if let Some(media) = line.media.take() {
                    line.measured = Some(media.measured());
                }
            });
        }
    }
}

/// Where a fault rule has the device reject the endpoint's description, it does: the call ends.
fn rejects(state: &Arc<State>, key: &CallKey) -> bool {
    let Some(Some((rule, DeviceFault::RejectSdp))) = line(state, key, |line| line.fault) else {
        return false;
    };
    let why = CallResult::new(
        code::INTERNAL_ERROR,
        "The device cannot use the session description of the endpoint.",
    );
    act(state, key, |session, now| {
        let effects = session.hang_up(why, now)?;
        if let Some(Effect::Send { entry, .. }) = effects.first() {
            session
                .note(*entry, &format!("Fault rule {rule} had the device reject the session description."));
        }
        Ok::<_, Refusal>(effects)
    });
    true
}

/// What belongs to a call outside of its state.
fn line<T>(state: &State, key: &CallKey, act: impl FnOnce(&mut Line) -> T) -> Option<T> {
    state.calls.table().with(&key.organization, &key.id, |_, line| act(line))
}

/// Follows the rule of the device, after the time that it says.
fn ring(state: &Arc<State>, key: &CallKey) {
    let profile = line(state, key, |line| line.profile.clone());
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
                    let answer = answer(&state, &key, &offer);
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

/// The offer of a device that calls, with its media where it has some.
pub(super) fn offer(state: &State, media: bool) -> (Sdp, Option<Media>) {
    let made = media.then(|| Media::new(&state.calls.media)).flatten();
    match made.and_then(|media| Some((media.offer()?, media))) {
        Some((offer, media)) => (offer, Some(media)),
        None => (silent().offer(), None),
    }
}

/// The answer of a device that is called; from here on it has media, where the endpoint offers them.
pub(super) fn answer(state: &State, key: &CallKey, offer: &Sdp) -> Sdp {
    let made = Media::new(&state.calls.media).and_then(|media| Some((media.answer(offer)?, media)));
    let Some((answer, media)) = made else { return silent().answer(offer) };
    line(state, key, |line| {
        if matches!(line.fault, Some((_, DeviceFault::NoMedia))) {
            media.silence();
        }
        line.media = Some(media);
    });
    answer
}

/// The answer of a device to an offer that renegotiates.
pub(super) fn answer_again(state: &State, key: &CallKey, offer: &Sdp) -> Sdp {
    let answer = line(state, key, |line| line.media.as_ref().and_then(|media| media.answer(offer)));
    answer.flatten().unwrap_or_else(|| silent().next().answer(offer))
}

/// The offer of a device that renegotiates.
pub(super) fn offer_again(state: &State, key: &CallKey) -> Sdp {
    let offer = line(state, key, |line| line.media.as_ref().and_then(Media::offer));
    offer.flatten().unwrap_or_else(|| silent().next().offer())
}

fn silent() -> SilentDevice {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).expect("the operating system gives randomness");
    SilentDevice::new(random)
}
