//! Connections as the rest sees them: who is at the other end, how long they may take, what they have not read yet.

pub(crate) mod deadline;
pub(crate) mod exchange;
pub(crate) mod outbox;
pub(crate) mod peer;
pub(crate) mod stream;
pub(crate) mod visits;
