//! Keeps requests and resets apart: each request sees all of what was there before a reset, or all of what is there since.
//!
//! A request that reads the store and the memory of this process more than once holds a read guard. A reset waits
//! until all guards are released, and allows no new ones until everything is in place. A request that was admitted
//! before a reset and gets its guard after it is admitted again.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Keeps requests and resets apart.
#[derive(Debug, Default)]
pub(crate) struct ResetLock {
    allowed: bool,
    lock: RwLock<()>,
    count: AtomicU64,
}

/// Held by the one reset that is under way.
#[derive(Debug)]
pub(crate) struct ResetGuard<'a> {
    count: &'a AtomicU64,
    _guard: RwLockWriteGuard<'a, ()>,
}

impl ResetLock {
    /// A lock for a server that may be reset, or not.
    pub(crate) fn new(allowed: bool) -> Self {
        Self { allowed, ..Self::default() }
    }

    pub(crate) const fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// How many resets there were.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// While this is held there is no reset. Costs nothing where none is allowed.
    pub(crate) async fn read_guard(&self) -> Option<RwLockReadGuard<'_, ()>> {
        if self.allowed { Some(self.lock.read().await) } else { None }
    }

    /// While this is held no request has a read guard.
    pub(crate) async fn write_guard(&self) -> ResetGuard<'_> {
        ResetGuard { _guard: self.lock.write().await, count: &self.count }
    }
}

impl ResetGuard<'_> {
    /// Counts the reset, once the store has changed.
    pub(crate) fn count(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }
}
