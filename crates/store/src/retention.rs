//! How long the change record is kept, also when the clock was wrong for a while.
//!
//! The order of changes is their sequence; a time is what the system's clock showed. Changes are forgotten from the
//! oldest on, up to the first one that is not old. A clock that was ahead leaves changes whose time has not come yet: it
//! says nothing about their age, so they go together with the first change behind them that is old. A clock that was
//! behind leaves changes that look old: they stay until everything before them has gone.

use std::time::{Duration, Instant};

use crate::change::{ChangeFilter, Timestamp};
use crate::{Store, StoreError};

/// Changes that are looked at, and forgotten, at once: clients' writes get their turn between.
const BATCH: usize = 1_000;

/// How far ahead of what is expected a clock has to be to be doubted, and for how long it is.
const DOUBTED: Duration = Duration::from_secs(60 * 60);

/// The time that retention goes by: what the system's clock shows, but a jump ahead counts only when it has lasted. A clock
/// that is wrong for some minutes would make everything old, and what is forgotten does not come back.
#[derive(Debug)]
pub struct RetentionClock {
    /// When it was last believed, by a clock that does not jump, and what it showed.
    believed: (Instant, Timestamp),
    doubted: Option<Instant>,
}

impl RetentionClock {
    /// A clock that shows this now.
    #[must_use]
    pub const fn new(at: Instant, shown: Timestamp) -> Self {
        Self { believed: (at, shown), doubted: None }
    }

    /// The time to go by when the system's clock shows this.
    pub fn look(&mut self, at: Instant, shown: Timestamp) -> Timestamp {
        let (since, believed) = self.believed;
        let passed = at.saturating_duration_since(since);
        let expected = Timestamp(believed.0.saturating_add(millis(passed)));
        let jumped = shown.0 > expected.0.saturating_add(millis(DOUBTED));
        if jumped && at.saturating_duration_since(*self.doubted.get_or_insert(at)) < DOUBTED {
            return expected;
        }
        self.believed = (at, shown);
        self.doubted = None;
        shown
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

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
        let before = Timestamp(now.0.saturating_sub(millis(self.span)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_ahead_counts_when_it_has_lasted() {
        const HOUR: u64 = 60 * 60;
        const NOW: u64 = 1_800_000_000;
        let start = Instant::now();
        let mut clock = RetentionClock::new(start, Timestamp(NOW * 1_000));
        let mut look = |after: u64, shown: u64| {
            let at = start + Duration::from_secs(after);
            clock.look(at, Timestamp(shown * 1_000)).0 / 1_000
        };
        assert_eq!(look(60, NOW + 60), NOW + 60);
        assert_eq!(look(120, NOW + HOUR), NOW + HOUR, "a step that clocks make");
        assert_eq!(look(180, NOW + 9_000 * HOUR), NOW + HOUR + 60);
        assert_eq!(look(240, NOW + 240), NOW + 240, "right again, also behind");
        assert_eq!(look(300, NOW + 9_000 * HOUR), NOW + 300);
        assert_eq!(look(299 + HOUR, NOW + 9_001 * HOUR), NOW + 299 + HOUR);
        assert_eq!(look(300 + HOUR, NOW + 9_001 * HOUR), NOW + 9_001 * HOUR, "it seems to be right");
        assert_eq!(look(360 + HOUR, NOW + 9_001 * HOUR + 60), NOW + 9_001 * HOUR + 60);
    }
}
