//! What the writer does while nobody writes: it removes what resets left, and gives the associations to the row cache.

use tokio::sync::oneshot;

use super::super::layout::{Key, Space};
use super::super::queue::Write;
use super::{LoadState, Writer};

/// Associations that one commit removes after a reset, so that clients' writes get their turn between.
const SWEEP_MAX: usize = 1_024;
/// Associations that are given to the row cache at once: a write that comes meanwhile waits for some 0.1 ms.
const WALK_MAX: usize = 256;

impl Writer {
    /// Whether something is left to do when nobody writes.
    pub(super) const fn has_idle_work(&self) -> bool {
        self.failure.is_none()
            && matches!(self.load, LoadState::No)
            && (self.sweep.is_some() || self.walk.is_some())
    }

    pub(super) fn work_while_idle(&mut self) {
        if let Some(from) = self.sweep.take() {
            self.sweep = self.swept(from);
        } else if let Some(after) = self.walk.take() {
            self.walk = self.walked(after);
        }
    }

    /// Gives some associations to the row cache; answers after which to go on.
    fn walked(&self, after: Key) -> Option<Key> {
        let view = self.shared.open_view()?;
        let cache = &self.shared.row_cache;
        let (mut last, mut count) = (None, 0);
        for row in view.rows(Space::Association, &[], Some(after)).take(WALK_MAX) {
            // Whoever needs the row gets to know the error.
            let (key, value) = row.ok()?;
            if !cache.fill(view.number, &key, &value) {
                return None;
            }
            count += 1;
            last = Some(key);
        }
        if count < WALK_MAX {
            cache.filled();
            return None;
        }
        last
    }

    /// Removes a part of what resets left; answers where to go on. After a failure the rest waits for the next start.
    fn swept(&mut self, from: Key) -> Option<Key> {
        let (reply, mut next) = oneshot::channel();
        self.write(vec![Box::new(Write::new(move |group| group.sweep(&from, SWEEP_MAX), reply))]);
        next.try_recv().ok()?.ok()?
    }
}
