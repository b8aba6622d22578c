//! Calls: skills, signaling, and the device of the server.

mod device;
mod example;
mod integration;
mod media;
mod signaling;
mod skills;
