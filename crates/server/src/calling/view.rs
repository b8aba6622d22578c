//! Calls as operators see them.

use std::time::{Duration, UNIX_EPOCH};

use jackfield_calling::{Entry, EntryDirection, Session, Time};
use jackfield_model::AmazonId;
use jackfield_model::admin::{Call, CallList, CallResult, MessageDirection, TranscriptEntry};

use crate::calls::{CallKey, Line};
use crate::media::Media;
use crate::state::State;

/// A call with its transcript; nothing when it is forgotten.
pub(crate) fn call(state: &State, key: &CallKey) -> Option<Call> {
    state.calls.table().with(&key.organization, &key.id, |session, line| {
        let transcript = session.transcript();
        let left_out = Some(transcript.left_out()).filter(|left_out| *left_out > 0);
        let entries = transcript.entries().iter().map(entry).collect();
        Call { transcript: Some(entries), left_out, ..summary(session, line) }
    })
}

/// The newest calls; of one device, where a profile is named.
pub(crate) fn list(state: &State, limit: usize, profile: Option<&AmazonId>) -> CallList {
    let table = state.calls.table();
    let wanted =
        table.newest_first().filter(|(_, line)| profile.is_none_or(|profile| line.profile == *profile));
    CallList { items: wanted.take(limit).map(|(session, line)| summary(session, line)).collect() }
}

fn summary(session: &Session, line: &Line) -> Call {
    let parties = session.parties();
    Call {
        session_id: session.id().to_string(),
        direction: session.direction(),
        state: session.state(),
        result: session
            .result()
            .map(|result| CallResult { code: result.code.clone(), message: result.message.clone() }),
        from: parties.from.clone(),
        to: parties.to.clone(),
        caller_name: parties.caller_name.clone(),
        skill_id: parties.skill.clone(),
        profile_id: line.profile.clone(),
        started: text(session.started()),
        ended: session.ended().map(text),
        version: *line.changed.borrow(),
        media: line.media.as_ref().map(Media::measured).or(line.measured),
        transcript: None,
        left_out: None,
    }
}

fn entry(entry: &Entry) -> TranscriptEntry {
    TranscriptEntry {
        number: entry.number,
        time: text(entry.time),
        direction: match entry.direction {
            EntryDirection::ToSkill => MessageDirection::ToSkill,
            EntryDirection::FromCloud => MessageDirection::FromCloud,
        },
        kind: entry.kind.to_wire(),
        status: entry.status,
        note: entry.note.clone(),
        state_before: entry.states.0,
        state: entry.states.1,
        sdp: entry.sdp.as_ref().map(|sdp| sdp.as_str().to_owned()),
    }
}

fn text(time: Time) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(time.0)).to_string()
}
