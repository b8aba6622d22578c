//! The change feed: who waits for changes, which of them they want, and how a change is shown and sent.
//!
//! One task looks whether there is something new, for all who wait and only while somebody does. A write never waits for a
//! reader, and knows of none.

pub(crate) mod cloud_event;
mod live;
mod shown;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use jackfield_model::limit;
use jackfield_store::{Change, ChangeFilter, Store, StoreError};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use uuid::Uuid;

use self::live::Live;
pub(crate) use self::shown::shown;
pub(crate) use self::wanted::Wanted;

/// Between two looks for something new, while somebody waits.
const LOOK: Duration = Duration::from_millis(100);

/// The feed of a server.
#[derive(Debug)]
pub(crate) struct Feed {
    pulse: watch::Sender<Pulse>,
    /// Tells the task that looks that somebody waits.
    asked: Notify,
    streams: Arc<Semaphore>,
    /// How far the webhooks have got that this node delivers to.
    pub(crate) live: Live,
    /// Tells this node from others that share the store.
    pub(crate) node: Uuid,
}

/// What those who wait are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pulse {
    /// A sequence number that rises with every change.
    newest: u64,
    /// Whether the server ends.
    closed: bool,
}

/// Somebody who waits for changes.
#[derive(Debug)]
pub(crate) struct Listening(watch::Receiver<Pulse>);

/// Changes after a place, and how far the reading got.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) changes: Vec<Change>,
    /// Where the next reading begins.
    pub(crate) next_after: u64,
    /// Whether changes follow that were not looked at.
    pub(crate) more: bool,
    /// Changes up to this one were forgotten before anybody read them here; nothing where none was.
    pub(crate) lost_through: Option<u64>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            pulse: watch::Sender::default(),
            asked: Notify::new(),
            streams: Arc::new(Semaphore::new(limit::CHANGE_STREAMS)),
            live: Live::default(),
            node: Uuid::new_v4(),
        }
    }
}

impl Feed {
    /// Waits for changes from now on.
    pub(crate) fn listen(&self) -> Listening {
        let listening = Listening(self.pulse.subscribe());
        self.asked.notify_one();
        listening
    }

    /// A place among the open streams, if there is one.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// Streams that are open.
    pub(crate) fn open_streams(&self) -> usize {
        limit::CHANGE_STREAMS - self.streams.available_permits()
    }

    /// Tells all who wait that the server ends.
    pub(crate) fn close(&self) {
        self.pulse.send_modify(|pulse| pulse.closed = true);
    }

    /// Looks for changes as long as somebody waits for some. It does not end.
    pub(crate) async fn look(&self, store: &dyn Store) {
        loop {
            if self.pulse.receiver_count() == 0 {
                self.asked.notified().await;
            }
            // A store that cannot be read has nothing new to say.
            if let Ok(span) = store.change_span().await {
                self.pulse.send_if_modified(|pulse| {
                    let news = pulse.newest != span.newest;
                    pulse.newest = span.newest;
                    news
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Listening {
    /// Whether the server goes on. What is told from now on is news.
    pub(crate) fn goes_on(&mut self) -> bool {
        !self.0.borrow_and_update().closed
    }

    /// Waits for news, or until so much time has passed.
    pub(crate) async fn wait(&mut self, patience: Duration) {
        // The sender lives as long as the server.
        let _ = tokio::time::timeout(patience, self.0.changed()).await;
    }
}

/// Reads changes after a place.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub(crate) async fn read(store: &dyn Store, filter: &ChangeFilter) -> Result<Read, StoreError> {
    let page = store.list_changes(filter).await?;
    let first = page.changes.first().map(|change| change.sequence);
    let mut lost_through = None;
    // Where the next number is there, none before it is missing.
    if first != filter.after.checked_add(1) {
        let forgotten = store.change_span().await?.forgotten;
        // What was read before it was forgotten is not lost.
        let lost = filter.after < forgotten && first.is_none_or(|first| first > forgotten);
        lost_through = lost.then_some(forgotten);
    }
    let next_after = page.next_after.max(lost_through.unwrap_or_default());
    Ok(Read { changes: page.changes, next_after, more: page.more, lost_through })
}
