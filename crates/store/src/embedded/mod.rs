//! `embedded:DIR`: files in a directory that one process has to itself.
//!
//! One thread writes, see `writer`; each write is on stable storage before it is answered. Readers run beside
//! it and never wait for a commit: they see the view that the last commit published, which no later one changes.
//! The files are described in `directory` and `layout`.

mod association;
mod change_row;
mod codec;
mod counts;
mod directory;
mod engine;
mod filling;
mod group;
mod integrity;
mod journal;
mod layout;
mod load;
mod privacy;
mod profile;
mod profile_rows;
mod queue;
mod recent;
mod reset;
mod resource;
mod row_cache;
mod snapshot;
mod token;
mod verify;
mod view;
mod writer;

use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use async_trait::async_trait;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

use self::codec::State;
use self::directory::Directory;
use self::engine::{Engine, open_error};
use self::filling::LoadCheckpoint;
use self::group::{Group, state_row};
use self::layout::Space;
use self::load::EmbeddedLoad;
use self::queue::{Message, Write};
use self::row_cache::RowCache;
use self::snapshot::{EmbeddedSnapshot, HeldSnapshots};
use self::view::View;
use self::writer::Writer;
use crate::change::{Backlog, ChangeFilter, ChangePage, ChangeSpan, Origin};
use crate::contract::{
    CacheStats, ChangeStore, Head, LoadOutcome, LoadStart, RegistryStore, Snapshot, Store, StoreStats,
};
use crate::registry::{Registry, RegistryCommand, RegistryOutcome};
use crate::{Content, OpenError, RootKey, StoreError, StoreOptions, step};

/// Writes that may queue; more wait to queue.
const QUEUE_MAX: usize = 4_096;
/// How long a reader waits while the engine is opened again after a failure.
const REOPEN_MAX: Duration = Duration::from_secs(10);

const CLOSED: &str = "the store is closed";
const LOADING: &str = "the store is being filled";

/// The store of `embedded:DIR`.
#[derive(Debug)]
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Message>,
    root_key: RootKey,
    engine_path: std::path::PathBuf,
}

/// What the writer and the readers share.
#[derive(Debug)]
struct Shared {
    /// The store as of the last commit; nothing while the engine is opened again, and after it was closed.
    view: ArcSwapOption<View>,
    /// That of the last view.
    registry: ArcSwap<Registry>,
    row_cache: RowCache,
    /// Why writes are refused.
    failure: ArcSwapOption<String>,
    /// The key that came with what the store was filled with.
    loaded_key: OnceLock<RootKey>,
    /// Views that are held for long, and have to go with the engine.
    held: HeldSnapshots,
    /// Whether there may be a view again: false once the store is closed. Told when a view is there again.
    open: watch::Sender<bool>,
}

/// A view that is there. Short-lived: the engine cannot be closed while a reader has it.
struct OpenView(Guard<Option<Arc<View>>>);

impl OpenView {
    fn into_shared(self) -> Arc<View> {
        Guard::into_inner(self.0).expect("made of a view that is there")
    }
}

impl Deref for OpenView {
    type Target = View;

    fn deref(&self) -> &View {
        self.0.as_ref().expect("made of a view that is there")
    }
}

impl Shared {
    fn new(view: View, row_bytes: u64) -> Self {
        Self {
            registry: ArcSwap::new(Arc::clone(&view.registry)),
            row_cache: RowCache::new(row_bytes),
            view: ArcSwapOption::from_pointee(view),
            failure: ArcSwapOption::empty(),
            loaded_key: OnceLock::new(),
            held: HeldSnapshots::default(),
            open: watch::Sender::new(true),
        }
    }

    fn publish(&self, view: View) {
        let registry = Arc::clone(&view.registry);
        let changed = !Arc::ptr_eq(&registry, &self.registry.load());
        let before = self.view.swap(Some(Arc::new(view)));
        if changed {
            self.registry.store(registry);
        }
        if before.is_none() {
            self.open.send_replace(true);
        }
    }

    /// Takes back a view that could not be let go of.
    fn publish_again(&self, view: Arc<View>) {
        self.view.store(Some(view));
        self.open.send_replace(true);
    }

    fn set_failure(&self, cause: Option<String>) {
        self.failure.store(cause.map(Arc::new));
    }

    /// Wakes waiting readers with an error.
    fn end(&self) {
        self.open.send_replace(false);
    }

    fn open_view(&self) -> Option<OpenView> {
        let view = self.view.load();
        view.is_some().then_some(OpenView(view))
    }

    /// The view to read from; waits while the engine is being opened again.
    async fn view(&self) -> Result<OpenView, StoreError> {
        if let Some(view) = self.open_view() {
            return Ok(view);
        }
        let mut open = self.open.subscribe();
        let wait = async {
            loop {
                if !*open.borrow_and_update() {
                    return Err(unavailable(CLOSED));
                }
                if let Some(view) = self.open_view() {
                    return Ok(view);
                }
                // The sender lives in `self`.
                let _ = open.changed().await;
            }
        };
        let late = |_| Err(unavailable("the store is being opened again after a failure"));
        tokio::time::timeout(REOPEN_MAX, wait).await.unwrap_or_else(late)
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        self.failure.load().as_ref().map_or(Ok(()), |cause| Err(unavailable(cause)))
    }
}

impl EmbeddedStore {
    /// Whether the directory is that of a store, whatever its state.
    #[must_use]
    pub fn is_in(dir: &Path) -> bool {
        Directory::is_marked(dir)
    }

    /// Opens the store in a directory, making it when it is not there.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub async fn open(dir: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        let path = dir.to_owned();
        let opening = tokio::task::spawn_blocking(move || Self::open_blocking(&path, options));
        opening.await.unwrap_or_else(|panic| {
            Err(OpenError::Io { dir: dir.to_owned(), cause: format!("opening it panicked: {panic}") })
        })
    }

    fn open_blocking(path: &Path, options: StoreOptions) -> Result<Self, OpenError> {
        let failed = |cause: String| OpenError::Io { dir: path.to_owned(), cause };
        let damaged = |cause: &str| OpenError::Damaged { dir: path.to_owned(), cause: cause.to_owned() };
        let engine_failed = |error: fjall::Error| open_error(path, &error);
        let unreadable = |error: StoreError| match error {
            StoreError::Corrupt { cause } => damaged(&cause),
            other => failed(other.to_string()),
        };
        let mut directory = Directory::open(path, options.allow_readable)?;
        let view = if directory.is_finished() {
            let engine =
                Engine::open(&directory.engine(), false, options.block_bytes()).map_err(engine_failed)?;
            let view = View::load(engine, 0).map_err(unreadable)?;
            directory.raise().map_err(|error| failed(error.to_string()))?;
            view
        } else {
            directory.clear_unfinished().map_err(|error| failed(error.to_string()))?;
            let engine =
                Engine::open(&directory.engine(), true, options.block_bytes()).map_err(engine_failed)?;
            engine.commit(first_rows()).map_err(engine_failed)?;
            directory.finish().map_err(|error| failed(error.to_string()))?;
            View::load(engine, 0).map_err(unreadable)?
        };
        let (view, recent) = view.ok_or_else(|| damaged("the state of the store is missing"))?;
        let root_key = view.get(Space::Meta, layout::ROOT_KEY).map_err(unreadable)?;
        let root_key = root_key.and_then(|key| <[u8; 32]>::try_from(&*key).ok());
        let root_key = root_key.ok_or_else(|| damaged("the root key of the store is missing"))?;
        let checkpoint = LoadCheckpoint::read(&view).map_err(unreadable)?;
        if let Some(checkpoint) = checkpoint.as_ref().filter(|_| !options.unfinished) {
            return Err(OpenError::unfinished(
                format!("embedded:{}", path.display()),
                checkpoint.source.clone(),
            ));
        }
        let engine_path = directory.engine();
        let shared = Arc::new(Shared::new(view, options.row_bytes()));
        let (queue, receiver) = mpsc::channel(QUEUE_MAX);
        Writer::start(Arc::clone(&shared), directory, receiver, options, recent, checkpoint)
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { shared, queue, root_key: RootKey::new(root_key), engine_path })
    }

    /// Hands a write to the writer, at once. What is returned waits until the write is on stable storage.
    fn write<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&mut Group<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let (reply, answer) = oneshot::channel();
        let queued = self.shared.check_writable().and_then(|()| {
            // There is mostly room, and not to prepare for a wait costs less.
            match self.queue.try_send(Message::Write(Box::new(Write::new(decide, reply)))) {
                Ok(()) => Ok(None),
                Err(TrySendError::Full(write)) => Ok(Some(write)),
                Err(TrySendError::Closed(_)) => Err(unavailable(CLOSED)),
            }
        });
        async move {
            let queued = queued?;
            let _step = step::begin("commit");
            if let Some(write) = queued {
                self.queue.send(write).await.map_err(|_| unavailable(CLOSED))?;
            }
            // It was dropped in a panic, maybe after the commit.
            let lost = |_| Err(StoreError::InDoubt { cause: "the writer of the store gave up".to_owned() });
            answer.await.unwrap_or_else(lost)
        }
    }
}

/// The rows of an empty store.
fn first_rows() -> [engine::Row; 2] {
    let root_key = RootKey::random().as_bytes().into();
    let token = uuid::Uuid::new_v4().into_bytes();
    let state = State { token, first_change: 1, last_change: 0, last_provider: 0 };
    [state_row(&state), (Space::Meta, layout::ROOT_KEY.into(), Some(root_key))]
}

fn unavailable(cause: &str) -> StoreError {
    StoreError::Unavailable { cause: cause.to_owned() }
}

#[async_trait]
impl RegistryStore for EmbeddedStore {
    fn registry(&self) -> Arc<Registry> {
        self.shared.registry.load_full()
    }

    fn root_key(&self) -> &RootKey {
        self.shared.loaded_key.get().unwrap_or(&self.root_key)
    }

    async fn change_registry(
        &self,
        command: RegistryCommand,
        origin: Origin,
    ) -> Result<RegistryOutcome, StoreError> {
        self.write(move |group| group.change_registry(command, &origin)).await
    }
}

#[async_trait]
impl ChangeStore for EmbeddedStore {
    async fn list_changes(&self, filter: &ChangeFilter) -> Result<ChangePage, StoreError> {
        // The one read that may look at thousands of rows: milliseconds, in which others would wait.
        let view = self.shared.view().await?.into_shared();
        let filter = filter.clone();
        let listing = tokio::task::spawn_blocking(move || match filter.after.checked_add(1) {
            Some(start) => ChangePage::collect(&filter, view.changes(start)),
            None => ChangePage::collect(&filter, std::iter::empty()),
        });
        listing.await.unwrap_or_else(|_| Err(unavailable("the runtime is shutting down")))
    }

    async fn change_span(&self) -> Result<ChangeSpan, StoreError> {
        let state = self.shared.view().await?.state;
        Ok(ChangeSpan { forgotten: state.first_change.saturating_sub(1), newest: state.last_change })
    }

    async fn backlog(&self, after: u64) -> Result<Backlog, StoreError> {
        let view = self.shared.view().await?.into_shared();
        let counting = tokio::task::spawn_blocking(move || view.backlog(after));
        counting.await.unwrap_or_else(|_| Err(unavailable("the runtime is shutting down")))
    }

    async fn trim_changes(&self, through: u64, limit: usize) -> Result<usize, StoreError> {
        self.write(move |group| group.trim_changes(through, limit)).await
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn kind(&self) -> &'static str {
        "embedded"
    }

    async fn reset(&self, content: Content, origin: Origin) -> Result<(), StoreError> {
        self.write(move |group| group.reset(&content, &origin)).await
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let view = self.shared.view().await?.into_shared();
        let root_key = RegistryStore::root_key(self).clone();
        let head = Head { root_key, registry: Arc::clone(&view.registry), totals: view.totals() };
        Ok(Box::new(EmbeddedSnapshot::new(self.shared.held.hold(view), head)))
    }

    async fn load(&self, start: LoadStart) -> Result<LoadOutcome, StoreError> {
        let (reply, answer) = oneshot::channel();
        let message = Message::Load(Box::new(start), reply);
        self.queue.send(message).await.map_err(|_| unavailable(CLOSED))?;
        let begun = answer.await.unwrap_or_else(|_| Err(unavailable("the writer of the store ended")))?;
        Ok(EmbeddedLoad::outcome(begun, self.queue.clone()))
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.shared.check_writable()?;
        if self.queue.is_closed() {
            return Err(unavailable("the writer of the store ended"));
        }
        self.shared.view().await?.get(Space::Meta, layout::STATE).map(drop)
    }

    async fn stats(&self) -> Result<StoreStats, StoreError> {
        let (associations, last_change, blocks) = {
            let view = self.shared.view().await?;
            (view.counts.all_associations(), view.state.last_change, view.engine().blocks())
        };
        let rows = &self.shared.row_cache;
        let cache =
            CacheStats { blocks, rows: rows.memory(), associations: rows.len(), misses: rows.misses() };
        let path = self.engine_path.clone();
        let disk_bytes = tokio::task::spawn_blocking(move || Directory::disk_bytes(&path).ok()).await;
        let disk_bytes = disk_bytes.ok().flatten();
        Ok(StoreStats { associations, last_change, disk_bytes, cache: Some(cache) })
    }

    async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            // An error is the end of the writer, too.
            let _ = closed.await;
        }
    }
}
