//! The imports of a server: how many there are, what each is at, and what works on them.

mod upload;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jackfield_model::admin::{ImportJob, ImportPreview, ImportReading, ImportState, NewImportPlan};
use jackfield_model::limit;
use jackfield_store::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;

pub(crate) use self::upload::{Upload, too_large};
use super::files::{Files, REJECTS};
use super::work::{Applied, ImportApi, ImportRunner, ImportWatch, ImportWork};
use crate::metrics::{Limit, Metrics};

/// Why nothing is done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// This program has nothing that runs imports.
    NoRunner,
    /// There is no such import.
    NoSuchImport,
    /// Not in this state of the import, or not beside others; for who asked.
    NotNow(String),
    /// Something about the request is wrong; for who asked.
    Wrong(String),
    /// A file cannot be written or read; for the log.
    Io(String),
}

/// The imports of a server.
#[derive(Debug)]
pub(crate) struct Imports {
    runner: Option<Arc<dyn ImportRunner>>,
    files: Arc<Files>,
    /// Oldest first.
    jobs: Mutex<Vec<Job>>,
    uploads: Arc<Semaphore>,
    /// Lists take memory while they are looked at or planned: one at a time each.
    previewing: Arc<Semaphore>,
    planning: Arc<Semaphore>,
    /// How many are being worked on.
    busy: watch::Sender<usize>,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Job {
    import: ImportJob,
    /// While something is done.
    watch: Option<ImportWatch>,
}

impl Imports {
    /// With those that an earlier process left beside this store.
    pub(crate) fn open(
        runner: Option<Arc<dyn ImportRunner>>,
        store: Option<&std::path::Path>,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        let files = Files::beside(store);
        let jobs = files.load().into_iter().map(|import| Job { import: ended(import), watch: None });
        let jobs: Vec<Job> = jobs.collect();
        metrics.imports.set(i64::try_from(jobs.len()).unwrap_or(i64::MAX));
        Arc::new(Self {
            runner,
            files: Arc::new(files),
            jobs: Mutex::new(jobs),
            uploads: Arc::new(Semaphore::new(limit::IMPORT_UPLOADS)),
            previewing: Arc::new(Semaphore::new(1)),
            planning: Arc::new(Semaphore::new(1)),
            busy: watch::Sender::new(0),
            metrics,
        })
    }

    /// All of them, newest first, without what is long.
    pub(crate) fn list(&self) -> Vec<ImportJob> {
        let brief = |job: &Job| {
            let mut import = job.shown();
            if let Some(plan) = &mut import.plan {
                (plan.changes, plan.problems, plan.remarks) = Default::default();
            }
            if let Some(report) = &mut import.report {
                report.failures.clear();
            }
            import
        };
        self.lock().iter().rev().map(brief).collect()
    }

    pub(crate) fn get(&self, id: &str) -> Result<ImportJob, Refusal> {
        self.lock().iter().find(|job| job.import.id == id).map(Job::shown).ok_or(Refusal::NoSuchImport)
    }

    /// What a list is like when it is read so.
    pub(crate) async fn preview(&self, id: &str, reading: ImportReading) -> Result<ImportPreview, Refusal> {
        let (runner, import) = (self.runner()?, self.get(id)?);
        let list = self.files.of(id).join(super::files::LIST);
        let place = Arc::clone(&self.previewing).acquire_owned().await;
        let preview = spawn_blocking(move || {
            // Also where nobody waits for the answer any more.
            let _place = place;
            runner.preview(&list, &import.name, &reading)
        });
        preview.await.map_err(|error| Refusal::Io(error.to_string()))?.map_err(Refusal::Wrong)
    }

    /// Begins to plan.
    pub(crate) fn plan(
        self: &Arc<Self>,
        id: &str,
        wanted: NewImportPlan,
        api: Arc<dyn ImportApi>,
    ) -> Result<ImportJob, Refusal> {
        let runner = self.runner()?;
        let (import, work) = self.begin(id, ImportState::Planning, api, |import| {
            import.wanted = Some(wanted);
            (import.plan, import.report) = (None, None);
            Ok(())
        })?;
        let (imports, saved) = (Arc::clone(self), import.clone());
        let planning = Arc::clone(&self.planning);
        tokio::spawn(async move {
            let watch = work.watch.clone();
            let planned = imports.work_on(saved, async move {
                let _place = planning.acquire_owned().await;
                runner.plan(work).await
            });
            let planned = planned.await.and_then(|planned| planned);
            imports
                .end(&watch, |import| match (planned, watch.stopped_for()) {
                    (Ok(plan), None) => (import.plan, import.state) = (Some(plan), ImportState::Planned),
                    (Ok(_), Some(why)) => import.problem = Some(why.to_owned()),
                    (Err(problem), why) => import.problem = Some(why.map_or(problem, str::to_owned)),
                })
                .await;
        });
        Ok(import)
    }

    /// Begins to apply the plan, or goes on with it.
    pub(crate) fn apply(
        self: &Arc<Self>,
        id: &str,
        skip_invalid: bool,
        api: Arc<dyn ImportApi>,
    ) -> Result<ImportJob, Refusal> {
        let runner = self.runner()?;
        let (import, work) = self.begin(id, ImportState::Applying, api, |import| {
            let plan = import.plan.as_ref().ok_or_else(|| Refusal::NotNow(NO_PLAN.to_owned()))?;
            match (import.state, plan.invalid) {
                (ImportState::Done, _) => Err(Refusal::NotNow("The plan was applied already.".to_owned())),
                (_, 0) => Ok(()),
                _ if skip_invalid => Ok(()),
                (_, invalid) => Err(Refusal::NotNow(format!(
                    "{invalid} of its rows are not valid: correct them, or go on without them with skip_invalid."
                ))),
            }
        })?;
        let (imports, saved) = (Arc::clone(self), import.clone());
        tokio::spawn(async move {
            let watch = work.watch.clone();
            let applied = imports.work_on(saved, async move { runner.apply(work).await }).await;
            imports
                .end(&watch, |import| {
                    let stopped = match applied {
                        Ok(Applied { report, stopped }) => {
                            import.report = Some(report);
                            stopped.map(|why| watch.stopped_for().map_or(why, str::to_owned))
                        }
                        Err(problem) => Some(problem),
                    };
                    import.state = if stopped.is_some() { ImportState::Stopped } else { ImportState::Done };
                    import.problem = stopped;
                })
                .await;
        });
        Ok(import)
    }

    /// Asks what works on an import to end.
    pub(crate) fn cancel(&self, id: &str) -> Result<ImportJob, Refusal> {
        let jobs = self.lock();
        let job = jobs.iter().find(|job| job.import.id == id).ok_or(Refusal::NoSuchImport)?;
        let watch = job.watch.as_ref();
        watch
            .ok_or_else(|| Refusal::NotNow("Nothing is being done that could be cancelled.".to_owned()))?
            .stop("It was cancelled.");
        Ok(job.shown())
    }

    /// Removes an import with its files.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), Refusal> {
        {
            let mut jobs = self.lock();
            let at = jobs.iter().position(|job| job.import.id == id).ok_or(Refusal::NoSuchImport)?;
            if jobs[at].watch.is_some() {
                return Err(Refusal::NotNow("It is being worked on; cancel it first.".to_owned()));
            }
            jobs.remove(at);
            self.count(&jobs);
        }
        let (files, id) = (Arc::clone(&self.files), id.to_owned());
        blocking(move || files.remove(&id)).await
    }

    /// The file of the rows that are not valid.
    pub(crate) fn rejects(&self, id: &str) -> Result<(ImportJob, PathBuf), Refusal> {
        let import = self.get(id)?;
        if import.plan.as_ref().is_none_or(|plan| plan.invalid == 0) {
            return Err(Refusal::NotNow("The plan has no rows that are not valid.".to_owned()));
        }
        Ok((import, self.files.of(id).join(REJECTS)))
    }

    /// Ends all work, and waits for it.
    pub(crate) async fn close(&self) {
        for watch in self.lock().iter().filter_map(|job| job.watch.as_ref()) {
            watch.stop("The server was stopped.");
        }
        // The sender lives in `self`: the wait cannot fail.
        let _ = self.busy.subscribe().wait_for(|busy| *busy == 0).await;
        self.files.close();
    }

    /// Takes an import to work on it, within the bounds.
    fn begin(
        &self,
        id: &str,
        state: ImportState,
        api: Arc<dyn ImportApi>,
        change: impl FnOnce(&mut ImportJob) -> Result<(), Refusal>,
    ) -> Result<(ImportJob, ImportWork), Refusal> {
        let mut jobs = self.lock();
        let at = jobs.iter().position(|job| job.import.id == id).ok_or(Refusal::NoSuchImport)?;
        let provider = jobs[at].import.service_provider_id;
        let busy = || jobs.iter().filter(|job| job.watch.is_some());
        if jobs[at].watch.is_some() {
            return Err(Refusal::NotNow("It is being worked on already.".to_owned()));
        }
        if busy().any(|job| job.import.service_provider_id == provider) {
            return Err(
                self.limited("Another import of this service provider is being worked on.".to_owned())
            );
        }
        if busy().count() >= limit::IMPORTS_AT_WORK {
            let most = limit::IMPORTS_AT_WORK;
            return Err(self.limited(format!("{most} imports are being worked on, which is the most.")));
        }
        let Job { import, watch } = &mut jobs[at];
        change(import)?;
        let wanted = import.wanted.clone().ok_or_else(|| Refusal::NotNow(NO_PLAN.to_owned()))?;
        (import.state, import.problem, import.changed) = (state, None, now());
        let begun = watch.insert(ImportWatch::new()).clone();
        self.busy.send_modify(|busy| *busy += 1);
        let work = ImportWork {
            directory: self.files.of(id),
            name: import.name.clone(),
            provider,
            wanted,
            api,
            watch: begun,
        };
        Ok((jobs[at].shown(), work))
    }

    /// Does the work on an import once its state is written, so that a crash leaves word of it.
    async fn work_on<T: Send + 'static>(
        &self,
        import: ImportJob,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, String> {
        if let Err(refusal) = self.save(import).await {
            tracing::warn!(?refusal, "the state of an import cannot be written");
            return Err("Its state cannot be written.".to_owned());
        }
        // A task of its own, so that a panic ends the work and not the job.
        tokio::spawn(work).await.map_err(|error| {
            tracing::error!(%error, "an import was broken off");
            "It was broken off by an error of the server.".to_owned()
        })
    }

    /// Lets the import rest again that this watches, in the state that `change` leaves it in.
    async fn end(&self, watch: &ImportWatch, change: impl FnOnce(&mut ImportJob)) {
        let watched = |job: &&mut Job| job.watch.as_ref().is_some_and(|other| other.is(watch));
        let ended = self.lock().iter_mut().find(watched).map(|job| {
            let mut import = job.import.clone();
            import.state = ImportState::Uploaded;
            change(&mut import);
            import.changed = now();
            import
        });
        if let Some(import) = ended {
            let (id, state) = (&import.id, import.state.as_str());
            tracing::info!(import = id, state, "an import rests");
            if let Err(refusal) = self.save(import.clone()).await {
                tracing::warn!(?refusal, "the state of an import cannot be written");
            }
            // Whoever sees the state can go on from it at once.
            if let Some(job) = self.lock().iter_mut().find(watched) {
                (job.import, job.watch) = (import, None);
            }
        }
        self.busy.send_modify(|busy| *busy -= 1);
    }

    async fn save(&self, import: ImportJob) -> Result<(), Refusal> {
        let files = Arc::clone(&self.files);
        blocking(move || files.save(&import)).await
    }

    fn runner(&self) -> Result<Arc<dyn ImportRunner>, Refusal> {
        self.runner.clone().ok_or(Refusal::NoRunner)
    }

    fn limited(&self, message: String) -> Refusal {
        self.metrics.limited(Limit::Imports);
        Refusal::NotNow(message)
    }

    fn count(&self, jobs: &[Job]) {
        self.metrics.imports.set(i64::try_from(jobs.len()).unwrap_or(i64::MAX));
    }

    /// Takes an import in; answers the ids of those that made room.
    fn push(&self, import: ImportJob) -> Vec<String> {
        let mut jobs = self.lock();
        let mut gone = Vec::new();
        while jobs.len() >= limit::IMPORTS {
            let rests = |job: &Job| job.watch.is_none();
            let done = |job: &Job| rests(job) && job.import.state == ImportState::Done;
            let Some(at) = jobs.iter().position(done).or_else(|| jobs.iter().position(rests)) else { break };
            gone.push(jobs.remove(at).import.id);
        }
        jobs.push(Job { import, watch: None });
        self.count(&jobs);
        gone
    }

    // What holds the lock cannot leave a job half changed.
    fn lock(&self) -> MutexGuard<'_, Vec<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const NO_PLAN: &str = "There is no plan yet.";

impl Job {
    fn shown(&self) -> ImportJob {
        ImportJob { progress: self.watch.as_ref().map(ImportWatch::progress), ..self.import.clone() }
    }
}

/// What an import is after the process that worked on it has ended.
fn ended(mut import: ImportJob) -> ImportJob {
    if import.state.is_busy() {
        import.problem = Some("The server ended while it was worked on.".to_owned());
        import.state = match import.state {
            ImportState::Applying => ImportState::Stopped,
            _ => ImportState::Uploaded,
        };
    }
    import
}

fn now() -> String {
    humantime::format_rfc3339_millis(Timestamp::now().system_time()).to_string()
}

async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Refusal> {
    let done = spawn_blocking(act).await.map_err(|error| Refusal::Io(error.to_string()))?;
    done.map_err(|error| Refusal::Io(error.to_string()))
}
