//! How far a call is, and who began it.

/// Who called whom, seen from the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The device calls an endpoint.
    Outbound,
    /// An endpoint calls the device.
    Inbound,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

impl Direction {
    /// The word that stands on the wire.
    #[must_use]
    pub const fn to_wire(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}
