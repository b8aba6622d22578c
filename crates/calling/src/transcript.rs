//! What was said in a call: bounded, in the order in which it happened.

use jackfield_model::limit;

use crate::message::MessageType;
use crate::sdp::Sdp;
use crate::state::CallState;
use crate::time::Time;

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryDirection {
    /// From this service to the skill.
    ToSkill,
    /// From the integrator's cloud to this service.
    FromCloud,
}

/// A message of a call and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the call, from 0.
    pub number: u64,
    /// When it was sent, or came.
    pub time: Time,
    /// Which way.
    pub direction: EntryDirection,
    /// Its type.
    pub kind: MessageType,
    /// The HTTP status that it was answered with; nothing while there is no answer, or where none came.
    pub status: Option<u16>,
    /// What is to be said of it.
    pub note: Option<String>,
    /// Its session description, candidates included.
    pub sdp: Option<Sdp>,
    /// The state of the call before it and after it.
    pub states: (CallState, CallState),
}

/// The entries of a call. Of a long one the first half and the newest are kept.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    entries: Vec<Entry>,
    /// How many there were.
    count: u64,
    sdp_bytes: usize,
}

impl Transcript {
    /// The entries, in their order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many entries were left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.count - self.entries.len() as u64
    }

    /// Bytes of its session descriptions.
    pub(crate) const fn sdp_bytes(&self) -> usize {
        self.sdp_bytes
    }

    /// Adds an entry; answers its number. Session descriptions beyond the bound are left out.
    pub(crate) fn push(&mut self, mut entry: Entry) -> u64 {
        let number = self.count;
        self.count += 1;
        entry.number = number;
        if let Some(sdp) = &entry.sdp {
            if self.sdp_bytes + sdp.as_str().len() > limit::TRANSCRIPT_SDP_BYTES {
                entry.sdp = None;
            } else {
                self.sdp_bytes += sdp.as_str().len();
            }
        }
        if self.entries.len() >= limit::TRANSCRIPT_ENTRIES {
            let left_out = self.entries.remove(limit::TRANSCRIPT_ENTRIES / 2);
            self.sdp_bytes -= left_out.sdp.map_or(0, |sdp| sdp.as_str().len());
        }
        self.entries.push(entry);
        number
    }

    pub(crate) fn entry(&mut self, number: u64) -> Option<&mut Entry> {
        let place = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        self.entries.get_mut(place)
    }

    /// The newest entry of the cloud.
    pub(crate) fn last_received(&mut self) -> Option<&mut Entry> {
        self.entries.iter_mut().rev().find(|entry| entry.direction == EntryDirection::FromCloud)
    }

    /// The newest entry of this type that came from the cloud.
    pub(crate) fn last_received_of(&mut self, kind: MessageType) -> Option<&mut Entry> {
        let received =
            |entry: &&mut Entry| entry.direction == EntryDirection::FromCloud && entry.kind == kind;
        self.entries.iter_mut().rev().find(received)
    }

    /// The newest entry of this type that went to the skill.
    pub(crate) fn last_sent(&mut self, kind: MessageType) -> Option<&mut Entry> {
        let sent = |entry: &&mut Entry| entry.direction == EntryDirection::ToSkill && entry.kind == kind;
        self.entries.iter_mut().rev().find(sent)
    }
}

impl Entry {
    /// Adds to what is said of it.
    pub(crate) fn add_note(&mut self, note: &str) {
        match &mut self.note {
            Some(said) => {
                said.push(' ');
                said.push_str(note);
            }
            said => *said = Some(note.to_owned()),
        }
    }
}
