//! A plan and what became of it, as a table for people or as one JSON document for programs.

use std::io;
use std::time::Duration;

use jackfield_client::Client;
use jackfield_client::sync::{Change, Counts, Kind, Plan, Report, Stopped, Understanding};
use jackfield_model::{AmazonId, ServiceProviderId};
use serde::Serialize;
use serde_json::{Value, json};

use super::Ending;
use super::input::Rejected;
use super::parts::{cut, problem};
use super::progress::rate;
use super::understood;
use crate::output::{Format, Output, columns, wrapped};

/// Failures that the table shows one by one.
const FAILURES: usize = 100;

/// Widest table where no terminal says how wide it is.
const NO_TERMINAL: usize = 400;

/// A failure as people see it.
pub(super) struct Failed<'a> {
    /// What it is about, with the change.
    pub(super) what: String,
    pub(super) line: Option<u64>,
    pub(super) reason: &'a str,
    pub(super) request_id: Option<&'a str>,
}

/// Shows what is planned, for whom and from what.
pub(super) fn head(
    output: &mut Output,
    provider: ServiceProviderId,
    client: &Client,
    list: Option<&Understanding>,
) -> io::Result<()> {
    output.line(&format!("provider  {provider}"))?;
    output.line(&format!("endpoint  {}", client.endpoint()))?;
    list.map_or(Ok(()), |list| understood::show(output, list))
}

/// Shows failures, as far as people read them.
pub(super) fn failures<'a>(
    output: &mut Output,
    failed: impl ExactSizeIterator<Item = Failed<'a>>,
) -> io::Result<()> {
    let more = failed.len().saturating_sub(FAILURES);
    for Failed { what, line, reason, request_id } in failed.take(FAILURES) {
        let id = request_id.map(|id| format!(", request id {id}")).unwrap_or_default();
        let line = line.map(|line| format!(" (line {line})")).unwrap_or_default();
        let text = format!("failed: {what}{line}: {reason}{id}");
        for line in wrapped(&text, columns(&io::stdout()), "  ").lines() {
            output.line(line)?;
        }
    }
    if more > 0 {
        output.line(&format!("and {more} more failed; --output json shows them"))?;
    }
    Ok(())
}

/// Shows how long a run took.
pub(super) fn effort(output: &mut Output, changes: u64, requests: u64, elapsed: Duration) -> io::Result<()> {
    let (seconds, a_second) = (elapsed.as_secs_f64(), rate(changes, elapsed));
    output.line(&format!("  in {seconds:.1} s, with {requests} requests, {a_second} changes a second"))
}

/// Shows a plan as a table; JSON waits for the end.
pub(super) fn plan(
    output: &mut Output,
    provider: ServiceProviderId,
    client: &Client,
    list: Option<&Understanding>,
    plan: &Plan,
    most: usize,
) -> io::Result<()> {
    if output.format() == Format::Json {
        return Ok(());
    }
    head(output, provider, client, list)?;
    let counts = plan.counts();
    for (name, count, excluded) in [
        ("create", counts.create, plan.excluded.create),
        ("update", counts.update, plan.excluded.update),
        ("delete", counts.delete, plan.excluded.delete),
    ] {
        let more = if excluded == 0 { String::new() } else { format!("  ({excluded} more not asked for)") };
        output.line(&format!("  {name:<9} {count:>8}{more}"))?;
    }
    output.line(&format!("  unchanged {:>8}", plan.unchanged))?;
    if plan.kept > 0 {
        output.line(&format!("  not in the list, kept {}", plan.kept))?;
    }
    if !plan.changes.is_empty() && most > 0 {
        output.line("")?;
        table(output, &plan.changes[..plan.changes.len().min(most)])?;
        if plan.changes.len() > most {
            output.line(&format!(
                "and {} more; --show N or --output json shows them",
                plan.changes.len() - most
            ))?;
        }
        output.line("")?;
    }
    Ok(())
}

/// Shows what became of a plan; in JSON the plan too.
pub(super) fn ending(
    output: &mut Output,
    provider: ServiceProviderId,
    client: &Client,
    list: Option<&Understanding>,
    plan: &Plan,
    rejected: &Rejected,
    ending: Option<&Ending>,
) -> io::Result<()> {
    if output.format() == Format::Json {
        let clean = |ending: &Ending| Some(ending.left.as_ref()?.as_ref().ok()?.changes.is_empty());
        return output.json(&EndingDocument {
            service_provider_id: provider,
            endpoint: client.endpoint().to_string(),
            list,
            plan: PlanDocument::of(plan),
            invalid: rejected.problems().iter().map(problem).collect(),
            applied: ending.map(|ending| report_document(&ending.report)),
            verified: ending.and_then(clean),
        });
    }
    let Some(Ending { report, left }) = ending else {
        return if plan.changes.is_empty() { output.line("in sync, nothing to do") } else { Ok(()) };
    };
    let Counts { create, update, delete } = report.done;
    output.line(&format!("done: {create} created, {update} updated, {delete} deleted"))?;
    effort(output, report.done.total(), report.requests, report.elapsed)?;
    if report.found_done > 0 {
        output.line(&format!(
            "  {} of them lost their answer and were found done by a query",
            report.found_done
        ))?;
    }
    let failed = report.failed.iter().map(|failure| Failed {
        what: format!("{} {}", failure.change.kind(), failure.change.external_user_id),
        line: failure.change.line,
        reason: &failure.reason,
        request_id: failure.request_id.as_deref(),
    });
    failures(output, failed)?;
    match left {
        Some(Ok(now)) if now.changes.is_empty() => {
            output.line(&format!("verified: {} as they should be", associations(now.unchanged)))
        }
        Some(Ok(now)) => output.line(&format!("not as it should be: {}", changes(now.changes.len() as u64))),
        Some(Err(_)) | None => Ok(()),
    }
}

/// `3 changes are left`.
pub(super) fn left(count: u64) -> String {
    if count == 1 { "1 change is left".to_owned() } else { format!("{count} changes are left") }
}

/// `3 changes`.
pub(super) fn changes(count: u64) -> String {
    if count == 1 { "1 change".to_owned() } else { format!("{count} changes") }
}

fn associations(count: u64) -> String {
    if count == 1 { "1 association is".to_owned() } else { format!("{count} associations are") }
}

/// The rows of a table that fits the terminal: what is too long is cut in the middle.
fn table(output: &mut Output, changes: &[Change]) -> io::Result<()> {
    let row = |change: &Change| {
        let line = change.line.map_or_else(|| "-".to_owned(), |line| line.to_string());
        [change.kind().to_string(), line, change.external_user_id.to_string(), profiles(change)]
    };
    let head = ["CHANGE", "LINE", "EXTERNAL USER ID", "COMMUNICATION PROFILE"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(changes.iter().map(row)).collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let fixed = widest(0) + widest(1) + 6;
    let free = columns(&io::stdout()).unwrap_or(NO_TERMINAL).saturating_sub(fixed).max(40);
    // The id is what people look for: the profile gives way first, down to half of the room.
    let id = widest(2).min(free - widest(3).min(free / 2));
    let profile = widest(3).min(free - id);
    for [kind, line, endpoint, profiles] in &rows {
        let (endpoint, profiles) = (cut(endpoint, id), cut(profiles, profile));
        let text = format!(
            "{kind:<0$}  {line:>1$}  {endpoint}{blank:2$}  {profiles}",
            widest(0),
            widest(1),
            id - endpoint.chars().count(),
            blank = ""
        );
        output.line(text.trim_end())?;
    }
    Ok(())
}

/// All profiles begin alike: only what differs is shown.
fn profiles(change: &Change) -> String {
    let short = |id: &AmazonId| format!("…{}", id.suffix());
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{} -> {}", short(before), short(after)),
        (Some(one), None) | (None, Some(one)) => short(one),
        (None, None) => String::new(),
    }
}

/// A change as a JSON object, its kind first. Borrowed, because a plan can be long.
#[derive(Serialize)]
pub(in crate::command) struct ChangeDocument<'a> {
    change: Kind,
    #[serde(flatten)]
    what: &'a Change,
}

#[derive(Serialize)]
struct PlanDocument<'a> {
    counts: Counts,
    unchanged: u64,
    kept: u64,
    excluded: Counts,
    changes: Vec<ChangeDocument<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EndingDocument<'a> {
    service_provider_id: ServiceProviderId,
    endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<&'a Understanding>,
    plan: PlanDocument<'a>,
    invalid: Vec<Value>,
    applied: Option<Value>,
    verified: Option<bool>,
}

impl<'a> ChangeDocument<'a> {
    pub(in crate::command) const fn of(what: &'a Change) -> Self {
        Self { change: what.kind(), what }
    }
}

impl<'a> PlanDocument<'a> {
    fn of(plan: &'a Plan) -> Self {
        Self {
            counts: plan.counts(),
            unchanged: plan.unchanged,
            kept: plan.kept,
            excluded: plan.excluded,
            changes: plan.changes.iter().map(ChangeDocument::of).collect(),
        }
    }
}

fn report_document(report: &Report) -> Value {
    let failed = report.failed.iter().map(|failure| {
        let mut object = json!(ChangeDocument::of(&failure.change));
        object["reason"] = json!(failure.reason);
        object["requestId"] = json!(failure.request_id);
        object
    });
    let stopped = report.stopped.as_ref().map(stopped);
    json!({
        "counts": report.done,
        "foundDone": report.found_done,
        "failed": failed.collect::<Vec<_>>(),
        "left": report.left,
        "stopped": stopped,
        "requests": report.requests,
        "seconds": report.elapsed.as_secs_f64(),
    })
}

/// Why a run ended early.
pub(super) fn stopped(stopped: &Stopped) -> String {
    match stopped {
        Stopped::Asked => "interrupted".to_owned(),
        Stopped::Error(error) => error.to_string(),
        Stopped::Journal(error) => error.to_string(),
    }
}

/// The sign of a change in a list of differences.
pub(in crate::command) const fn sign(kind: Kind) -> char {
    match kind {
        Kind::Create => '+',
        Kind::Update => '~',
        Kind::Delete => '-',
    }
}
