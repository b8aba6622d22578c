//! One server for the tests of a process that run at the same time.

use std::sync::{Arc, Mutex, Weak};

use crate::server::{Options, Server};

/// The shared server; it is started when nobody uses one and ends with its last user.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn server() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = match SHARED.lock() {
        Ok(shared) => shared,
        // A start that failed for another test may succeed now.
        Err(poisoned) => poisoned.into_inner(),
    };
    if let Some(server) = shared.upgrade() {
        return server;
    }
    let server = Arc::new(Server::start(Options::default()));
    *shared = Arc::downgrade(&server);
    server
}
