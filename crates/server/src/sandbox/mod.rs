//! Tools for integrators: the request log, fault rules, the token clock, seeded ids, the reset.

pub(crate) mod clock;
pub(crate) mod fault;
pub(crate) mod ids;
pub(crate) mod request_log;
pub(crate) mod reset_lock;
