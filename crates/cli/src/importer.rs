//! Runs the imports of the server with the library of `jackfield sync`: the same list, plan, journal and changes.
//!
//! Requests reach the public API within the process. They pass the checks of a client's request, are counted against its
//! rate, and stand in the journal and the change record as its own.

mod reading;

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use jackfield_client::sync::{
    Change, Desired, Input, Journal, Kind, MaxDelete, Plan, Report, Session, Stop, Stopped,
};
use jackfield_client::{AccessToken, Client, Error, Exchange, Options, TokenSource, Transport, sync};
use jackfield_model::admin::{
    ImportChange, ImportCounts, ImportFailure, ImportPlan, ImportPreview, ImportProgress, ImportReading,
    ImportReport,
};
use jackfield_model::limit;
use jackfield_server::{Applied, ImportApi, ImportFuture, ImportRunner, ImportWork};

/// Requests at a time: enough for groups of writes, and few beside those of other clients.
const CONNECTIONS: usize = 16;

/// Age at which another token is asked for; they live for five minutes.
const TOKEN_AGE: Duration = Duration::from_secs(240);

/// Runs imports.
#[derive(Debug)]
pub(crate) struct Importer;

impl ImportRunner for Importer {
    fn preview(&self, list: &Path, name: &str, reading: &ImportReading) -> Result<ImportPreview, String> {
        let options = reading::options(name, reading)?;
        let file = File::open(list).map_err(|error| format!("The list cannot be read: {error}."))?;
        let (beginning, input) = Input::read_and_show(BufReader::new(file), &options);
        Ok(reading::preview(beginning, input))
    }

    fn plan(&self, work: ImportWork) -> ImportFuture<Result<ImportPlan, String>> {
        Box::pin(plan(work))
    }

    fn apply(&self, work: ImportWork) -> ImportFuture<Applied> {
        Box::pin(async move {
            let applied = apply(work).await;
            applied.unwrap_or_else(|why| Applied { report: ImportReport::default(), stopped: Some(why) })
        })
    }
}

async fn plan(work: ImportWork) -> Result<ImportPlan, String> {
    let most = work.wanted.max_delete.as_deref().map(str::parse::<MaxDelete>).transpose();
    let most = most.map_err(|error| format!("max_delete: {error}"))?;
    let reader = work.clone();
    let read = tokio::task::spawn_blocking(move || read(&reader)).await;
    let input = read.map_err(|_| "The list cannot be read: it is damaged.".to_owned())??;
    if work.wanted.delete_missing && !input.rejects.is_empty() {
        return Err(format!(
            "{} rows are not valid; what the list does not have can only be deleted when all are.",
            input.rejects.len()
        ));
    }
    if work.wanted.delete_missing && input.rows.is_empty() && most.is_none() {
        return Err("The list has no rows, so that everything would be deleted; max_delete 100% if that is what you want."
            .to_owned());
    }
    let mut shown = reading::plan(&input);
    let session = session(&work, work.wanted.delete_missing)?;
    let desired = Desired::from_rows(input.rows);
    let plan = tokio::select! {
        plan = session.plan(&desired) => plan.map_err(told)?,
        () = work.watch.stop_asked() => return Err("It was cancelled.".to_owned()),
    };
    if let Some(most) = most {
        plan.check_deletes(most).map_err(|error| error.to_string())?;
    }
    Journal::create(&work.journal(), &session, &plan).map_err(|error| error.to_string())?;
    shown.counts = counts(plan.counts());
    (shown.unchanged, shown.kept) = (plan.unchanged, plan.kept);
    shown.changes = first_changes(&plan);
    Ok(shown)
}

/// Reads the list, and leaves the rows that are not valid beside it.
fn read(work: &ImportWork) -> Result<Input, String> {
    let unreadable = |error: std::io::Error| format!("The list cannot be read: {error}.");
    let options = reading::options(&work.name, &work.wanted.reading)?;
    let file = File::open(work.list()).map_err(unreadable)?;
    let input = Input::read(BufReader::new(file), &options).map_err(|error| error.to_string())?;
    let rejects = File::create(work.rejects()).map_err(unreadable)?;
    input.write_rejects(BufWriter::new(rejects)).map_err(unreadable)?;
    Ok(input)
}

async fn apply(work: ImportWork) -> Result<Applied, String> {
    let (journal, unfinished) = Journal::resume(&work.journal()).map_err(|error| error.to_string())?;
    let session = session(&work, false)?;
    let pending = unfinished.pending();
    let plan = tokio::select! {
        plan = session.plan(&pending) => plan.map_err(told)?,
        () = work.watch.stop_asked() => return Err("It was cancelled.".to_owned()),
    };
    let (all, _) = unfinished.counts();
    let stop = Stop::default();
    let mut report = {
        let mut applying = Box::pin(session.apply(&plan, Some(&journal), &stop));
        tokio::select! {
            report = &mut applying => report,
            () = work.watch.stop_asked() => {
                stop.now();
                applying.await
            }
        }
    };
    let stopped = report.stopped.take().map(|stopped| match stopped {
        Stopped::Asked => "It was cancelled.".to_owned(),
        Stopped::Error(error) => told(error),
        Stopped::Journal(error) => error.to_string(),
    });
    let different = match stopped {
        Some(_) => None,
        None => session.plan(&unfinished.desired()).await.ok().map(|plan| plan.changes.len() as u64),
    };
    let earlier = all.saturating_sub(plan.changes.len()) as u64;
    Ok(Applied { report: ImportReport { earlier, different, ..shown(&report) }, stopped })
}

fn session(work: &ImportWork, delete_missing: bool) -> Result<Session, String> {
    let exchange = Arc::new(InProcess(Arc::clone(&work.api)));
    let transport = Transport::over(exchange, &Options::default()).map_err(|error| error.to_string())?;
    let endpoint = "http://localhost".parse().map_err(|_| "The public API has no address.".to_owned())?;
    let tokens = Tokens { api: Arc::clone(&work.api), kept: Mutex::default() };
    let client = Client::new(transport, endpoint, tokens);
    let options = sync::Options { delete_missing, connections: CONNECTIONS, ..sync::Options::default() };
    let session = Session::new(&client, work.provider, options);
    let progress = session.progress();
    work.watch.show(move || ImportProgress {
        total: progress.total(),
        done: progress.done(),
        failed: progress.failed(),
        requests: progress.requests(),
        refused: progress.refused(),
    });
    Ok(session)
}

/// An error, with the id by which the journal of requests explains it.
#[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped by")]
fn told(error: Error) -> String {
    match error.request_id() {
        Some(id) => format!("{error} (request {id})"),
        None => error.to_string(),
    }
}

const fn counts(counts: sync::Counts) -> ImportCounts {
    ImportCounts { create: counts.create, update: counts.update, delete: counts.delete }
}

/// The first changes of each kind, in the order of the plan.
fn first_changes(plan: &Plan) -> Vec<ImportChange> {
    let of = |kind: Kind| plan.changes.iter().filter(move |change| change.kind() == kind);
    let first = |kind: Kind| of(kind).take(limit::IMPORT_SHOWN).map(change);
    [Kind::Create, Kind::Update, Kind::Delete].into_iter().flat_map(first).collect()
}

fn change(change: &Change) -> ImportChange {
    ImportChange {
        external_user_id: change.external_user_id.to_string(),
        before: change.before.as_ref().map(ToString::to_string),
        after: change.after.as_ref().map(ToString::to_string),
        line: change.line,
    }
}

fn shown(report: &Report) -> ImportReport {
    let failure = |failure: &sync::Failure| ImportFailure {
        change: change(&failure.change),
        reason: failure.reason.clone(),
        request_id: failure.request_id.clone(),
    };
    ImportReport {
        done: counts(report.done),
        failed: report.failed.len() as u64,
        failures: report.failed.iter().take(limit::IMPORT_SHOWN).map(failure).collect(),
        left: report.left,
        requests: report.requests,
        milliseconds: u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
        ..ImportReport::default()
    }
}

/// The public API of this process, where a client has a network.
#[derive(Debug)]
struct InProcess(Arc<dyn ImportApi>);

#[async_trait]
impl Exchange for InProcess {
    async fn exchange(&self, request: Request<Bytes>) -> Option<Response<Bytes>> {
        self.0.ask(request).await
    }
}

/// Tokens of the client, each used for some minutes.
struct Tokens {
    api: Arc<dyn ImportApi>,
    kept: Mutex<Option<(AccessToken, Instant)>>,
}

#[async_trait]
impl TokenSource for Tokens {
    async fn token(&self) -> Result<AccessToken, Error> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, issued)) = &*kept
            && issued.elapsed() < TOKEN_AGE
        {
            return Ok(token.clone());
        }
        let text = self.api.token().map_err(|reason| Error::NoToken { reason })?;
        let token = AccessToken::new(&text).map_err(|error| Error::NoToken { reason: error.to_string() })?;
        *kept = Some((token.clone(), Instant::now()));
        Ok(token)
    }

    async fn refused(&self, token: &AccessToken) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Another request may have got a new one meanwhile.
        if kept.as_ref().is_some_and(|(known, _)| known == token) {
            *kept = None;
        }
        true
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}
