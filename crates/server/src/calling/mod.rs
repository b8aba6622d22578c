//! Calls, and what the server asks of skills: the vendor's part between a device and the cloud of an integrator.

mod acts;
mod device;
mod driver;
mod outbound;
mod request;
mod signaling;
mod view;

pub(crate) use acts::{answer, hang_up, update};
pub(crate) use device::span;
pub(crate) use driver::{TO_SKILL, Wanted, find, wait};
pub(crate) use outbound::start;
pub(crate) use request::{grant, ping};
pub(crate) use signaling::signal;
pub(crate) use view::{call, list};
