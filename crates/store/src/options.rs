//! What a store is told when it is opened.

use std::fmt;
use std::sync::Arc;

/// What is told to a store when it is opened.
#[derive(Clone)]
pub struct StoreOptions {
    /// Called after each commit of a group of writes, on the thread that commits.
    pub on_commit: Option<Arc<dyn Fn(CommitReport) + Send + Sync>>,
    /// Opens also a store whose load was interrupted. All it takes is [`Store::load`](crate::Store::load) then.
    pub unfinished: bool,
    /// Opens also a directory that others than its owner can read, for file systems without modes.
    pub allow_readable: bool,
    /// Bytes that rows and blocks of an embedded store's files may take in memory.
    pub cache_bytes: u64,
}

impl StoreOptions {
    /// What rows and blocks may take where nothing else is said: enough for whoever reads a store from one end to the
    /// other.
    pub const CACHE_BYTES: u64 = 32 * 1024 * 1024;
    /// The most that blocks take. More gains little while the kernel has the files in memory.
    const BLOCK_BYTES_MAX: u64 = 256 * 1024 * 1024;

    /// What blocks of files may take.
    pub(crate) const fn block_bytes(&self) -> u64 {
        let quarter = self.cache_bytes / 4;
        if quarter < Self::BLOCK_BYTES_MAX { quarter } else { Self::BLOCK_BYTES_MAX }
    }

    /// What rows of associations may take.
    pub(crate) const fn row_bytes(&self) -> u64 {
        self.cache_bytes - self.block_bytes()
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { on_commit: None, unfinished: false, allow_readable: false, cache_bytes: Self::CACHE_BYTES }
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("on_commit", &self.on_commit.is_some())
            .field("unfinished", &self.unfinished)
            .field("allow_readable", &self.allow_readable)
            .field("cache_bytes", &self.cache_bytes)
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
