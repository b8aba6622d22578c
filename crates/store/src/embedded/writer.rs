//! The one thread that writes: it groups what has queued into commits, and brings the store back after a failure.
//!
//! While a commit is on its way to the disk, writes queue; the next commit takes them all. Nothing waits for a
//! timer. A write is answered, whatever its outcome, after the commit of its group is on stable storage, for its
//! outcome may rest on a write of the same group.
//!
//! A commit that fails ends the engine's ability to write. Readers go on with the last view, writes are refused
//! at once, and from time to time the thread looks whether the directory takes files again. Then it closes the
//! engine, cuts what the failed commit left off the journals, and opens the engine again.
//!
//! What this cannot help: a commit whose bytes are all in the journal while the disk fails to sync them, and a
//! process that is killed before it could cut them off. The next start may then find a write that was refused.
//!
//! A panic on the thread is a failure like others: who waits for an answer learns that nobody knows, and the engine is
//! opened again.

mod failure;
mod idle;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Runtime};
use tokio::sync::{mpsc, oneshot};

use self::failure::Failure;
use super::codec::corrupt;
use super::directory::Directory;
use super::engine::describe;
use super::filling::{Begun, Filling, LoadCheckpoint};
use super::group::{Commit, Group};
use super::layout::{Key, Space};
use super::queue::{Message, PendingWrite};
use super::recent::Recent;
use super::token::{Token, Tokens};
use super::view::View;
use super::{CLOSED, LOADING, Shared};
use crate::{CommitReport, LoadStart, RootKey, StoreError, StoreOptions};

/// Most writes of one commit. It bounds how long a write waits for others of its group.
const GROUP_MAX: usize = 1_024;
/// For so many, which most commits have at most, memory is taken once.
const GROUP_MOSTLY: usize = 64;
/// How long after the engine was opened again it is not closed for the sake of a single group.
const RETRY_PAUSE: Duration = Duration::from_secs(10);
pub(super) struct Writer {
    shared: Arc<Shared>,
    queue: mpsc::Receiver<Message>,
    directory: Directory,
    options: StoreOptions,
    /// What the newest commits left in the rows of their changes.
    recent: Recent,
    tokens: Tokens,
    /// For waiting with a time limit.
    runtime: Runtime,
    /// Where those run who wait for answers, if the store was opened there.
    callers: Option<Handle>,
    failure: Option<Failure>,
    /// The commit that is being stored.
    under_way: Option<Token>,
    /// When the engine was opened again after a failure.
    reopened: Option<Instant>,
    /// Where to go on removing what resets left; see `reset`.
    sweep: Option<Key>,
    /// The last association that the walk through the files gave to the row cache; nothing when it is at its end.
    walk: Option<Key>,
    /// A message that was taken from the queue too early.
    held: Option<Message>,
    load: LoadState,
}

/// Whether somebody fills the store. No write is taken then.
enum LoadState {
    No,
    /// Interrupted: somebody has to go on.
    Interrupted(LoadCheckpoint),
    UnderWay,
}

impl Writer {
    /// Starts the thread. `shared` has the view of the open engine.
    pub(super) fn start(
        shared: Arc<Shared>,
        directory: Directory,
        queue: mpsc::Receiver<Message>,
        options: StoreOptions,
        recent: Recent,
        interrupted: Option<LoadCheckpoint>,
    ) -> std::io::Result<()> {
        if interrupted.is_some() {
            shared.set_failure(Some(LOADING.to_owned()));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let writer = Self {
            shared,
            queue,
            directory,
            options,
            recent,
            tokens: Tokens::new(),
            runtime,
            callers: Handle::try_current().ok(),
            failure: None,
            under_way: None,
            reopened: None,
            // A process that ended early may have left something.
            sweep: Some(Key::default()),
            walk: Some(Key::default()),
            held: None,
            load: interrupted.map_or(LoadState::No, LoadState::Interrupted),
        };
        std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || writer.run())?;
        Ok(())
    }

    fn run(mut self) {
        let closing = loop {
            match catch_unwind(AssertUnwindSafe(|| self.serve())) {
                Ok(closing) => break closing,
                Err(_) => self.give_up(),
            }
        };
        self.close();
        if let Some(done) = closing {
            // The receiver may have been dropped.
            let _ = done.send(());
        }
    }

    /// Works until the store is to be closed, and answers who wants to hear of it.
    fn serve(&mut self) -> Option<oneshot::Sender<()>> {
        loop {
            let first = match self.receive()? {
                Message::Write(first) => first,
                Message::Load(start, reply) => {
                    let _ = reply.send(self.begin_load(*start));
                    continue;
                }
                Message::Loaded(root_key, reply) => {
                    let _ = reply.send(self.end_load(root_key));
                    continue;
                }
                Message::Close(done) => return Some(done),
            };
            let mut group = Vec::with_capacity(GROUP_MOSTLY);
            group.push(first);
            let closing = self.gather(&mut group);
            self.write(group);
            if closing.is_some() {
                return closing;
            }
        }
    }

    /// Takes what has queued. Threads that are about to queue a write as well, most often of a client that has just
    /// been answered, may only be waiting to be scheduled: they get this CPU first, and again as long as that brings
    /// more.
    fn gather(&mut self, group: &mut Vec<Box<dyn PendingWrite>>) -> Option<oneshot::Sender<()>> {
        loop {
            std::thread::yield_now();
            let before = group.len();
            while group.len() < GROUP_MAX {
                match self.queue.try_recv() {
                    Ok(Message::Write(next)) => group.push(next),
                    Ok(Message::Close(done)) => return Some(done),
                    Ok(load) => {
                        self.held = Some(load);
                        return None;
                    }
                    Err(_) => break,
                }
            }
            if group.len() == before || group.len() == GROUP_MAX {
                return None;
            }
        }
    }

    /// The next message. While the store has failed, the times between are used to bring it back.
    fn receive(&mut self) -> Option<Message> {
        loop {
            if let Some(held) = self.held.take() {
                return Some(held);
            }
            if self.has_idle_work() {
                match self.queue.try_recv() {
                    Err(_) => self.work_while_idle(),
                    Ok(message) => return Some(message),
                }
                continue;
            }
            let Some(failure) = &self.failure else { return self.queue.blocking_recv() };
            let retry_at = failure.retry_at;
            let queue = &mut self.queue;
            let waited =
                self.runtime.block_on(async { tokio::time::timeout_at(retry_at, queue.recv()).await });
            match waited {
                Ok(message) => return message,
                Err(_) => self.retry(),
            }
        }
    }

    /// Decides the writes of a group, stores them and answers.
    fn write(&mut self, mut group: Vec<Box<dyn PendingWrite>>) {
        if !matches!(self.load, LoadState::No) {
            return refuse(group, LOADING);
        }
        if self.failure.is_none()
            && let Some(view) = self.shared.view.load_full()
            && let Err(error) = view.engine().check()
        {
            // A background failure before this group: nothing of it was tried, so it may wait for one attempt. But
            // an engine that fails as often as it is opened would keep readers waiting.
            self.fail(describe(&error), None, view.state.token);
            drop(view);
            if self.reopened.is_none_or(|at| at.elapsed() > RETRY_PAUSE) {
                self.retry();
            }
        }
        let view = match (&self.failure, self.shared.view.load_full()) {
            (None, Some(view)) => view,
            (failure, _) => {
                return refuse(group, failure.as_ref().map_or(CLOSED, |failure| &failure.cause));
            }
        };
        let size = group.len();
        let mut decided = Group::new(&view, &self.shared.row_cache, size);
        for write in &mut group {
            write.decide(&mut decided);
        }
        if decided.is_reset() {
            self.sweep = Some(Key::default());
        }
        let error = match decided.into_commit(self.tokens.next(), &self.recent) {
            None => None,
            Some(commit) => self.commit(&view, commit, size).err(),
        };
        drop(view);
        let answer_all = move || group.into_iter().for_each(|write| write.answer(error.clone()));
        match &self.callers {
            // From out here each answer would wake a thread of theirs by system calls; from in there, one does.
            Some(callers) if size > 1 => drop(callers.spawn(async move { answer_all() })),
            _ => answer_all(),
        }
    }

    /// Decides whether the store can be filled. From then on who fills it is the only one who commits.
    fn begin_load(&mut self, start: LoadStart) -> Result<Begun, StoreError> {
        let unavailable = |cause: &str| StoreError::Unavailable { cause: cause.to_owned() };
        let Some(view) = self.shared.view.load_full().filter(|_| self.failure.is_none()) else {
            return Err(unavailable(CLOSED));
        };
        let checkpoint = match &self.load {
            LoadState::UnderWay => return Err(unavailable(LOADING)),
            LoadState::Interrupted(checkpoint) if checkpoint.source != start.source => {
                return Ok(Begun::Another(checkpoint.source.clone()));
            }
            LoadState::Interrupted(checkpoint) => Some(checkpoint.clone()),
            LoadState::No if view.state.last_change > 0 || self.shared.loaded_key.get().is_some() => {
                return Ok(Begun::NotEmpty);
            }
            LoadState::No => None,
        };
        let filling = Filling::begin(&view, start, checkpoint)?;
        self.shared.set_failure(Some(LOADING.to_owned()));
        self.load = LoadState::UnderWay;
        Ok(Begun::Filling(Box::new(filling)))
    }

    /// Shows what the store was filled with.
    fn end_load(&mut self, root_key: Option<RootKey>) -> Result<(), StoreError> {
        let before = self.shared.view.load_full();
        let before = before.ok_or_else(|| StoreError::Unavailable { cause: CLOSED.to_owned() })?;
        let loaded = View::load(before.engine().clone(), self.shared.row_cache.forget())?;
        let (view, recent) = loaded.ok_or_else(|| corrupt("state", &"missing"))?;
        self.recent = recent;
        if let Some(root_key) = root_key {
            // A store is filled once.
            let _ = self.shared.loaded_key.set(root_key);
        }
        self.shared.publish(view);
        self.shared.set_failure(None);
        self.load = LoadState::No;
        self.sweep = Some(Key::default());
        self.walk = Some(Key::default());
        Ok(())
    }

    fn commit(&mut self, view: &View, commit: Commit, group_size: usize) -> Result<(), StoreError> {
        let Commit { first, rows, counted, counts, registry, state } = commit;
        let started = Instant::now();
        let associations = rows.of(Space::Association).iter();
        let associations = associations.map(|(key, value)| (key.as_ref(), value.as_deref()));
        let number = self.shared.row_cache.change(associations);
        self.under_way = Some(state.token);
        let stored = view.engine().commit(std::iter::once(first).chain(rows.into_rows()));
        let latency = started.elapsed();
        let outcome = match stored {
            Ok(()) => {
                self.recent.add(counted);
                self.shared.publish(view.next(number, counts, registry, state));
                Ok(())
            }
            Err(error) => {
                let cause = describe(&error);
                self.fail(cause.clone(), Some(state.token), view.state.token);
                Err(StoreError::Unavailable { cause })
            }
        };
        if let Some(on_commit) = &self.options.on_commit {
            on_commit(CommitReport { group_size, latency, succeeded: outcome.is_ok() });
        }
        self.under_way = None;
        outcome
    }

    fn close(mut self) {
        self.queue.close();
        self.shared.set_failure(Some(CLOSED.to_owned()));
        while let Ok(message) = self.queue.try_recv() {
            match message {
                Message::Write(write) => refuse(vec![write], CLOSED),
                Message::Close(done) => {
                    let _ = done.send(());
                }
                // Who asked learns it from the end of the reply.
                Message::Load(..) | Message::Loaded(..) => {}
            }
        }
        self.shared.end();
        let settled =
            self.failure.is_none() && self.shared.open_view().is_some_and(|view| view.engine().settle());
        let closed = self.let_go();
        if settled
            && closed.is_ok()
            && let Err(error) = self.directory.empty_journals()
        {
            tracing::warn!(%error, "the journals could not be emptied: the next start reads them");
        }
        if let Some(Failure { failed_commit: Some(token), .. }) = &self.failure {
            // Closing wrote what the engine still had in its buffers.
            let cut = closed
                .and_then(|()| self.directory.cut_from_journals(token).map_err(|error| error.to_string()));
            if let Err(cause) = cut {
                tracing::error!(
                    cause,
                    "a write that was answered as failed may be there after the next start"
                );
            }
        }
    }
}

/// Answers writes that nothing was tried of.
fn refuse(group: Vec<Box<dyn PendingWrite>>, cause: &str) {
    for write in group {
        write.answer(Some(StoreError::Unavailable { cause: cause.to_owned() }));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::conformance::Embedded;
    use crate::conformance::world::{World, write};
    use crate::embedded::EmbeddedStore;
    use crate::{AssociationStore as _, CreateOutcome, Store as _};

    /// Creates until the store takes it.
    async fn create(store: &EmbeddedStore, world: &World, id: &str) {
        for _ in 0..2_000 {
            match store.create_association(write(world.providers[0], id, "one")).await {
                Ok(outcome) => return assert_eq!(outcome, CreateOutcome::Created),
                Err(StoreError::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the store does not come back");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_bug_of_the_writer_takes_its_group_and_nothing_else() {
        let adapter = Embedded::in_memory();
        let world = World::new(&adapter).await;
        world.store.close().await;
        let bug_after_commit = Arc::new(AtomicBool::new(false));
        let bug = Arc::clone(&bug_after_commit);
        let on_commit: Arc<dyn Fn(CommitReport) + Send + Sync> =
            Arc::new(move |_| assert!(!bug.swap(false, Ordering::Relaxed), "a bug after the commit"));
        let options = StoreOptions { on_commit: Some(on_commit), ..StoreOptions::default() };
        let store = EmbeddedStore::open(adapter.dir(), options).await.unwrap();
        create(&store, &world, "before").await;
        for round in 0..2 {
            let lost = store.write(|_| -> Result<(), StoreError> { panic!("a bug") }).await;
            assert!(matches!(lost, Err(StoreError::InDoubt { .. })), "{lost:?}");
            create(&store, &world, &format!("after {round}")).await;
            store.check().await.unwrap();
        }
        bug_after_commit.store(true, Ordering::Relaxed);
        let lost = store.create_association(write(world.providers[0], "in doubt", "one")).await;
        assert!(matches!(lost, Err(StoreError::InDoubt { .. })), "{lost:?}");
        create(&store, &world, "last").await;
        // Nobody knew, but readers had seen it.
        assert_eq!(store.count_associations(world.providers[0]).await.unwrap(), 5);
        store.close().await;
        let store = EmbeddedStore::open(adapter.dir(), StoreOptions::default()).await.unwrap();
        assert_eq!(store.count_associations(world.providers[0]).await.unwrap(), 5);
        store.close().await;
    }
}
