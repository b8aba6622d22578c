//! The requests that wait for a body, oldest first.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::transport::peer::Origin;

/// Requests that wait for their bodies, within a limit for each origin and one for all.
#[derive(Debug)]
pub(super) struct Awaited {
    most: usize,
    most_of_origin: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// The number of the next one. Numbers go up, so that the smallest is the oldest.
    next: u64,
    all: BTreeMap<u64, (Origin, Arc<Notify>)>,
    origins: HashMap<Origin, BTreeSet<u64>>,
}

impl Queue {
    fn remove(&mut self, number: u64) -> Option<Arc<Notify>> {
        let (origin, told) = self.all.remove(&number)?;
        if let Some(of_origin) = self.origins.get_mut(&origin) {
            of_origin.remove(&number);
            if of_origin.is_empty() {
                self.origins.remove(&origin);
            }
        }
        Some(told)
    }
}

impl Awaited {
    pub(super) fn new(most: usize, most_of_origin: usize) -> Self {
        Self { most, most_of_origin, queue: Mutex::default() }
    }

    /// Waits as one of an origin; the oldest is refused where that is one too many.
    pub(super) fn join(&self, origin: Origin) -> Waiting<'_> {
        let told = Arc::new(Notify::new());
        let mut queue = self.queue();
        let number = queue.next;
        queue.next += 1;
        queue.all.insert(number, (origin, Arc::clone(&told)));
        let of_origin = queue.origins.entry(origin).or_default();
        of_origin.insert(number);
        let too_old = if of_origin.len() > self.most_of_origin {
            of_origin.first().copied()
        } else if queue.all.len() > self.most {
            queue.all.keys().next().copied()
        } else {
            None
        };
        if let Some(oldest) = too_old.and_then(|number| queue.remove(number)) {
            oldest.notify_one();
        }
        Waiting { awaited: self, number, told }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing that is done under the lock can panic half-way.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits, until it is dropped.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    awaited: &'a Awaited,
    number: u64,
    told: Arc<Notify>,
}

impl Waiting<'_> {
    /// Done when it has to make room.
    pub(super) async fn given_up(&self) {
        self.told.notified().await;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.awaited.queue().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use futures_util::FutureExt;

    use super::*;
    use crate::transport::peer::Peer;

    fn origin(last: u8) -> Origin {
        Peer::at(SocketAddr::from(([192, 0, 2, last], 1)), false).origin()
    }

    fn given_up(waiting: &[Waiting<'_>]) -> Vec<usize> {
        let mut all = Vec::new();
        for (n, one) in waiting.iter().enumerate() {
            if one.given_up().now_or_never().is_some() {
                all.push(n);
            }
        }
        all
    }

    #[test]
    fn the_oldest_of_an_origin_makes_room_for_its_next() {
        let awaited = Awaited::new(100, 2);
        let mut waiting = vec![awaited.join(origin(1)), awaited.join(origin(2)), awaited.join(origin(1))];
        assert!(given_up(&waiting).is_empty(), "at the bound");
        waiting.push(awaited.join(origin(1)));
        assert_eq!(given_up(&waiting), [0]);
        // Who goes by itself leaves room.
        drop(waiting.remove(2));
        waiting.push(awaited.join(origin(1)));
        assert!(given_up(&waiting).is_empty());
    }

    #[test]
    fn the_oldest_of_all_makes_room_when_there_are_too_many() {
        let awaited = Awaited::new(3, 2);
        let waiting: Vec<_> = (0..5).map(|n| awaited.join(origin(n))).collect();
        assert_eq!(given_up(&waiting), [0, 1]);
        drop(waiting);
        let queue = awaited.queue();
        assert!(queue.all.is_empty() && queue.origins.is_empty(), "who is gone is forgotten");
    }
}
