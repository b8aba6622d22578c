//! `jackfield sync`: from a list to associations. What it does is `jackfield_client::sync`; here it is asked, shown
//! and given an exit code.

pub(super) mod input;
mod parts;
mod progress;
mod property;
pub(super) mod show;
mod show_property;
mod understood;

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jackfield_client::Client;
use jackfield_client::sync::{
    Desired, Journal, JournalError, MaxDelete, Only, Options, Plan, Progress, PropertyJournal, Report, Row,
    Session, Stop, Stopped, TooManyDeletes, Understanding,
};
use jackfield_model::ServiceProviderId;

use self::input::{InputArgs, InvalidArgs, List, Rejected};
use self::progress::Meter;
use self::property::PropertyArgs;
use crate::command::interrupt::interrupted;
use crate::connection::PublicArgs;
use crate::failure::Failure;
use crate::output::Output;

/// Longest `--patience`, in seconds: a day.
const PATIENCE_MAX: u64 = 24 * 60 * 60;

/// What became of a plan that was applied.
pub(super) struct Ending {
    report: Report,
    /// What would be needed now, where the run came to its end.
    left: Option<Result<Plan, Failure>>,
}

/// The flags of `sync`.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 in sync, 1 failures, 2 refused before anything was changed (usage, invalid\n\
                  rows, --expect-rows, --max-delete), 3 differences left by --dry-run or by a no."
)]
pub(crate) struct SyncArgs {
    /// The list: CSV, TSV, JSON Lines or a workbook (.xlsx, .xlsm, .xlsb, .xls,
    /// .ods), compressed by gzip or not; - for standard input
    #[arg(value_name = "FILE", required_unless_present = "resume")]
    file: Option<PathBuf>,
    /// Show what is understood of FILE, and do nothing else
    #[arg(long, conflicts_with = "resume")]
    inspect: bool,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    invalid: InvalidArgs,
    #[command(flatten)]
    property: PropertyArgs,
    #[command(flatten)]
    planning: PlanningArgs,
    #[command(flatten)]
    applying: ApplyingArgs,
    /// The service provider whose associations these are
    /// [env: JACKFIELD_PROVIDER]
    #[arg(long, value_name = "PROVIDER_ID", help_heading = "Connection")]
    provider: Option<String>,
    #[command(flatten)]
    public: PublicArgs,
}

#[derive(Args)]
#[command(next_help_heading = "Plan")]
struct PlanningArgs {
    /// Make only these kinds of change, separated by commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',', conflicts_with = "with")]
    only: Vec<Kind>,
    /// Delete associations that the list does not have
    #[arg(long)]
    delete_missing: bool,
    /// Refuse a plan that deletes more: a number, or a share like 5% of what the
    /// provider has
    #[arg(long, value_name = "N|P%", requires = "delete_missing")]
    max_delete: Option<MaxDelete>,
    /// Show the plan and change nothing; exits with 3 when there is a difference
    #[arg(long)]
    dry_run: bool,
    /// Show at most so many changes of the plan in the table
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: usize,
}

#[derive(Args)]
#[command(next_help_heading = "Applying")]
struct ApplyingArgs {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Most requests at a time; fewer where the server wants it so
    #[arg(long, value_name = "N", default_value_t = 32,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
    /// Seconds to bear with a server that takes nothing
    #[arg(long, value_name = "SECONDS", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(1..=PATIENCE_MAX))]
    patience: u64,
    /// Where the journal of the run is kept until its end
    /// [default: jackfield-sync-PROVIDER.journal]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Go on with the run that left the journal, in place of a FILE
    #[arg(long, conflicts_with_all = ["file", "only", "delete_missing", "skip_invalid", "expect_rows", "with"])]
    resume: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    // No doc comments: they would stand in every help text.
    Create,
    Update,
    Delete,
}

/// What is to be done.
struct Task {
    client: Client,
    session: Session,
    desired: Desired,
    plan: Plan,
    /// The journal of an earlier run that goes on.
    journal: Option<Journal>,
    journal_path: PathBuf,
    /// What was understood of the list.
    list: Option<Understanding>,
    rejected: Rejected,
}

impl SyncArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let Self { file, inspect, input, invalid, property, planning, applying, provider, public } = self;
        let columns = property.columns()?;
        if let Some(file) = file.as_ref().filter(|_| inspect) {
            return input.inspect(file, &columns, output);
        }
        let typed = file.as_deref() != Some(Path::new("-")) && std::io::stdin().is_terminal();
        if !(planning.dry_run || applying.yes || typed) {
            return Err(Failure::usage("nobody can be asked: standard input is not a terminal")
                .hint("--yes to apply without asking, --dry-run to see the plan"));
        }
        let (client, provider) = public.connect(provider)?;
        let usual = || format!("jackfield-sync-{}.journal", provider.as_uuid()).into();
        let journal_path = applying.journal.clone().unwrap_or_else(usual);
        if !columns.parts.is_empty() || applying.resume && PropertyJournal::is_at(&journal_path) {
            let list = match file.filter(|_| !applying.resume) {
                Some(file) => Some(input.read(&file, invalid, &columns)?),
                None => None,
            };
            let run = property::Run { client, provider, journal_path, planning, applying };
            return run.run(list, &property, output).await;
        }
        let mut task = match file.filter(|_| !applying.resume) {
            None => Task::of_journal(client, provider, journal_path, &applying).await?,
            Some(file) => {
                let List { rows, understood, rejected, .. } = input.read(&file, invalid, &columns)?;
                let task = Task::of_rows(client, provider, journal_path, rows, &planning, &applying).await?;
                Task { rejected, list: Some(understood), ..task }
            }
        };
        task.check_deletes(&planning)?;
        show::plan(output, provider, &task.client, task.list.as_ref(), &task.plan, planning.show)?;
        output.flush()?;
        let differs = !task.plan.changes.is_empty();
        let goes_on =
            differs && !planning.dry_run && (applying.yes || confirmed(task.plan.counts().total())?);
        let ending = if goes_on { Some(task.apply().await?) } else { None };
        task.show_ending(output, provider, ending.as_ref())?;
        output.flush()?;
        match ending {
            Some(ending) => task.end(ending),
            None if differs => Err(Failure::Told(3)),
            None => task.end_without_changes(),
        }
    }
}

impl Task {
    async fn of_rows(
        client: Client,
        provider: ServiceProviderId,
        journal_path: PathBuf,
        rows: Vec<Row>,
        planning: &PlanningArgs,
        applying: &ApplyingArgs,
    ) -> Result<Self, Failure> {
        if rows.is_empty() && planning.delete_missing && planning.max_delete.is_none() {
            return Err(Failure::usage("the list has no rows, so that everything would be deleted")
                .hint("--max-delete 100% if that is what you want"));
        }
        let options =
            Options { only: planning.only(), delete_missing: planning.delete_missing, ..applying.options() };
        let session = Session::new(&client, provider, options);
        let desired = Desired::from_rows(rows);
        let plan = read(&session, &desired, "reading").await?;
        let rejected = Rejected::default();
        Ok(Self { client, session, desired, plan, journal: None, journal_path, list: None, rejected })
    }

    async fn of_journal(
        client: Client,
        provider: ServiceProviderId,
        journal_path: PathBuf,
        applying: &ApplyingArgs,
    ) -> Result<Self, Failure> {
        let (journal, unfinished) = Journal::resume(&journal_path)?;
        let here = client.endpoint().to_string();
        if unfinished.provider != provider || unfinished.endpoint != here {
            return Err(Failure::usage(format!(
                "the journal is of {} at {}, not of {provider} at {here}",
                unfinished.provider, unfinished.endpoint
            )));
        }
        let options = Options { only: unfinished.only, ..applying.options() };
        let session = Session::new(&client, provider, options);
        let plan = read(&session, &unfinished.pending(), "reading").await?;
        let (desired, rejected) = (unfinished.desired(), Rejected::default());
        Ok(Self {
            client,
            session,
            desired,
            plan,
            journal: Some(journal),
            journal_path,
            list: None,
            rejected,
        })
    }

    fn show_ending(
        &self,
        output: &mut Output,
        provider: ServiceProviderId,
        ending: Option<&Ending>,
    ) -> std::io::Result<()> {
        show::ending(output, provider, &self.client, self.list.as_ref(), &self.plan, &self.rejected, ending)
    }

    fn check_deletes(&self, planning: &PlanningArgs) -> Result<(), Failure> {
        let Some(most) = planning.max_delete else { return Ok(()) };
        Ok(self.plan.check_deletes(most)?)
    }

    /// Makes the changes, and reads again what there is then.
    async fn apply(&mut self) -> Result<Ending, Failure> {
        let journal = match self.journal.take() {
            Some(journal) => journal,
            None => Journal::create(&self.journal_path, &self.session, &self.plan)?,
        };
        let stop = Stop::default();
        let report =
            applying(&stop, self.session.progress(), self.session.apply(&self.plan, Some(&journal), &stop));
        let report = report.await;
        let mut left = None;
        if report.stopped.is_none() {
            left = Some(verifying(read(&self.session, &self.desired, "verifying")).await);
        }
        if report.is_complete() {
            journal.remove()?;
        }
        Ok(Ending { report, left })
    }

    fn end(&self, ending: Ending) -> Result<(), Failure> {
        let Ending { report, left } = ending;
        if let Some(stopped) = report.stopped {
            return Err(ended_early(stopped, report.left, &self.journal_path));
        }
        if !report.failed.is_empty() {
            return Err(Failure::failed(format!("{} failed", show::changes(report.failed.len() as u64))));
        }
        match left {
            Some(Err(failure)) => Err(failure),
            Some(Ok(plan)) if !plan.changes.is_empty() => {
                let count = show::changes(plan.changes.len() as u64);
                Err(Failure::failed(format!("every change was made, and now {count} would be needed"))
                    .hint("somebody else changes this provider at the same time; the same command again"))
            }
            _ => self.rejected.end(),
        }
    }

    fn end_without_changes(&mut self) -> Result<(), Failure> {
        // A run that goes on and finds everything done has come to its end too.
        match self.journal.take() {
            Some(journal) => Ok(journal.remove()?),
            None => self.rejected.end(),
        }
    }
}

impl PlanningArgs {
    fn only(&self) -> Only {
        let allowed = |kind| self.only.is_empty() || self.only.contains(&kind);
        Only { create: allowed(Kind::Create), update: allowed(Kind::Update), delete: allowed(Kind::Delete) }
    }
}

impl ApplyingArgs {
    fn options(&self) -> Options {
        Options {
            connections: self.connections.into(),
            patience: Duration::from_secs(self.patience),
            ..Options::default()
        }
    }
}

/// Reads what there is, under a meter.
pub(super) async fn read(session: &Session, desired: &Desired, verb: &'static str) -> Result<Plan, Failure> {
    let meter = Meter::start(session.progress(), verb);
    let plan = session.plan(desired).await;
    meter.finish();
    Ok(plan?)
}

/// Applies a plan under a meter; a signal ends it early.
async fn applying<T>(stop: &Stop, progress: Arc<Progress>, apply: impl Future<Output = T>) -> T {
    let signals = tokio::spawn(end_early(stop.clone()));
    let meter = Meter::start(progress, "applying");
    let report = apply.await;
    meter.finish();
    signals.abort();
    report
}

/// Verifies what was applied. Nothing is in flight now: a signal ends the program as it does others.
async fn verifying<T>(verify: impl Future<Output = T>) -> T {
    let signals = tokio::spawn(async {
        interrupted().await;
        std::process::exit(130);
    });
    let left = verify.await;
    signals.abort();
    left
}

/// Why a run ended early, and how it goes on.
fn ended_early(stopped: Stopped, left: u64, journal: &Path) -> Failure {
    let again =
        format!("`jackfield sync --resume` goes on from {}; the list itself does too", journal.display());
    match stopped {
        Stopped::Asked => Failure::failed(format!("interrupted; {}", show::left(left))).hint(again),
        Stopped::Error(error) => {
            let id = error.request_id().map(|id| format!(", request id {id}")).unwrap_or_default();
            Failure::failed(format!("{error}{id}; {}", show::left(left))).hint(again)
        }
        Stopped::Journal(error) => Failure::failed(format!("{error}; {}", show::left(left))),
    }
}

/// Asks on the terminal.
fn confirmed(changes: u64) -> Result<bool, Failure> {
    let mut err = std::io::stderr();
    write!(err, "Make {}? [y/N] ", show::changes(changes))?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The first signal ends the run as soon as what is in flight has landed, the second one at once.
async fn end_early(stop: Stop) {
    interrupted().await;
    stop.now();
    let _ = writeln!(std::io::stderr(), "finishing what is in flight; once more to end at once");
    interrupted().await;
    std::process::exit(130);
}

impl From<TooManyDeletes> for Failure {
    fn from(error: TooManyDeletes) -> Self {
        Self::usage(format!("{error}; nothing was changed"))
            .hint("see that the list is whole, or allow more with --max-delete")
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let hint = match &error {
            JournalError::NoSuch { .. } => {
                "the list itself in place of --resume; --journal FILE if it is elsewhere"
            }
            JournalError::Io { .. } => {
                "--journal FILE names another place; the list itself always begins anew"
            }
            JournalError::InUse { .. } => "wait for the other run, or name another place with --journal",
            JournalError::Foreign { .. } | JournalError::Partial { .. } => {
                "begin anew with the list itself, without --resume"
            }
        };
        Self::usage(error.to_string()).hint(hint)
    }
}
