//! Running actions of operators, and those that the change record does not have yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Acts;

/// Running actions of operators, and those that the change record does not have yet.
#[derive(Debug, Default)]
pub(crate) struct Operators {
    pub(crate) acts: Acts,
    pub(crate) restore: OneAtATime,
    pub(crate) verification: OneAtATime,
}

/// An action that runs once at a time.
#[derive(Debug, Default)]
pub(crate) struct OneAtATime(Arc<AtomicBool>);

/// Marks the action as running, until dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<AtomicBool>);

impl OneAtATime {
    /// Begins, unless one is running.
    pub(crate) fn begin(&self) -> Option<UnderWay> {
        let was_under_way = self.0.swap(true, Ordering::AcqRel);
        (!was_under_way).then(|| UnderWay(Arc::clone(&self.0)))
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
