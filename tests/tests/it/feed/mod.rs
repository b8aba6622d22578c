//! The change feed: as a stream of events, and to webhooks.

mod events;
pub(crate) mod receiver;
mod stream;
mod survival;
pub(crate) mod webhook;
