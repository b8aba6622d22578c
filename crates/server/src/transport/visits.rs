//! The open connections of a listener. When there is no place for the next one, the one that has been idle longest is
//! shut down: a client that holds unused connections cannot keep others out. All of them end in order when the server stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::transport::deadline::Deadlines;

/// A connection that has been idle for less is left alone: it may be between two requests.
pub(crate) const IDLE_LEAST: Duration = Duration::from_secs(1);

/// Connections on which HTTP is spoken.
#[derive(Debug, Default)]
pub(crate) struct Visits(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// Whether the server stops.
    stopping: bool,
    connections: HashMap<u64, Deadlines>,
}

/// A registered connection, until dropped.
#[derive(Debug)]
pub(crate) struct Known {
    visits: Arc<Visits>,
    number: u64,
}

impl Visits {
    /// Registers a connection. One that comes when the server stops already is told so.
    pub(crate) fn note(self: &Arc<Self>, connection: Deadlines) -> Known {
        let mut open = self.open();
        if open.stopping {
            connection.stop();
        }
        let number = open.next;
        open.next += 1;
        open.connections.insert(number, connection);
        Known { visits: Arc::clone(self), number }
    }

    /// Shuts down the connection that has been idle longest, if for [`IDLE_LEAST`]; returns whether there was one.
    pub(crate) fn make_room(&self) -> bool {
        let open = self.open();
        let idle =
            open.connections.values().filter_map(|connection| Some((connection.idle_for()?, connection)));
        match idle.max_by_key(|(idle, _)| *idle) {
            Some((idle, connection)) if idle >= IDLE_LEAST => {
                connection.tell_to_end();
                true
            }
            _ => false,
        }
    }

    /// Has all of them, and those to come, finish what is under way and end.
    pub(crate) fn stop(&self) {
        let mut open = self.open();
        open.stopping = true;
        open.connections.values().for_each(Deadlines::stop);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing that is done under the lock can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.visits.open().connections.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::exchange::Exchange;

    fn connection() -> Deadlines {
        let long = Duration::from_secs(60);
        Deadlines::new(long, long, Arc::default())
    }

    #[tokio::test(start_paused = true)]
    async fn the_one_that_is_idle_longest_makes_room() {
        let visits = Arc::new(Visits::default());
        let busy = connection();
        let _request = Exchange::begin(&busy, true);
        let _busy = visits.note(busy.clone());
        tokio::time::advance(Duration::from_secs(10)).await;
        let (first, second) = (connection(), connection());
        let (first_known, _second) = (visits.note(first.clone()), visits.note(second.clone()));
        assert!(!visits.make_room(), "they may be about to send something");
        tokio::time::advance(IDLE_LEAST).await;
        // One that was used is idle since then.
        drop(Exchange::begin(&first, true));
        assert!(visits.make_room());
        assert!(second.is_told() && !first.is_told() && !busy.is_told());
        assert!(!visits.make_room(), "the same is not told twice");
        tokio::time::advance(IDLE_LEAST).await;
        drop(first_known);
        assert!(!visits.make_room(), "who is gone is forgotten");
    }
}
