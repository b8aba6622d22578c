//! The change feed: as a stream of events, and to webhooks.

mod events;
mod receiver;
mod stream;
mod survival;
mod webhook;
