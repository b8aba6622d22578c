//! The threads on which the requests of a run are made.

use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Threads of one run at most: decision 16. Answers come in groups, as the server stores what it takes, and each one
/// waits for those before it on its thread.
const MOST: usize = 2;

/// Threads, each with a runtime of its own, so that none has to wake another one for an answer. When this is dropped
/// they end, what runs there with them, and are waited for: no connection of theirs is left to be used.
pub(super) struct Threads {
    handles: Vec<Handle>,
    threads: Vec<Thread>,
}

/// A thread that runs until `end` is dropped.
struct Thread {
    end: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Threads {
    /// As many as the machine and so many connections can make use of. Where one is enough, and where no thread is to
    /// be had, it is the caller's own runtime.
    pub(super) fn start(connections: usize) -> Self {
        let count = thread::available_parallelism().map_or(1, usize::from).min(connections).min(MOST);
        let mut threads = Self { handles: Vec::new(), threads: Vec::new() };
        while count > 1 && threads.threads.len() < count && threads.add().is_ok() {}
        if threads.handles.is_empty() {
            threads.handles.push(Handle::current());
        }
        threads
    }

    /// The runtime of the `n`th connection.
    pub(super) fn of(&self, n: usize) -> &Handle {
        &self.handles[n % self.handles.len()]
    }

    fn add(&mut self) -> std::io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let running = thread::Builder::new().name("sync".to_owned()).spawn(move || {
            // Nothing is sent: it ends when the sender is gone.
            let _ = runtime.block_on(ended);
            // Without a wait for a name that is still being looked up.
            runtime.shutdown_background();
        })?;
        self.handles.push(handle);
        self.threads.push(Thread { end, running });
        Ok(())
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        for Thread { end, running } in self.threads.drain(..) {
            drop(end);
            // It cannot have panicked: what runs there is spawned.
            let _ = running.join();
        }
    }
}
