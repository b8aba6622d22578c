//! Messages of the integrator's cloud.

use super::{DeviceEvent, Effect, OpenUpdate, Refusal, Session};
use crate::message::{Message, MessageType, RenegotiationType};
use crate::sdp::Sdp;
use crate::state::{CallState, Direction};
use crate::time::Time;

/// What a message of the cloud means.
enum Meaning {
    /// Something new: what is to be done.
    New(Vec<Effect>),
    /// It was said before; it may be acknowledged again.
    Again(Option<Message>),
    /// It is not what may come now.
    OutOfOrder,
}

impl Session {
    /// Takes a message of the cloud. What is refused changes nothing but the transcript.
    ///
    /// # Errors
    /// [`Refusal`], which says what would be right.
    pub fn from_cloud(&mut self, message: &Message, now: Time) -> Result<Vec<Effect>, Refusal> {
        if self.state == CallState::Ended {
            return Err(self.over());
        }
        let before = self.state;
        // The entry of the message stands before those of the messages that follow from it.
        self.took(message, before, now);
        match self.judge(message, now) {
            Meaning::New(effects) => {
                self.mark(|entry, state| entry.states.1 = state);
                Ok(effects)
            }
            Meaning::Again(ack) => {
                self.mark(|entry, _| entry.add_note("It was taken before."));
                Ok(ack.map(|ack| self.send_again(ack, now)).unwrap_or_default())
            }
            Meaning::OutOfOrder => {
                let refusal = self.out_of_order(message.kind().name());
                let note = refusal.to_string();
                self.mark(|entry, _| {
                    entry.status = Some(400);
                    entry.note = Some(note.clone());
                });
                Err(refusal)
            }
        }
    }

    /// Changes the newest entry of the cloud.
    fn mark(&mut self, change: impl FnOnce(&mut crate::transcript::Entry, CallState)) {
        let state = self.state;
        if let Some(entry) = self.transcript.last_received() {
            change(entry, state);
        }
    }

    fn judge(&mut self, message: &Message, now: Time) -> Meaning {
        match (self.direction, message) {
            (Direction::Outbound, Message::CallRinging) => self.ringing(now),
            (Direction::Outbound, Message::CallInProgress(answer)) => self.in_progress(answer, now),
            (Direction::Outbound, Message::CallAccepted(answer)) => self.accepted(answer, now),
            (
                Direction::Inbound,
                Message::CallRingingAck | Message::CallInProgressAck | Message::CallAcceptedAck,
            ) => self.acknowledged(message.kind(), now),
            (_, Message::CallUpdate(offer, kind)) => self.offered(offer, *kind, now),
            (_, Message::CallUpdateResponse(answer, kind)) => self.responded(answer, *kind, now),
            (_, Message::CallUpdateAck) => self.update_acknowledged(),
            (_, Message::CallEnded(result)) => Meaning::New(vec![self.end(result.clone(), now)]),
            _ => Meaning::OutOfOrder,
        }
    }

    fn ringing(&mut self, now: Time) -> Meaning {
        if self.state != CallState::Initiated {
            return Meaning::Again(Some(Message::CallRingingAck));
        }
        self.state = CallState::Ringing;
        self.timers.answer_by(now);
        Meaning::New(vec![self.send(Message::CallRingingAck, CallState::Ringing, now)])
    }

    fn in_progress(&mut self, answer: &Sdp, now: Time) -> Meaning {
        match self.state {
            CallState::Ringing => {
                self.state = CallState::InProgress;
                self.early = Some(answer.clone());
                let ack = self.send(Message::CallInProgressAck, self.state, now);
                Meaning::New(vec![ack, Effect::Device(DeviceEvent::Answered(answer.clone()))])
            }
            CallState::InProgress | CallState::Accepted if self.early.as_ref() == Some(answer) => {
                Meaning::Again(Some(Message::CallInProgressAck))
            }
            _ => Meaning::OutOfOrder,
        }
    }

    fn accepted(&mut self, answer: &Sdp, now: Time) -> Meaning {
        match self.state {
            CallState::Ringing | CallState::InProgress => {
                self.state = CallState::Accepted;
                self.answer = Some(answer.clone());
                self.timers.step = None;
                let ack = self.send(Message::CallAcceptedAck, self.state, now);
                let mut effects = vec![ack];
                if self.early.as_ref() != Some(answer) {
                    effects.push(Effect::Device(DeviceEvent::Answered(answer.clone())));
                }
                Meaning::New(effects)
            }
            CallState::Accepted if self.answer.as_ref() == Some(answer) => {
                Meaning::Again(Some(Message::CallAcceptedAck))
            }
            _ => Meaning::OutOfOrder,
        }
    }

    fn acknowledged(&mut self, ack: MessageType, now: Time) -> Meaning {
        let of = match ack {
            MessageType::CallRingingAck => MessageType::CallRinging,
            MessageType::CallInProgressAck => MessageType::CallInProgress,
            _ => MessageType::CallAccepted,
        };
        if !self.sent.contains(&of) {
            return Meaning::OutOfOrder;
        }
        if !self.timers.acknowledged(ack) {
            return Meaning::Again(None);
        }
        Meaning::New(self.after_ack(ack, now))
    }

    /// What follows an acknowledgement, or goes on without it.
    pub(super) fn after_ack(&mut self, ack: MessageType, now: Time) -> Vec<Effect> {
        match ack {
            MessageType::CallRingingAck if self.state == CallState::Ringing => {
                vec![Effect::Device(DeviceEvent::Rings)]
            }
            MessageType::CallInProgressAck => self.accept(now).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn accept(&mut self, now: Time) -> Option<Effect> {
        let answer = self.early.clone().filter(|_| self.state == CallState::InProgress)?;
        self.answer = Some(answer.clone());
        self.state = CallState::Accepted;
        Some(self.send(Message::CallAccepted(answer), CallState::InProgress, now))
    }

    fn offered(&mut self, offer: &Sdp, kind: RenegotiationType, now: Time) -> Meaning {
        match &self.update {
            _ if self.state != CallState::Accepted => Meaning::OutOfOrder,
            Some(open) if open.by_cloud && open.offer == *offer && open.kind == kind => Meaning::Again(None),
            Some(_) => Meaning::OutOfOrder,
            None => {
                self.update = Some(OpenUpdate { by_cloud: true, offer: offer.clone(), kind, answer: None });
                self.timers.update_by(now);
                Meaning::New(vec![Effect::Device(DeviceEvent::Offered(offer.clone(), kind))])
            }
        }
    }

    fn responded(&mut self, answer: &Sdp, kind: RenegotiationType, now: Time) -> Meaning {
        if self.update.as_ref().is_some_and(|open| !open.by_cloud) {
            self.update = None;
            self.timers.update = None;
            self.last_response = Some((answer.clone(), kind));
            let ack = self.send(Message::CallUpdateAck, self.state, now);
            return Meaning::New(vec![ack, Effect::Device(DeviceEvent::UpdateAnswered(answer.clone()))]);
        }
        let said = self.last_response.as_ref();
        if said.is_some_and(|(known, of)| known == answer && *of == kind) {
            return Meaning::Again(Some(Message::CallUpdateAck));
        }
        Meaning::OutOfOrder
    }

    fn update_acknowledged(&mut self) -> Meaning {
        let answered = self.update.as_ref().is_some_and(|open| open.by_cloud && open.answer.is_some());
        if answered {
            self.update = None;
            self.timers.update = None;
            self.timers.acknowledged(MessageType::CallUpdateAck);
            self.acknowledged_update = true;
            return Meaning::New(Vec::new());
        }
        let before = self.acknowledged_update || self.sent.contains(&MessageType::CallUpdateResponse);
        if before { Meaning::Again(None) } else { Meaning::OutOfOrder }
    }

    /// What the cloud may say now, besides what it said before.
    pub(super) fn expected(&self) -> Vec<MessageType> {
        let mut expected: Vec<MessageType> = self.timers.acks.iter().map(|(ack, _)| *ack).collect();
        match (self.direction, self.state) {
            (Direction::Outbound, CallState::Initiated) => expected.push(MessageType::CallRinging),
            (Direction::Outbound, CallState::Ringing) => {
                expected.extend([MessageType::CallInProgress, MessageType::CallAccepted]);
            }
            (Direction::Outbound, CallState::InProgress) => expected.push(MessageType::CallAccepted),
            (_, CallState::Accepted) => match &self.update {
                None => expected.push(MessageType::CallUpdate),
                Some(open) if !open.by_cloud => expected.push(MessageType::CallUpdateResponse),
                Some(_) => {}
            },
            _ => {}
        }
        expected.push(MessageType::CallEnded);
        expected
    }

    pub(super) fn over(&self) -> Refusal {
        let code = self.result.as_ref().map_or("", |result| &result.code);
        Refusal::Ended(code.to_owned())
    }

    /// The refusal of what may not come now.
    pub(super) fn out_of_order(&self, kind: &'static str) -> Refusal {
        let detail = match &self.update {
            Some(open) if open.by_cloud => ", and a renegotiation by the endpoint is open",
            Some(_) => ", and a renegotiation by the device is open",
            None => "",
        };
        let names: Vec<&str> = self.expected().iter().map(|kind| kind.name()).collect();
        Refusal::OutOfOrder { kind, state: self.state, detail, expected: names.join(" or ") }
    }
}
