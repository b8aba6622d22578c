//! How long the change record is kept, also when the clock was wrong for a while.
//!
//! The order of changes is their sequence; a time is what the system's clock showed. Changes are forgotten from the
//! oldest on, up to the first one that is not old. A clock that was ahead leaves changes whose time has not come yet: it
//! says nothing about their age, so they go together with the first change behind them that is old. A clock that was
//! behind leaves changes that look old: they stay until everything before them has gone.

use std::time::Duration;

use crate::change::{ChangeFilter, Timestamp};
use crate::{Store, StoreError};

/// Changes that are looked at, and forgotten, at once: clients' writes get their turn between.
const BATCH: usize = 1_000;

/// Forgets changes that are older than a span, as often as it is asked to.
#[derive(Debug)]
pub struct Retention {
    span: Duration,
    /// Every change up to this sequence number was found old or ahead of its time, so that it is not looked at again.
    seen: u64,
}

impl Retention {
    /// Keeps changes for this long.
    #[must_use]
    pub const fn new(span: Duration) -> Self {
        Self { span, seen: 0 }
    }

    /// Forgets what is older than the span at the moment `now`. Answers how many changes went.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or written; what was forgotten until then stays so.
    pub async fn apply(&mut self, store: &dyn Store, now: Timestamp) -> Result<usize, StoreError> {
        let span = u64::try_from(self.span.as_millis()).unwrap_or(u64::MAX);
        let before = Timestamp(now.0.saturating_sub(span));
        let mut forgotten = 0;
        loop {
            let filter = ChangeFilter { provider: None, after: self.seen, limit: BATCH };
            let page = store.list_changes(&filter).await?;
            let mut old_to = None;
            let mut seen = self.seen;
            for change in &page.changes {
                if change.time < before {
                    old_to = Some(change.sequence);
                } else if change.time <= now {
                    break;
                }
                seen = change.sequence;
            }
            if let Some(old_to) = old_to {
                forgotten += trim(store, old_to).await?;
            }
            self.seen = seen;
            if seen != page.next_after || !page.more {
                return Ok(forgotten);
            }
        }
    }
}

/// Forgets all changes up to this one.
async fn trim(store: &dyn Store, through: u64) -> Result<usize, StoreError> {
    let mut forgotten = 0;
    loop {
        let count = store.trim_changes(through, BATCH).await?;
        forgotten += count;
        if count < BATCH {
            return Ok(forgotten);
        }
    }
}
