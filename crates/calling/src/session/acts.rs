//! What the device does.

use super::{Effect, OpenUpdate, Refusal, Session};
use crate::message::{CallResult, Message, RenegotiationType};
use crate::sdp::Sdp;
use crate::state::{CallState, Direction};
use crate::time::Time;

impl Session {
    /// The device answers an inbound call. The final answer follows when the cloud has acknowledged the early one.
    ///
    /// # Errors
    /// [`Refusal`] where it does not ring.
    pub fn answer_call(&mut self, answer: Sdp, now: Time) -> Result<Vec<Effect>, Refusal> {
        match (self.direction, self.state) {
            (_, CallState::Ended) => Err(self.over()),
            (Direction::Inbound, CallState::Ringing) => {
                self.state = CallState::InProgress;
                self.early = Some(answer.clone());
                self.timers.step = None;
                Ok(vec![self.send(Message::CallInProgress(answer), CallState::Ringing, now)])
            }
            _ => Err(self.not_now("an answer of the device", "an inbound call that rings")),
        }
    }

    /// The device offers other media, or answers the open offer of the endpoint.
    ///
    /// # Errors
    /// [`Refusal`] where the call is not accepted, or another renegotiation is open.
    pub fn update(&mut self, sdp: Sdp, kind: RenegotiationType, now: Time) -> Result<Vec<Effect>, Refusal> {
        if self.state == CallState::Ended {
            return Err(self.over());
        }
        if self.state != CallState::Accepted {
            return Err(self.not_now("an update of the device", "a call that is accepted"));
        }
        let message = match &mut self.update {
            None => {
                self.update = Some(OpenUpdate { by_cloud: false, offer: sdp.clone(), kind, answer: None });
                self.timers.update_by(now);
                Message::CallUpdate(sdp, kind)
            }
            Some(open) if open.by_cloud && open.answer.is_none() => {
                open.answer = Some(sdp.clone());
                self.timers.update = None;
                Message::CallUpdateResponse(sdp, open.kind)
            }
            Some(_) => {
                return Err(self.not_now("an update of the device", "a call without an open renegotiation"));
            }
        };
        Ok(vec![self.send(message, self.state, now)])
    }

    /// The device hangs up, or the call fails.
    ///
    /// # Errors
    /// [`Refusal`] where it has ended.
    pub fn hang_up(&mut self, result: CallResult, now: Time) -> Result<Vec<Effect>, Refusal> {
        if self.state == CallState::Ended {
            return Err(self.over());
        }
        let before = self.state;
        let ended = self.end(result.clone(), now);
        Ok(vec![self.send(Message::CallEnded(result), before, now), ended])
    }

    /// Ends a call that has nobody to talk to. The note says why its first message was not sent.
    pub fn fail(&mut self, result: CallResult, note: &str, now: Time) {
        if let Some(entry) = self.transcript.last_sent(crate::message::MessageType::InitiateOutboundCall) {
            entry.add_note(note);
            entry.states.1 = CallState::Ended;
        }
        self.waiting = 0;
        self.end(result, now);
    }

    fn not_now(&self, kind: &'static str, expected: &str) -> Refusal {
        let refusal = self.out_of_order(kind);
        match refusal {
            Refusal::OutOfOrder { kind, state, detail, .. } => {
                Refusal::OutOfOrder { kind, state, detail, expected: expected.to_owned() }
            }
            ended => ended,
        }
    }
}
