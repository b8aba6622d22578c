//! Connections: the peer, its time limits, and the responses that it has not read yet.

pub(crate) mod deadline;
pub(crate) mod exchange;
pub(crate) mod outbox;
pub(crate) mod peer;
pub(crate) mod stream;
pub(crate) mod visits;
