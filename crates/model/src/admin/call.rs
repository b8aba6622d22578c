//! Calls of virtual devices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TimeSpan;
use crate::{AmazonId, ServiceProviderId, SkillId, limit};

/// Who called whom, seen from the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum CallDirection {
    /// The device calls an endpoint.
    Outbound,
    /// An endpoint calls the device.
    Inbound,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum CallState {
    /// The called was not reached yet.
    Initiated,
    /// The called rings.
    Ringing,
    /// The called has answered early.
    InProgress,
    /// The called has answered.
    Accepted,
    /// It is over.
    Ended,
}

/// Which way a message of a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum MessageDirection {
    /// From this service to the skill.
    ToSkill,
    /// From the integrator's cloud to this service.
    FromCloud,
}

/// A call to begin: a device calls an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("examples" = [{
    "from": "amzn1.alexa.communications.profile.did.room-101",
    "to": "front-desk",
}]))]
pub struct NewCall {
    /// The communication profile whose device calls.
    pub from: AmazonId,
    /// The endpoint: its `externalUserId`, or the id of a contact that names one.
    #[schemars(length(min = 1, max = limit::EXTERNAL_USER_ID_CHARS))]
    pub to: String,
    /// The service provider of the endpoint; absent, the one of the organization that has a network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_provider_id: Option<ServiceProviderId>,
    /// The offer of the caller, who then has the media; absent, the device makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limit::SDP_BYTES))]
    pub sdp: Option<String>,
    /// Whether the device sends and measures media, where it made the offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<bool>,
}

/// How a device answers a call that rings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerCall {
    /// The answer; absent, the device makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limit::SDP_BYTES))]
    pub sdp: Option<String>,
}

/// How a device renegotiates a call, or answers a renegotiation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateCall {
    /// The offer or the answer; absent, the device makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limit::SDP_BYTES))]
    pub sdp: Option<String>,
    /// What it is for; `CALL_UPDATE` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["CALL_UPDATE", "CALL_HOLD", "CALL_RESUME"]))]
    pub renegotiation_type: Option<String>,
}

/// How a device hangs up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HangUp {
    /// The code of the result; `SUCCESS` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limit::RESULT_CODE_CHARS))]
    pub code: Option<String>,
    /// The message of the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limit::CALL_TEXT_CHARS))]
    pub message: Option<String>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CallResult {
    /// Why, for programs.
    pub code: String,
    /// Why, for people.
    pub message: String,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Its id.
    pub session_id: String,
    /// Who called whom.
    pub direction: CallDirection,
    /// How far it is.
    pub state: CallState,
    /// How it ended; null before.
    #[schemars(extend("nullable" = true))]
    pub result: Option<CallResult>,
    /// Who called.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// The name that the caller shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_name: Option<String>,
    /// The skill that carries it; null where none was found.
    #[schemars(extend("nullable" = true))]
    pub skill_id: Option<SkillId>,
    /// The communication profile whose device takes part.
    pub profile_id: AmazonId,
    /// When it began, RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub started: String,
    /// When it ended; absent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub ended: Option<String>,
    /// Grows with each change of the call; to wait for the next one.
    pub version: u64,
    /// What the device sent and got; null where it has no media.
    #[schemars(extend("nullable" = true))]
    pub media: Option<CallMedia>,
    /// What was said, in order; left out in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Vec<TranscriptEntry>>,
    /// Entries that were left out of a long transcript; absent where none were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<u64>,
}

/// What a device sent and got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallMedia {
    /// Whether a path to the endpoint was found and secured.
    pub connected: bool,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets that came.
    pub packets_received: u64,
    /// RTP packets that should have come and did not, as their sequence numbers tell.
    pub packets_lost: u64,
    /// How much their times of arrival vary, in milliseconds (RFC 3550).
    pub jitter_ms: f64,
    /// The frequency that was heard in the last whole second, in hertz; null where it was silent, or not of G.711.
    #[schemars(extend("nullable" = true))]
    pub frequency_hz: Option<f64>,
}

/// A message of a call, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptEntry {
    /// Its number in the call, from 0; numbers are missing where a long transcript has gaps.
    pub number: u64,
    /// When it was sent, or came: RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// Which way it went.
    pub direction: MessageDirection,
    /// Its type, for example `Alexa.Comms.CallSignaling.CallRinging`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status that it was answered with; null while there is no answer, or where none came.
    #[schemars(extend("nullable" = true))]
    pub status: Option<u16>,
    /// What is to be said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The state of the call before it.
    pub state_before: CallState,
    /// The state of the call after it.
    pub state: CallState,
    /// Its session description, with the candidates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdp: Option<String>,
}

/// The calls that are kept, newest first, without their transcripts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallList {
    /// The calls.
    pub items: Vec<Call>,
}

/// What the device of a profile does about a call that comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceRule {
    /// What it does.
    pub on_call: OnCall,
    /// How long it rings before: seconds, or a span of time; at once when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<TimeSpan>,
}

/// What a device does about a call that comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum OnCall {
    /// It answers.
    Accept,
    /// It declines.
    Decline,
    /// It rings until somebody answers by hand.
    #[default]
    Ring,
}

impl CallDirection {
    /// The word that stands on the wire.
    #[must_use]
    pub const fn to_wire(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

impl CallState {
    /// Every state, in the order of a call.
    pub const ALL: [Self; 5] =
        [Self::Initiated, Self::Ringing, Self::InProgress, Self::Accepted, Self::Ended];

    /// The word that stands on the wire.
    #[must_use]
    pub const fn to_wire(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in_progress",
            Self::Accepted => "accepted",
            Self::Ended => "ended",
        }
    }
}

impl std::str::FromStr for CallState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.to_wire() == text);
        found.ok_or_else(|| format!("must be one of {}", Self::ALL.map(Self::to_wire).join(", ")))
    }
}
