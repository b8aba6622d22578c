//! The limits that reject something, by the names that metrics have for them.

/// A limit that rejected a request or a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// A client's rate.
    Rate,
    /// Requests in flight.
    InFlight,
    /// Requests that wait for their bodies, or until the client has read other responses.
    Bodies,
    /// Responses that were not read.
    Unread,
    /// The quota of an organization.
    Quota,
    /// Open connections.
    Connections,
    /// Open connections of one origin.
    ConnectionsOfOrigin,
    /// Logins that failed.
    Guesses,
    /// Imports that are uploaded, planned or applied.
    Imports,
    /// Open streams of changes.
    ChangeStreams,
}

impl Limit {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::InFlight => "in_flight",
            Self::Bodies => "bodies",
            Self::Unread => "unread",
            Self::Quota => "quota",
            Self::Connections => "connections",
            Self::ConnectionsOfOrigin => "connections_per_address",
            Self::Guesses => "guesses",
            Self::Imports => "imports",
            Self::ChangeStreams => "change_streams",
        }
    }
}
