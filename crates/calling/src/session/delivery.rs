//! What became of messages to the skill, and what is overdue.

use super::timers::{Overdue, Step};
use super::{Effect, Session};
use crate::message::{CallResult, MessageType, code};
use crate::state::CallState;
use crate::time::Time;

/// What became of a message to the skill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The skill took it, with this HTTP status.
    Taken(u16),
    /// The skill refused it, with this HTTP status or an answer that is none; the text says why.
    Refused(u16, String),
    /// There was no answer in time.
    TimedOut(String),
    /// The skill was not reached; the text says why.
    Failed(String),
    /// A fault rule kept it.
    Kept(String),
}

impl Session {
    /// Says what became of a message to the skill. A skill that does not take a message ends the call.
    pub fn delivered(&mut self, entry: u64, delivery: Delivery, now: Time) -> Vec<Effect> {
        self.waiting = self.waiting.saturating_sub(1);
        let (status, why, code) = match delivery {
            Delivery::Taken(status) => (Some(status), None, ""),
            Delivery::Kept(why) => (None, Some(why), ""),
            Delivery::Refused(status, why) => (Some(status), Some(why), code::INTERNAL_ERROR),
            Delivery::TimedOut(why) => (None, Some(why), code::SESSION_TIMEOUT),
            Delivery::Failed(why) => (None, Some(why), code::INTERNAL_ERROR),
        };
        if let Some(entry) = self.transcript.entry(entry) {
            entry.status = status;
            if let Some(why) = &why {
                entry.add_note(why);
            }
        }
        match why {
            Some(why) if !code.is_empty() => {
                self.hang_up(CallResult::new(code, why), now).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Says something of a message in the transcript.
    pub fn note(&mut self, entry: u64, note: &str) {
        if let Some(entry) = self.transcript.entry(entry) {
            entry.add_note(note);
        }
    }

    /// When [`Self::expire`] is to be called next; nothing after the end.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.timers.next()
    }

    /// Does what follows from deadlines that have passed.
    pub fn expire(&mut self, now: Time) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(overdue) = self.timers.overdue(now) {
            effects.extend(self.on_overdue(overdue, now));
        }
        effects
    }

    fn on_overdue(&mut self, overdue: Overdue, now: Time) -> Vec<Effect> {
        let mut time_out =
            |text: &str| self.hang_up(CallResult::new(code::SESSION_TIMEOUT, text), now).unwrap_or_default();
        match overdue {
            Overdue::End => time_out("The call was as long as a call may be."),
            Overdue::Step(Step::Ringing) => time_out("The endpoint did not ring in time."),
            Overdue::Step(Step::Answer) => time_out("Nobody answered in time."),
            Overdue::Update => {
                let kind = match self.update.take() {
                    Some(open) if open.by_cloud => MessageType::CallUpdate,
                    _ => MessageType::CallUpdateResponse,
                };
                let note = "The renegotiation was not answered in time; another may begin.";
                let entry = if kind == MessageType::CallUpdate {
                    self.transcript.last_received_of(kind)
                } else {
                    self.transcript.last_sent(MessageType::CallUpdate)
                };
                entry.into_iter().for_each(|entry| entry.add_note(note));
                Vec::new()
            }
            Overdue::Ack(ack) => self.without_ack(ack, now),
        }
    }

    /// An acknowledgement that does not come is noted, and the call goes on.
    fn without_ack(&mut self, ack: MessageType, now: Time) -> Vec<Effect> {
        let of = match ack {
            MessageType::CallRingingAck => MessageType::CallRinging,
            MessageType::CallInProgressAck => MessageType::CallInProgress,
            MessageType::CallAcceptedAck => MessageType::CallAccepted,
            _ => MessageType::CallUpdateResponse,
        };
        if let Some(entry) = self.transcript.last_sent(of) {
            entry.add_note(&format!("No {ack} came in time."));
        }
        if ack == MessageType::CallUpdateAck {
            self.update = None;
        }
        if self.state == CallState::Ended { Vec::new() } else { self.after_ack(ack, now) }
    }
}
