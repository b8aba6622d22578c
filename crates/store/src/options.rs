//! What a store is told when it is opened.

use std::fmt;
use std::sync::Arc;

/// What is told to a store when it is opened.
#[derive(Clone, Default)]
pub struct StoreOptions {
    /// Called after each commit of a group of writes, on the thread that commits.
    pub on_commit: Option<Arc<dyn Fn(CommitReport) + Send + Sync>>,
    /// Opens also a store whose load was interrupted. All it takes is [`Store::load`](crate::Store::load) then.
    pub unfinished: bool,
    /// Opens also a directory that others than its owner can read, for file systems without modes.
    pub allow_readable: bool,
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("on_commit", &self.on_commit.is_some())
            .field("unfinished", &self.unfinished)
            .field("allow_readable", &self.allow_readable)
            .finish()
    }
}

/// One commit of a group of writes, reported to [`StoreOptions::on_commit`].
#[derive(Clone, Copy, Debug)]
pub struct CommitReport {
    /// Writes in the group.
    pub group_size: usize,
    /// From the start of the commit until it was on stable storage.
    pub latency: std::time::Duration,
    /// Whether it succeeded.
    pub succeeded: bool,
}
