//! Calls, and what the server asks of skills: the vendor's part between a device and the cloud of an integrator.

mod acts;
mod blocking;
mod device;
mod driver;
mod effects;
mod outbound;
mod request;
mod signaling;
mod to_skill;
mod view;

pub(crate) use acts::{answer, hang_up, update};
pub(crate) use device::span;
pub(crate) use driver::{Wanted, find, wait};
pub(crate) use outbound::start;
pub(crate) use request::{grant, ping};
pub(crate) use signaling::signal;
pub(crate) use view::{call, list};
