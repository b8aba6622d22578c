//! Reads what a cloud sends: one flat object with `type`, `sessionId` and the fields of the type.

use jackfield_model::json::{InvalidRequest, Object};
use jackfield_model::limit;

use super::participant::{Participant, bounded};
use super::result::CallResult;
use super::{AddressType, Message, MessageType, PREFIX, RenegotiationType};
use crate::sdp::Sdp;
use crate::session_id::SessionId;

/// A message of a cloud, and the call that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The call.
    pub session_id: SessionId,
    /// The message.
    pub message: Message,
}

impl Signal {
    /// Reads the body of a request. Properties that the type does not have are ignored.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        let object = Object::parse(body)?;
        let kind = object.text("type")?;
        let kind = MessageType::from_wire(kind).ok_or_else(|| unknown_type(kind))?;
        let session_id = SessionId::new(object.text("sessionId")?)
            .map_err(|error| InvalidRequest(format!("sessionId {error}.")))?;
        Ok(Self { session_id, message: read(kind, &object)? })
    }
}

fn unknown_type(found: &str) -> InvalidRequest {
    if MessageType::ALL.iter().any(|known| known.name() == found) {
        return InvalidRequest(format!("type must have its full name: \"{PREFIX}{found}\"."));
    }
    let sent = MessageType::ALL.iter().filter(|kind| **kind != MessageType::InitiateOutboundCall);
    let names: Vec<&str> = sent.map(|kind| kind.name()).collect();
    InvalidRequest(format!("type must be \"{PREFIX}\" and one of {}.", names.join(", ")))
}

fn read(kind: MessageType, object: &Object<'_>) -> Result<Message, InvalidRequest> {
    let offer = || sdp(object, "OFFER");
    let answer = || sdp(object, "ANSWER");
    Ok(match kind {
        MessageType::InitiateOutboundCall => {
            return Err(InvalidRequest(format!(
                "type is \"{PREFIX}InitiateOutboundCall\", which is sent to skills; a cloud sends InitiateInboundCall."
            )));
        }
        MessageType::InitiateInboundCall => {
            let participants = Participant::read_all(object)?;
            check_called(&participants)?;
            Message::InitiateInboundCall { participants, offer: offer()?, caller_name: caller_name(object)? }
        }
        MessageType::CallRinging => Message::CallRinging,
        MessageType::CallRingingAck => Message::CallRingingAck,
        MessageType::CallInProgress => Message::CallInProgress(answer()?),
        MessageType::CallInProgressAck => Message::CallInProgressAck,
        MessageType::CallAccepted => Message::CallAccepted(answer()?),
        MessageType::CallAcceptedAck => Message::CallAcceptedAck,
        MessageType::CallUpdate => Message::CallUpdate(offer()?, renegotiation(object)?),
        MessageType::CallUpdateResponse => Message::CallUpdateResponse(answer()?, renegotiation(object)?),
        MessageType::CallUpdateAck => Message::CallUpdateAck,
        MessageType::CallEnded => Message::CallEnded(object.object("callResult", CallResult::read)?),
    })
}

/// The called is looked up in the directory, which knows addresses of the provider's network.
fn check_called(participants: &[Participant]) -> Result<(), InvalidRequest> {
    let called = participants.iter().position(|participant| !participant.is_originator);
    let by_profile = |place: usize| participants[place].address_type == AddressType::CommunicationProfileId;
    match called {
        Some(place) if by_profile(place) => Err(InvalidRequest(format!(
            "participants[{place}].id.type must be RAW_ADDRESS: the called is looked up by its externalUserId."
        ))),
        _ => Ok(()),
    }
}

fn sdp(object: &Object<'_>, expected: &str) -> Result<Sdp, InvalidRequest> {
    object.object("sdpDetails", |details| {
        if details.text("type")? != expected {
            return Err(InvalidRequest(format!("type must be \"{expected}\" here.")));
        }
        Sdp::new(details.text("value")?).map_err(|error| InvalidRequest(format!("value {error}.")))
    })
}

/// Absent, it is an update: older clients send none.
fn renegotiation(object: &Object<'_>) -> Result<RenegotiationType, InvalidRequest> {
    if object.get("renegotiationType")?.is_none() {
        return Ok(RenegotiationType::default());
    }
    RenegotiationType::from_wire(object.text("renegotiationType")?).ok_or_else(|| {
        let all = RenegotiationType::ALL.map(RenegotiationType::to_wire).join(", ");
        InvalidRequest(format!("renegotiationType must be one of {all}."))
    })
}

fn caller_name(object: &Object<'_>) -> Result<Option<String>, InvalidRequest> {
    if object.get("customParams")?.is_none() {
        return Ok(None);
    }
    object.object("customParams", |params| match params.get("callerName")? {
        None => Ok(None),
        Some(_) => bounded(params, "callerName", limit::CALL_TEXT_CHARS).map(Some),
    })
}
