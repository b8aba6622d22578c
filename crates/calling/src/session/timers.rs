//! The deadlines of a call.

use jackfield_model::limit;

use crate::message::MessageType;
use crate::time::Time;

/// Deadlines that run. Which one is next is asked for, and time is handed in.
#[derive(Debug)]
pub(super) struct Timers {
    /// Until it rings, or is answered.
    pub(super) step: Option<(Step, Time)>,
    /// Acknowledgements that are awaited.
    pub(super) acks: Vec<(MessageType, Time)>,
    /// Until the open renegotiation is answered.
    pub(super) update: Option<Time>,
    /// Until the longest call ends.
    end: Option<Time>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Ringing,
    Answer,
}

/// What is overdue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    Step(Step),
    Ack(MessageType),
    Update,
    End,
}

impl Timers {
    pub(super) fn new(now: Time) -> Self {
        Self { step: None, acks: Vec::new(), update: None, end: Some(now.after(limit::CALL_DURATION)) }
    }

    pub(super) fn ringing_by(&mut self, now: Time) {
        self.step = Some((Step::Ringing, now.after(limit::RINGING_TIMEOUT)));
    }

    pub(super) fn answer_by(&mut self, now: Time) {
        self.step = Some((Step::Answer, now.after(limit::ANSWER_TIMEOUT)));
    }

    pub(super) fn ack_by(&mut self, ack: MessageType, now: Time) {
        self.acks.retain(|(waiting, _)| *waiting != ack);
        self.acks.push((ack, now.after(limit::ACK_TIMEOUT)));
    }

    /// Answers whether the acknowledgement was awaited.
    pub(super) fn acknowledged(&mut self, ack: MessageType) -> bool {
        let before = self.acks.len();
        self.acks.retain(|(waiting, _)| *waiting != ack);
        self.acks.len() < before
    }

    pub(super) fn update_by(&mut self, now: Time) {
        self.update = Some(now.after(limit::UPDATE_TIMEOUT));
    }

    pub(super) fn stop(&mut self) {
        (self.step, self.update, self.end) = (None, None, None);
        self.acks.clear();
    }

    pub(super) fn next(&self) -> Option<Time> {
        let acks = self.acks.iter().map(|(_, time)| *time);
        let others = [self.step.map(|(_, time)| time), self.update, self.end];
        acks.chain(others.into_iter().flatten()).min()
    }

    /// Takes one deadline that has passed.
    pub(super) fn overdue(&mut self, now: Time) -> Option<Overdue> {
        if self.end.is_some_and(|end| end <= now) {
            return Some(Overdue::End);
        }
        if let Some((step, _)) = self.step.filter(|(_, time)| *time <= now) {
            self.step = None;
            return Some(Overdue::Step(step));
        }
        if self.update.is_some_and(|time| time <= now) {
            self.update = None;
            return Some(Overdue::Update);
        }
        let place = self.acks.iter().position(|(_, time)| *time <= now)?;
        Some(Overdue::Ack(self.acks.remove(place).0))
    }
}
