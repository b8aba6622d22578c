//! The state of a call: what each message means, what is to be done, and which deadlines run.
//!
//! A message either changes the state, or repeats what was said before (it is taken again and acknowledged again, as the
//! acknowledgement may have been lost), or is out of order and changes nothing. A call that has ended takes nothing more.

mod acts;
mod cloud;
mod delivery;
mod timers;

use jackfield_model::{OrganizationId, SkillId, limit};
use thiserror::Error;

pub use self::delivery::Delivery;
use self::timers::Timers;
use crate::message::{CallResult, Message, MessageType, RenegotiationType};
use crate::sdp::Sdp;
use crate::session_id::SessionId;
use crate::state::{CallState, Direction};
use crate::time::Time;
use crate::transcript::{Entry, EntryDirection, Transcript};

/// The parties of a call, and the skill that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    /// Who called.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// The name that a called device shows.
    pub caller_name: Option<String>,
    /// The skill; nothing where none was found, and the call ends at once.
    pub skill: Option<SkillId>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a message to the skill, after those before it, and say what became of it ([`Session::delivered`]).
    Send {
        /// The number of its entry in the transcript.
        entry: u64,
        /// The message.
        message: Message,
    },
    /// Tell the device.
    Device(DeviceEvent),
}

/// What a device learns of its call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceEvent {
    /// The ringing was acknowledged, or the acknowledgement is overdue: it may be answered in order.
    Rings,
    /// The endpoint answered; an early answer may be followed by another.
    Answered(Sdp),
    /// The endpoint offers other media.
    Offered(Sdp, RenegotiationType),
    /// The endpoint answered the offer of the device.
    UpdateAnswered(Sdp),
    /// The call is over.
    Ended,
}

/// Why a message or an act changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The call has ended.
    #[error("The call has ended with {0}.")]
    Ended(String),
    /// It is not what may come now.
    #[error("{kind} is out of order: the call is {state}{detail}; {expected} would be right.", state = .state.to_wire())]
    OutOfOrder {
        /// What came.
        kind: &'static str,
        /// The state of the call.
        state: CallState,
        /// More about the state.
        detail: &'static str,
        /// What may come, for people.
        expected: String,
    },
}

/// A renegotiation that is not finished.
#[derive(Clone, Debug)]
struct OpenUpdate {
    /// Whether the cloud offered it.
    by_cloud: bool,
    offer: Sdp,
    kind: RenegotiationType,
    /// The device's answer, which is not acknowledged yet.
    answer: Option<Sdp>,
}

/// A call.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    organization: OrganizationId,
    direction: Direction,
    parties: Parties,
    offer: Sdp,
    state: CallState,
    result: Option<CallResult>,
    started: Time,
    ended: Option<Time>,
    timers: Timers,
    /// The early and the final answer of an outbound call.
    early: Option<Sdp>,
    answer: Option<Sdp>,
    /// What was sent to the skill and may be acknowledged.
    sent: Vec<MessageType>,
    update: Option<OpenUpdate>,
    /// The last answer of the cloud to an offer of the device, which may be repeated.
    last_response: Option<(Sdp, RenegotiationType)>,
    /// Whether an offer of the cloud was renegotiated: its acknowledgement may be repeated.
    acknowledged_update: bool,
    /// Messages that the skill has not answered yet.
    waiting: usize,
    transcript: Transcript,
}

impl Session {
    /// The device calls an endpoint. `message` is the first one for the skill.
    #[must_use]
    pub fn outbound(
        id: SessionId,
        organization: OrganizationId,
        parties: Parties,
        message: Message,
        now: Time,
    ) -> (Self, Vec<Effect>) {
        let mut session = Self::new(Direction::Outbound, (id, organization), parties, &message, now);
        let sent = session.send(message, CallState::Initiated, now);
        session.timers.ringing_by(now);
        (session, vec![sent])
    }

    /// An endpoint calls the device, which rings at once. `message` is that of the cloud.
    #[must_use]
    pub fn inbound(
        id: SessionId,
        organization: OrganizationId,
        parties: Parties,
        message: &Message,
        now: Time,
    ) -> (Self, Vec<Effect>) {
        let mut session = Self::new(Direction::Inbound, (id, organization), parties, message, now);
        session.took(message, CallState::Initiated, now);
        let before = session.state;
        session.state = CallState::Ringing;
        let sent = session.send(Message::CallRinging, before, now);
        session.timers.answer_by(now);
        (session, vec![sent])
    }

    /// An endpoint calls a device that does not take the call, and does not ring. The note says why.
    #[must_use]
    pub fn declined(
        id: SessionId,
        organization: OrganizationId,
        parties: Parties,
        message: &Message,
        (result, note): (CallResult, &str),
        now: Time,
    ) -> (Self, Vec<Effect>) {
        let mut session = Self::new(Direction::Inbound, (id, organization), parties, message, now);
        session.took(message, CallState::Initiated, now);
        session.transcript.last_received().into_iter().for_each(|entry| entry.add_note(note));
        let effects = session.hang_up(result, now).expect("it has not ended");
        (session, effects)
    }

    fn new(
        direction: Direction,
        (id, organization): (SessionId, OrganizationId),
        parties: Parties,
        message: &Message,
        now: Time,
    ) -> Self {
        let offer = message.sdp().expect("what begins a call brings an offer").clone();
        Self {
            id,
            organization,
            direction,
            parties,
            offer,
            state: CallState::Initiated,
            result: None,
            started: now,
            ended: None,
            timers: Timers::new(now),
            early: None,
            answer: None,
            sent: Vec::new(),
            update: None,
            last_response: None,
            acknowledged_update: false,
            waiting: 0,
            transcript: Transcript::default(),
        }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &SessionId {
        &self.id
    }

    /// The organization whose device and skill take part.
    #[must_use]
    pub const fn organization(&self) -> &OrganizationId {
        &self.organization
    }

    /// Who called whom.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// Its parties.
    #[must_use]
    pub const fn parties(&self) -> &Parties {
        &self.parties
    }

    /// The offer that it began with.
    #[must_use]
    pub const fn offer(&self) -> &Sdp {
        &self.offer
    }

    /// The newest answer of the called.
    #[must_use]
    pub fn answer(&self) -> Option<&Sdp> {
        self.answer.as_ref().or(self.early.as_ref())
    }

    /// The offer of the cloud that the device has to answer.
    #[must_use]
    pub fn open_offer(&self) -> Option<&Sdp> {
        self.update.as_ref().filter(|open| open.by_cloud && open.answer.is_none()).map(|open| &open.offer)
    }

    /// Whether a renegotiation is open.
    #[must_use]
    pub const fn has_open_update(&self) -> bool {
        self.update.is_some()
    }

    /// How far it is.
    #[must_use]
    pub const fn state(&self) -> CallState {
        self.state
    }

    /// How it ended.
    #[must_use]
    pub const fn result(&self) -> Option<&CallResult> {
        self.result.as_ref()
    }

    /// When it began.
    #[must_use]
    pub const fn started(&self) -> Time {
        self.started
    }

    /// When it ended.
    #[must_use]
    pub const fn ended(&self) -> Option<Time> {
        self.ended
    }

    /// What was said.
    #[must_use]
    pub const fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Bytes of the session descriptions that it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let update = self.update.as_ref();
        let held = [
            Some(&self.offer),
            self.early.as_ref(),
            self.answer.as_ref(),
            update.map(|update| &update.offer),
            update.and_then(|update| update.answer.as_ref()),
            self.last_response.as_ref().map(|(sdp, _)| sdp),
        ];
        held.into_iter().flatten().map(|sdp| sdp.as_str().len()).sum::<usize>() + self.transcript.sdp_bytes()
    }

    /// Writes a message for the skill into the transcript, and hands it out.
    fn send(&mut self, message: Message, before: CallState, now: Time) -> Effect {
        let kind = message.kind();
        let entry = self.transcript.push(Entry {
            number: 0,
            time: now,
            direction: EntryDirection::ToSkill,
            kind,
            status: None,
            note: None,
            sdp: message.sdp().cloned(),
            states: (before, self.state),
        });
        if !self.sent.contains(&kind) {
            self.sent.push(kind);
        }
        if let Some(ack) = acknowledgement(kind) {
            self.timers.ack_by(ack, now);
        }
        self.waiting += 1;
        Effect::Send { entry, message }
    }

    /// Acknowledges a message once more, unless the skill is behind with what it got.
    fn send_again(&mut self, message: Message, now: Time) -> Vec<Effect> {
        if self.waiting >= limit::WAITING_MESSAGES {
            return Vec::new();
        }
        vec![self.send(message, self.state, now)]
    }

    /// Writes a message of the cloud into the transcript.
    fn took(&mut self, message: &Message, before: CallState, now: Time) {
        let entry = Entry {
            number: 0,
            time: now,
            direction: EntryDirection::FromCloud,
            kind: message.kind(),
            status: Some(TAKEN),
            note: None,
            sdp: message.sdp().cloned(),
            states: (before, self.state),
        };
        self.transcript.push(entry);
    }

    fn end(&mut self, result: CallResult, now: Time) -> Effect {
        self.state = CallState::Ended;
        self.ended = Some(now);
        self.result = Some(result);
        self.update = None;
        self.timers.stop();
        Effect::Device(DeviceEvent::Ended)
    }
}

/// The HTTP status of a message that was taken.
const TAKEN: u16 = 202;

/// The acknowledgement that a message to the skill waits for.
const fn acknowledgement(kind: MessageType) -> Option<MessageType> {
    match kind {
        MessageType::CallRinging => Some(MessageType::CallRingingAck),
        MessageType::CallInProgress => Some(MessageType::CallInProgressAck),
        MessageType::CallAccepted => Some(MessageType::CallAcceptedAck),
        MessageType::CallUpdateResponse => Some(MessageType::CallUpdateAck),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
