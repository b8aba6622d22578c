//! What runs an import, and what it is given.

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use jackfield_model::ServiceProviderId;
use jackfield_model::admin::{
    ImportPlan, ImportPreview, ImportProgress, ImportReading, ImportReport, NewImportPlan, Secret,
};
use tokio::sync::watch;

/// Work that is under way.
pub type ImportFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Reads lists, and brings service providers to what they say.
pub trait ImportRunner: fmt::Debug + Send + Sync {
    /// What a list is, and what its beginning shows. `name` is what the file is called. It takes its time and memory, and is
    /// called on a thread for that.
    ///
    /// # Errors
    /// What is wrong with `reading`, for who wrote it.
    fn preview(&self, list: &Path, name: &str, reading: &ImportReading) -> Result<ImportPreview, String>;

    /// Compares a list with what there is, and leaves the plan and the rejected rows beside the list.
    fn plan(&self, work: ImportWork) -> ImportFuture<Result<ImportPlan, String>>;

    /// Makes the changes of the plan that was left there and are not made yet.
    fn apply(&self, work: ImportWork) -> ImportFuture<Applied>;
}

/// The public API of this process, in the name of one client.
pub trait ImportApi: fmt::Debug + Send + Sync {
    /// An access token of the client, for some minutes.
    ///
    /// # Errors
    /// Why there is none any more.
    fn token(&self) -> Result<Secret, String>;

    /// The answer to a request; nothing where there will be none.
    fn ask(&self, request: Request<Bytes>) -> ImportFuture<Option<Response<Bytes>>>;
}

/// An import to work on.
#[derive(Clone, Debug)]
pub struct ImportWork {
    /// Where its files are.
    pub directory: PathBuf,
    /// The name of the list's file.
    pub name: String,
    /// Whose associations it changes.
    pub provider: ServiceProviderId,
    /// What is to be planned, or was.
    pub wanted: NewImportPlan,
    /// The API to reach it with.
    pub api: Arc<dyn ImportApi>,
    /// Shows how far it is, and tells when it is to end.
    pub watch: ImportWatch,
}

/// What became of a plan.
#[derive(Debug)]
pub struct Applied {
    /// What was done.
    pub report: ImportReport,
    /// Why it ended early; the same plan, applied again, goes on then.
    pub stopped: Option<String>,
}

/// Shows how far an import is, and tells when it is to end. Clones share it.
#[derive(Clone)]
pub struct ImportWatch(Arc<Watched>);

struct Watched {
    /// Why it is to end.
    stop: watch::Sender<Option<&'static str>>,
    progress: Mutex<Box<dyn Fn() -> ImportProgress + Send>>,
}

impl ImportWork {
    /// The list as it was uploaded.
    #[must_use]
    pub fn list(&self) -> PathBuf {
        self.directory.join(super::files::LIST)
    }

    /// Where the plan is left, and what of it is done.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.directory.join("journal")
    }

    /// Where the rows are left that are not valid.
    #[must_use]
    pub fn rejects(&self) -> PathBuf {
        self.directory.join(super::files::REJECTS)
    }
}

impl ImportWatch {
    pub(super) fn new() -> Self {
        let progress: Box<dyn Fn() -> ImportProgress + Send> = Box::new(ImportProgress::default);
        Self(Arc::new(Watched { stop: watch::Sender::new(None), progress: Mutex::new(progress) }))
    }

    /// Says how progress is known from now on.
    pub fn show(&self, progress: impl Fn() -> ImportProgress + Send + 'static) {
        *self.0.progress.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(progress);
    }

    /// Done when the work is to end: nothing new is begun, what is in flight is finished.
    pub async fn stop_asked(&self) {
        // The sender lives in `self`: the wait cannot fail.
        let _ = self.0.stop.subscribe().wait_for(Option::is_some).await;
    }

    /// The first reason counts.
    pub(super) fn stop(&self, why: &'static str) {
        self.0.stop.send_if_modified(|known| {
            let news = known.is_none();
            known.get_or_insert(why);
            news
        });
    }

    /// Whether both watch the same work.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn stopped_for(&self) -> Option<&'static str> {
        *self.0.stop.borrow()
    }

    pub(super) fn progress(&self) -> ImportProgress {
        (self.0.progress.lock().unwrap_or_else(PoisonError::into_inner))()
    }
}

impl fmt::Debug for ImportWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImportWatch")
    }
}
