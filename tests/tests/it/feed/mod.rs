//! The change feed: as a stream of events, and to webhooks.

pub(crate) mod events;
pub(crate) mod receiver;
pub(crate) mod stream;
mod survival;
pub(crate) mod webhook;
