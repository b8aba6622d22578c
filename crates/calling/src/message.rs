//! The messages of a call, as skill, cloud and service exchange them.

mod participant;
mod read;
mod result;

use std::fmt;

use serde_json::{Map, Value, json};

pub use self::participant::{AddressType, Participant};
pub use self::read::Signal;
pub use self::result::{CallResult, code};
use crate::sdp::Sdp;

/// What every `type` of a message begins with.
const PREFIX: &str = "Alexa.Comms.CallSignaling.";

/// A message of a call, valid by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The device calls an endpoint.
    InitiateOutboundCall {
        /// The caller and the called.
        participants: Vec<Participant>,
        /// The offer of the device.
        offer: Sdp,
    },
    /// An endpoint calls a device.
    InitiateInboundCall {
        /// The caller and the called.
        participants: Vec<Participant>,
        /// The offer of the endpoint.
        offer: Sdp,
        /// The name that the device shows.
        caller_name: Option<String>,
    },
    /// The called rings.
    CallRinging,
    /// The ringing was taken.
    CallRingingAck,
    /// The called answers early.
    CallInProgress(Sdp),
    /// The early answer was taken.
    CallInProgressAck,
    /// The called has answered.
    CallAccepted(Sdp),
    /// The answer was taken.
    CallAcceptedAck,
    /// One side offers other media.
    CallUpdate(Sdp, RenegotiationType),
    /// The other side's answer to that.
    CallUpdateResponse(Sdp, RenegotiationType),
    /// That answer was taken.
    CallUpdateAck,
    /// The call is over.
    CallEnded(CallResult),
}

/// The `type` of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageType {
    /// The device calls an endpoint.
    InitiateOutboundCall,
    /// An endpoint calls a device.
    InitiateInboundCall,
    /// The called rings.
    CallRinging,
    /// The ringing was taken.
    CallRingingAck,
    /// The called answers early.
    CallInProgress,
    /// The early answer was taken.
    CallInProgressAck,
    /// The called has answered.
    CallAccepted,
    /// The answer was taken.
    CallAcceptedAck,
    /// One side offers other media.
    CallUpdate,
    /// The other side's answer to that.
    CallUpdateResponse,
    /// That answer was taken.
    CallUpdateAck,
    /// The call is over.
    CallEnded,
}

/// What a renegotiation is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RenegotiationType {
    /// Other media.
    #[default]
    Update,
    /// The call is put on hold.
    Hold,
    /// The call goes on.
    Resume,
}

impl MessageType {
    /// Every type, in the order of a call.
    pub const ALL: [Self; 12] = [
        Self::InitiateOutboundCall,
        Self::InitiateInboundCall,
        Self::CallRinging,
        Self::CallRingingAck,
        Self::CallInProgress,
        Self::CallInProgressAck,
        Self::CallAccepted,
        Self::CallAcceptedAck,
        Self::CallUpdate,
        Self::CallUpdateResponse,
        Self::CallUpdateAck,
        Self::CallEnded,
    ];

    /// The name of the message within its interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InitiateOutboundCall => "InitiateOutboundCall",
            Self::InitiateInboundCall => "InitiateInboundCall",
            Self::CallRinging => "CallRinging",
            Self::CallRingingAck => "CallRingingAck",
            Self::CallInProgress => "CallInProgress",
            Self::CallInProgressAck => "CallInProgressAck",
            Self::CallAccepted => "CallAccepted",
            Self::CallAcceptedAck => "CallAcceptedAck",
            Self::CallUpdate => "CallUpdate",
            Self::CallUpdateResponse => "CallUpdateResponse",
            Self::CallUpdateAck => "CallUpdateAck",
            Self::CallEnded => "CallEnded",
        }
    }

    /// The type as it stands on the wire.
    #[must_use]
    pub fn to_wire(self) -> String {
        format!("{PREFIX}{}", self.name())
    }

    /// The type that stands so on the wire.
    #[must_use]
    pub fn from_wire(text: &str) -> Option<Self> {
        let name = text.strip_prefix(PREFIX)?;
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl RenegotiationType {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Update, Self::Hold, Self::Resume];

    /// The word that stands on the wire.
    #[must_use]
    pub const fn to_wire(self) -> &'static str {
        match self {
            Self::Update => "CALL_UPDATE",
            Self::Hold => "CALL_HOLD",
            Self::Resume => "CALL_RESUME",
        }
    }

    /// The one that stands so on the wire.
    #[must_use]
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.to_wire() == text)
    }
}

impl Message {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> MessageType {
        match self {
            Self::InitiateOutboundCall { .. } => MessageType::InitiateOutboundCall,
            Self::InitiateInboundCall { .. } => MessageType::InitiateInboundCall,
            Self::CallRinging => MessageType::CallRinging,
            Self::CallRingingAck => MessageType::CallRingingAck,
            Self::CallInProgress(_) => MessageType::CallInProgress,
            Self::CallInProgressAck => MessageType::CallInProgressAck,
            Self::CallAccepted(_) => MessageType::CallAccepted,
            Self::CallAcceptedAck => MessageType::CallAcceptedAck,
            Self::CallUpdate(..) => MessageType::CallUpdate,
            Self::CallUpdateResponse(..) => MessageType::CallUpdateResponse,
            Self::CallUpdateAck => MessageType::CallUpdateAck,
            Self::CallEnded(_) => MessageType::CallEnded,
        }
    }

    /// The session description that it brings.
    #[must_use]
    pub const fn sdp(&self) -> Option<&Sdp> {
        match self {
            Self::InitiateOutboundCall { offer: sdp, .. }
            | Self::InitiateInboundCall { offer: sdp, .. }
            | Self::CallInProgress(sdp)
            | Self::CallAccepted(sdp)
            | Self::CallUpdate(sdp, _)
            | Self::CallUpdateResponse(sdp, _) => Some(sdp),
            _ => None,
        }
    }

    /// Whether its session description is an offer; otherwise an answer.
    const fn offers(&self) -> bool {
        matches!(
            self,
            Self::InitiateOutboundCall { .. } | Self::InitiateInboundCall { .. } | Self::CallUpdate(..)
        )
    }

    /// The fields beside `type` and `sessionId`.
    #[must_use]
    pub fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        if let Some(sdp) = self.sdp() {
            let kind = if self.offers() { "OFFER" } else { "ANSWER" };
            put("sdpDetails", json!({ "type": kind, "value": sdp.as_str() }));
        }
        match self {
            Self::InitiateOutboundCall { participants, .. } => {
                put("participants", participants.iter().map(Participant::to_json).collect());
            }
            Self::InitiateInboundCall { participants, caller_name, .. } => {
                put("participants", participants.iter().map(Participant::to_json).collect());
                if let Some(name) = caller_name {
                    put("customParams", json!({ "callerName": name }));
                }
            }
            Self::CallUpdate(_, kind) | Self::CallUpdateResponse(_, kind) => {
                put("renegotiationType", kind.to_wire().into());
            }
            Self::CallEnded(result) => {
                put("callResult", result.to_json());
            }
            _ => {}
        }
        fields
    }
}

#[cfg(test)]
mod tests;
