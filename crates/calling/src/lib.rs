//! Calls between the device of a communication profile and an endpoint of a provider's network.
//!
//! Pure code: it reads and writes messages, decides what each one means in a session, and keeps the transcripts. It knows
//! no network, no clock and no store; the time is handed in, and what is to be done is handed out ([`Effect`]). Names and
//! order are those of the `Alexa.Comms.CallSignaling` interface; `docs/contract.md` says what is ours.

mod description;
mod envelope;
mod message;
mod sdp;
mod session;
mod session_id;
mod state;
mod table;
mod time;
mod transcript;

pub use description::SilentDevice;
pub use envelope::{Addressed, envelope, grant_request, skill_request};
pub use message::{
    AddressType, CallResult, Message, MessageType, Participant, RenegotiationType, Signal, code,
};
pub use sdp::{InvalidSdp, Sdp};
pub use session::{Delivery, DeviceEvent, Effect, Parties, Refusal, Session};
pub use session_id::{InvalidSessionId, SessionId};
pub use state::{CallState, Direction};
pub use table::{Full, Table};
pub use time::Time;
pub use transcript::{Entry, EntryDirection, Transcript};
