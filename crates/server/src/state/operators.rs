//! What operators have under way, and what is still to be told of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Acts;

/// What operators have under way, and what is still to be told of them.
#[derive(Debug, Default)]
pub(crate) struct Operators {
    pub(crate) acts: Acts,
    pub(crate) restore: OneAtATime,
    pub(crate) verification: OneAtATime,
}

/// Something of which one runs at a time.
#[derive(Debug, Default)]
pub(crate) struct OneAtATime(Arc<AtomicBool>);

/// Says that it is under way, until dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<AtomicBool>);

impl OneAtATime {
    /// Begins, unless one is under way.
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
