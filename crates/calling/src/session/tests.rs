use jackfield_model::{OrganizationId, limit};

use super::{CallState, Delivery, DeviceEvent, Direction, Effect, Parties, Refusal, Session};
use crate::message::{AddressType, CallResult, Message, MessageType, Participant, RenegotiationType, code};
use crate::sdp::Sdp;
use crate::session_id::SessionId;
use crate::time::Time;
use crate::transcript::EntryDirection;

const START: Time = Time(1_000);

fn sdp(number: u8) -> Sdp {
    Sdp::new(&format!("v=0\r\no=- {number} 0 IN IP4 127.0.0.1\r\n")).unwrap()
}

fn participants() -> Vec<Participant> {
    let party = |value: &str, is_originator| Participant {
        address_type: AddressType::RawAddress,
        value: value.to_owned(),
        is_originator,
    };
    vec![party("a", true), party("b", false)]
}

fn begin(direction: Direction) -> Session {
    let (id, organization) =
        (SessionId::new("s").unwrap(), OrganizationId::new("amzn1.alexa.unit.did.o").unwrap());
    let parties = Parties { from: "a".to_owned(), to: "b".to_owned(), caller_name: None, skill: None };
    let (participants, offer) = (participants(), sdp(0));
    let (session, effects) = match direction {
        Direction::Outbound => {
            let message = Message::InitiateOutboundCall { participants, offer };
            Session::outbound(id, organization, parties, message, START)
        }
        Direction::Inbound => {
            let message = Message::InitiateInboundCall { participants, offer, caller_name: None };
            Session::inbound(id, organization, parties, &message, START)
        }
    };
    assert_eq!(effects.len(), 1);
    session
}

/// What effects come to, as words.
fn words(effects: &[Effect]) -> Vec<String> {
    let word = |effect: &Effect| match effect {
        Effect::Send { message, .. } => message.kind().to_string(),
        Effect::Device(event) => match event {
            DeviceEvent::Rings => "rings".to_owned(),
            DeviceEvent::Answered(_) => "answered".to_owned(),
            DeviceEvent::Offered(..) => "offered".to_owned(),
            DeviceEvent::UpdateAnswered(_) => "update answered".to_owned(),
            DeviceEvent::Ended => "ended".to_owned(),
        },
    };
    effects.iter().map(word).collect()
}

fn take(session: &mut Session, message: &Message) -> Vec<String> {
    words(&session.from_cloud(message, START).unwrap_or_else(|refusal| panic!("{refusal}")))
}

/// A call of this direction in this state; in order, with every acknowledgement.
fn in_state(direction: Direction, state: CallState) -> Session {
    let mut session = begin(direction);
    let end = |session: &mut Session| drop(session.hang_up(CallResult::new(code::SUCCESS, ""), START));
    match (direction, state) {
        (_, CallState::Initiated) => {}
        (_, CallState::Ended) => end(&mut session),
        (Direction::Outbound, _) => {
            let messages =
                [Message::CallRinging, Message::CallInProgress(sdp(1)), Message::CallAccepted(sdp(2))];
            for message in messages.iter().take(state as usize - CallState::Initiated as usize) {
                take(&mut session, message);
            }
        }
        (Direction::Inbound, _) => {
            take(&mut session, &Message::CallRingingAck);
            if state >= CallState::InProgress {
                session.answer_call(sdp(1), START).unwrap();
            }
            if state >= CallState::Accepted {
                take(&mut session, &Message::CallInProgressAck);
                take(&mut session, &Message::CallAcceptedAck);
            }
        }
    }
    session
}

#[test]
fn a_device_calls_an_endpoint_in_the_order_of_the_interface() {
    let mut session = begin(Direction::Outbound);
    assert_eq!(take(&mut session, &Message::CallRinging), ["CallRingingAck"]);
    assert_eq!(session.state(), CallState::Ringing);
    assert_eq!(take(&mut session, &Message::CallInProgress(sdp(1))), ["CallInProgressAck", "answered"]);
    assert_eq!(take(&mut session, &Message::CallAccepted(sdp(1))), ["CallAcceptedAck"]);
    assert_eq!((session.state(), session.answer()), (CallState::Accepted, Some(&sdp(1))));
    let update = Message::CallUpdate(sdp(2), RenegotiationType::Hold);
    assert_eq!(take(&mut session, &update), ["offered"]);
    let responded = session.update(sdp(3), RenegotiationType::Update, START).unwrap();
    assert_eq!(words(&responded), ["CallUpdateResponse"]);
    let Effect::Send { message: Message::CallUpdateResponse(_, kind), .. } = &responded[0] else { panic!() };
    assert_eq!(*kind, RenegotiationType::Hold, "the response is of the kind of the offer");
    assert_eq!(take(&mut session, &Message::CallUpdateAck), [""; 0]);
    let ended = Message::CallEnded(CallResult::new("SUCCESS", "bye"));
    assert_eq!(take(&mut session, &ended), ["ended"]);
    assert_eq!(session.result().unwrap().message, "bye");
    assert_eq!(session.next_deadline(), None);
    let said: Vec<(EntryDirection, MessageType)> =
        session.transcript().entries().iter().map(|entry| (entry.direction, entry.kind)).collect();
    let (to, from) = (EntryDirection::ToSkill, EntryDirection::FromCloud);
    let expected = [
        (to, MessageType::InitiateOutboundCall),
        (from, MessageType::CallRinging),
        (to, MessageType::CallRingingAck),
        (from, MessageType::CallInProgress),
        (to, MessageType::CallInProgressAck),
        (from, MessageType::CallAccepted),
        (to, MessageType::CallAcceptedAck),
        (from, MessageType::CallUpdate),
        (to, MessageType::CallUpdateResponse),
        (from, MessageType::CallUpdateAck),
        (from, MessageType::CallEnded),
    ];
    assert_eq!(said, expected);
    let accepted = &session.transcript().entries()[5];
    assert_eq!(accepted.states, (CallState::InProgress, CallState::Accepted));
    assert_eq!((accepted.status, accepted.sdp.as_ref()), (Some(202), Some(&sdp(1))));
}

#[test]
fn an_endpoint_calls_a_device_in_the_order_of_the_interface() {
    let mut session = begin(Direction::Inbound);
    assert_eq!(session.state(), CallState::Ringing);
    assert_eq!(take(&mut session, &Message::CallRingingAck), ["rings"]);
    assert_eq!(words(&session.answer_call(sdp(1), START).unwrap()), ["CallInProgress"]);
    assert_eq!(session.state(), CallState::InProgress);
    assert_eq!(take(&mut session, &Message::CallInProgressAck), ["CallAccepted"]);
    assert_eq!(session.state(), CallState::Accepted);
    assert_eq!(take(&mut session, &Message::CallAcceptedAck), [""; 0]);
    assert_eq!(words(&session.update(sdp(2), RenegotiationType::Update, START).unwrap()), ["CallUpdate"]);
    let response = Message::CallUpdateResponse(sdp(3), RenegotiationType::Update);
    assert_eq!(take(&mut session, &response), ["CallUpdateAck", "update answered"]);
    let hung_up = session.hang_up(CallResult::new(code::SUCCESS, ""), START).unwrap();
    assert_eq!(words(&hung_up), ["CallEnded", "ended"]);
}

/// Every message in every state of both directions: what is taken, and what is out of order.
#[test]
fn messages_out_of_order_change_nothing_and_are_told_what_would_be_right() {
    use MessageType as Is;
    let all = [
        Message::InitiateOutboundCall { participants: participants(), offer: sdp(9) },
        Message::InitiateInboundCall { participants: participants(), offer: sdp(9), caller_name: None },
        Message::CallRinging,
        Message::CallRingingAck,
        Message::CallInProgress(sdp(9)),
        Message::CallInProgressAck,
        Message::CallAccepted(sdp(9)),
        Message::CallAcceptedAck,
        Message::CallUpdate(sdp(9), RenegotiationType::Update),
        Message::CallUpdateResponse(sdp(9), RenegotiationType::Update),
        Message::CallUpdateAck,
        Message::CallEnded(CallResult::new("SUCCESS", "")),
    ];
    assert_eq!(all.each_ref().map(Message::kind), MessageType::ALL);
    let taken = |direction, state: CallState| -> &[MessageType] {
        match (direction, state) {
            (_, CallState::Ended) => &[],
            (Direction::Outbound, CallState::Initiated) => &[Is::CallRinging, Is::CallEnded],
            (Direction::Outbound, CallState::Ringing) => {
                &[Is::CallRinging, Is::CallInProgress, Is::CallAccepted, Is::CallEnded]
            }
            (Direction::Outbound, CallState::InProgress) => {
                &[Is::CallRinging, Is::CallAccepted, Is::CallEnded]
            }
            (Direction::Outbound, CallState::Accepted) => &[Is::CallRinging, Is::CallUpdate, Is::CallEnded],
            (Direction::Inbound, CallState::Initiated | CallState::Ringing) => {
                &[Is::CallRingingAck, Is::CallEnded]
            }
            (Direction::Inbound, CallState::InProgress) => {
                &[Is::CallRingingAck, Is::CallInProgressAck, Is::CallEnded]
            }
            (Direction::Inbound, CallState::Accepted) => &[
                Is::CallRingingAck,
                Is::CallInProgressAck,
                Is::CallAcceptedAck,
                Is::CallUpdate,
                Is::CallEnded,
            ],
        }
    };
    for direction in [Direction::Outbound, Direction::Inbound] {
        for state in CallState::ALL {
            for message in &all {
                let mut session = in_state(direction, state);
                let (before, bytes) = (session.state(), session.bytes());
                let outcome = session.from_cloud(message, START);
                let expected = taken(direction, state).contains(&message.kind());
                assert_eq!(outcome.is_ok(), expected, "{direction:?} {state:?} {}", message.kind());
                let Err(refusal) = outcome else { continue };
                assert_eq!(session.state(), before);
                match refusal {
                    Refusal::Ended(code) => assert_eq!((state, &*code), (CallState::Ended, "SUCCESS")),
                    Refusal::OutOfOrder { .. } => {
                        let text = refusal.to_string();
                        assert!(text.contains(before.to_wire()) && text.contains("CallEnded"), "{text}");
                        let last = session.transcript().entries().last().unwrap();
                        assert_eq!((last.status, last.note.as_ref()), (Some(400), Some(&text)));
                        let brought = message.sdp().map_or(0, |sdp| sdp.as_str().len());
                        assert_eq!(session.bytes(), bytes + brought, "in the transcript alone");
                    }
                }
            }
        }
    }
    let refused = in_state(Direction::Outbound, CallState::Initiated).from_cloud(&all[6], START).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "CallAccepted is out of order: the call is initiated; CallRinging or CallEnded would be right."
    );
}

#[test]
fn what_is_said_again_is_taken_again_and_changes_nothing() {
    let mut session = in_state(Direction::Outbound, CallState::Accepted);
    assert_eq!(take(&mut session, &Message::CallRinging), ["CallRingingAck"]);
    assert_eq!(take(&mut session, &Message::CallInProgress(sdp(1))), ["CallInProgressAck"]);
    assert_eq!(take(&mut session, &Message::CallAccepted(sdp(2))), ["CallAcceptedAck"]);
    assert!(session.from_cloud(&Message::CallAccepted(sdp(3)), START).is_err(), "another answer");
    assert_eq!(session.state(), CallState::Accepted);
    session.update(sdp(4), RenegotiationType::Update, START).unwrap();
    let response = Message::CallUpdateResponse(sdp(5), RenegotiationType::Update);
    take(&mut session, &response);
    assert_eq!(take(&mut session, &response), ["CallUpdateAck"]);
    for number in 0..100 {
        let acknowledged = take(&mut session, &Message::CallRinging).len();
        assert!(number < limit::WAITING_MESSAGES || acknowledged == 0, "a skill that is behind gets no more");
    }
    let mut session = in_state(Direction::Inbound, CallState::Accepted);
    for ack in [Message::CallRingingAck, Message::CallInProgressAck, Message::CallAcceptedAck] {
        assert_eq!(take(&mut session, &ack), [""; 0]);
    }
    let offer = Message::CallUpdate(sdp(6), RenegotiationType::Update);
    assert_eq!(take(&mut session, &offer), ["offered"]);
    assert_eq!(take(&mut session, &offer), [""; 0]);
    assert!(session.from_cloud(&Message::CallUpdate(sdp(7), RenegotiationType::Update), START).is_err());
    session.update(sdp(8), RenegotiationType::Update, START).unwrap();
    assert!(session.update(sdp(8), RenegotiationType::Update, START).is_err(), "it is answered");
    take(&mut session, &Message::CallUpdateAck);
    assert_eq!(take(&mut session, &Message::CallUpdateAck), [""; 0]);
}

#[test]
fn what_takes_too_long_ends_the_call_or_is_noted() {
    let ends = |mut session: Session, span| {
        let deadline = START.after(span);
        assert_eq!(words(&session.expire(Time(deadline.0 - 1))), [""; 0]);
        let effects = words(&session.expire(deadline));
        (effects, session.result().map(|result| result.code.clone()))
    };
    let timed_out = (vec!["CallEnded".to_owned(), "ended".to_owned()], Some("SESSION_TIMEOUT".to_owned()));
    let outbound = |state| in_state(Direction::Outbound, state);
    assert_eq!(ends(outbound(CallState::Initiated), limit::RINGING_TIMEOUT), timed_out);
    assert_eq!(ends(outbound(CallState::Ringing), limit::ANSWER_TIMEOUT), timed_out);
    assert_eq!(ends(outbound(CallState::InProgress), limit::ANSWER_TIMEOUT), timed_out);
    assert_eq!(ends(outbound(CallState::Accepted), limit::CALL_DURATION), timed_out);
    assert_eq!(ends(in_state(Direction::Inbound, CallState::Ringing), limit::ANSWER_TIMEOUT), timed_out);

    let mut silent = begin(Direction::Inbound);
    assert_eq!(words(&silent.expire(START.after(limit::ACK_TIMEOUT))), ["rings"]);
    let answered = START.after(limit::ACK_TIMEOUT);
    silent.answer_call(sdp(1), answered).unwrap();
    assert_eq!(words(&silent.expire(answered.after(limit::ACK_TIMEOUT))), ["CallAccepted"]);
    assert_eq!(silent.state(), CallState::Accepted);
    let note = silent.transcript().entries()[1].note.as_deref();
    assert_eq!(note, Some("No CallRingingAck came in time."));
    take(&mut silent, &Message::CallRingingAck);

    let mut session = outbound(CallState::Accepted);
    session.update(sdp(4), RenegotiationType::Update, START).unwrap();
    assert!(session.update(sdp(5), RenegotiationType::Update, START).is_err());
    session.expire(START.after(limit::UPDATE_TIMEOUT));
    assert!(session.update(sdp(5), RenegotiationType::Update, START).is_ok(), "another may begin");
}

#[test]
fn a_skill_that_takes_no_message_ends_the_call_and_the_transcript_says_why() {
    for (delivery, code, status) in [
        (Delivery::Refused(500, "The skill answered 500.".to_owned()), code::INTERNAL_ERROR, Some(500)),
        (Delivery::TimedOut("too slow".to_owned()), code::SESSION_TIMEOUT, None),
        (Delivery::Failed("refused".to_owned()), code::INTERNAL_ERROR, None),
    ] {
        let mut session = begin(Direction::Outbound);
        assert_eq!(words(&session.delivered(0, delivery, START)), ["CallEnded", "ended"]);
        assert_eq!(session.result().unwrap().code, code);
        let entry = &session.transcript().entries()[0];
        assert_eq!((entry.status, entry.note.as_ref()), (status, Some(&session.result().unwrap().message)));
        let ended = session.transcript().entries()[1].number;
        assert_eq!(session.delivered(ended, Delivery::Failed("still".to_owned()), START), []);
    }
    let mut session = begin(Direction::Outbound);
    assert_eq!(session.delivered(0, Delivery::Taken(200), START), []);
    assert_eq!(session.transcript().entries()[0].status, Some(200));
}

#[test]
fn a_transcript_is_bounded_and_keeps_beginning_and_end() {
    let mut session = in_state(Direction::Outbound, CallState::Ringing);
    let long = |n: usize| Sdp::new(&format!("v=0\n{n}{}", "a".repeat(20_000))).unwrap();
    for n in 0..1_000 {
        let _ = session.from_cloud(&Message::CallUpdate(long(n), RenegotiationType::Update), START);
    }
    let entries = session.transcript().entries();
    assert_eq!(entries.len(), limit::TRANSCRIPT_ENTRIES);
    assert_eq!(session.transcript().left_out(), 1_003 - limit::TRANSCRIPT_ENTRIES as u64);
    assert_eq!(entries[0].kind, MessageType::InitiateOutboundCall);
    assert_eq!(entries.last().unwrap().number, 1_002);
    assert!(session.bytes() <= limit::TRANSCRIPT_SDP_BYTES + 6 * limit::SDP_BYTES);
}
