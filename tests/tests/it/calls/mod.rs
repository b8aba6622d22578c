//! Calls: skills, signaling, and the device of the server.

pub(crate) mod certificates;
pub(crate) mod device;
pub(crate) mod example;
mod faults;
mod first_call;
mod hosted;
pub(crate) mod integration;
mod media;
mod signaling;
mod skills;
