//! Calls: skills, signaling, and the device of the server.

mod device;
mod integration;
mod signaling;
mod skills;
