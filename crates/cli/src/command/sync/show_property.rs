//! The plan of a property and what became of it, as a table for people or as one JSON document for programs.

use std::io;

use jackfield_client::Client;
use jackfield_client::sync::{Counts, Kind, PropertyPlan, PropertyReport, Subject, Unchanged, Understanding};
use jackfield_model::ServiceProviderId;
use serde::Serialize;
use serde_json::{Value, json};

use super::input::Rejected;
use super::parts::{cut, problem};
use super::show::{Failed, changes, effort, failures, head, stopped};
use crate::failure::Failure;
use crate::output::{Format, Output};

/// Widest name in the table.
const NAME: usize = 40;

/// What became of a plan that was applied.
pub(super) struct PropertyEnding {
    pub(super) report: PropertyReport,
    /// What would be needed now, where the run came to its end.
    pub(super) left: Option<Result<PropertyPlan, Failure>>,
}

/// A change as people and programs see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    change: Kind,
    subject: Subject,
    /// What it is called, or the endpoint.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
}

/// Shows a plan as a table; JSON waits for the end.
pub(super) fn plan(
    output: &mut Output,
    provider: ServiceProviderId,
    client: &Client,
    list: Option<&Understanding>,
    plan: &PropertyPlan,
    most: usize,
) -> io::Result<()> {
    if output.format() == Format::Json {
        return Ok(());
    }
    head(output, provider, client, list)?;
    output
        .line(&format!("  {:<14} {:>8} {:>8} {:>8} {:>9}", "", "create", "update", "delete", "unchanged"))?;
    for subject in Subject::ALL {
        let Counts { create, update, delete } = plan.counts(subject);
        let unchanged = unchanged(&plan.unchanged, subject);
        if create + update + delete + unchanged > 0 {
            let name = plural(subject);
            output.line(&format!("  {name:<14} {create:>8} {update:>8} {delete:>8} {unchanged:>9}"))?;
        }
    }
    if plan.kept > 0 {
        output.line(&format!("  associations that are not in the list, kept {}", plan.kept))?;
    }
    let shown: Vec<Entry> = entries(plan).take(most).collect();
    if !shown.is_empty() {
        output.line("")?;
        table(output, &shown)?;
        if plan.len() > shown.len() {
            let more = plan.len() - shown.len();
            output.line(&format!("and {more} more; --show N or --output json shows them"))?;
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
    plan: &PropertyPlan,
    rejected: &Rejected,
    ending: Option<&PropertyEnding>,
) -> io::Result<()> {
    if output.format() == Format::Json {
        let clean = |ending: &PropertyEnding| Some(ending.left.as_ref()?.as_ref().ok()?.is_empty());
        let mut document = json!({
            "serviceProviderId": provider,
            "endpoint": client.endpoint().to_string(),
            "plan": {
                "counts": counts(|subject| plan.counts(subject)),
                "unchanged": plan.unchanged,
                "kept": plan.kept,
                "changes": entries(plan).collect::<Vec<_>>(),
            },
            "invalid": rejected.problems().iter().map(problem).collect::<Vec<_>>(),
            "applied": ending.map(|ending| report(&ending.report)),
            "verified": ending.and_then(clean),
        });
        if let Some(list) = list {
            document["list"] = json!(list);
        }
        return output.json(&document);
    }
    let Some(PropertyEnding { report, left }) = ending else {
        return if plan.is_empty() { output.line("in sync, nothing to do") } else { Ok(()) };
    };
    for subject in Subject::ALL {
        let Counts { create, update, delete } = report.done.of(subject);
        if create + update + delete > 0 {
            let name = plural(subject);
            output.line(&format!("done: {name}: {create} created, {update} updated, {delete} deleted"))?;
        }
    }
    effort(output, report.done.total(), report.requests, report.elapsed)?;
    let failed = report.failed.iter().map(|failure| Failed {
        what: format!("{} {}", failure.subject.as_str(), cut(&failure.name, NAME)),
        line: failure.line,
        reason: &failure.reason,
        request_id: failure.request_id.as_deref(),
    });
    failures(output, failed)?;
    match left {
        Some(Ok(now)) if now.is_empty() => {
            let count: u64 = Subject::ALL.iter().map(|&subject| unchanged(&now.unchanged, subject)).sum();
            output.line(&format!("verified: {count} objects are as they should be"))
        }
        Some(Ok(now)) => output.line(&format!("not as it should be: {}", changes(now.len() as u64))),
        Some(Err(_)) | None => Ok(()),
    }
}

/// Every change, in the order in which they are made.
fn entries(plan: &PropertyPlan) -> impl Iterator<Item = Entry> {
    let units = plan.units.iter().map(|change| Entry {
        change: Kind::Create,
        subject: Subject::Unit,
        name: change.name.clone(),
        before: None,
        after: None,
        line: Some(change.line),
    });
    let profiles = plan.profiles.iter().map(|change| Entry {
        change: change.kind,
        subject: Subject::Profile,
        name: change.unit.clone(),
        before: change.before.clone(),
        after: change.name.clone(),
        line: Some(change.line),
    });
    let associations = plan.associations.iter().map(|change| {
        let of_unit = change.after_of_unit.as_ref().map(|unit| format!("profile of {unit}"));
        Entry {
            change: change.kind(),
            subject: Subject::Association,
            name: change.external_user_id.as_str().to_owned(),
            before: change.before.as_ref().map(|id| id.as_str().to_owned()),
            after: change.after.as_ref().map(|id| id.as_str().to_owned()).or(of_unit),
            line: change.line,
        }
    });
    let books = plan.address_books.iter().map(|name| Entry {
        change: Kind::Create,
        subject: Subject::AddressBook,
        name: name.clone(),
        before: None,
        after: None,
        line: None,
    });
    let contacts = plan.contacts.iter().map(|change| Entry {
        change: change.kind(),
        subject: Subject::Contact,
        name: change.name.clone(),
        before: change.before.clone(),
        after: None,
        line: Some(change.line),
    });
    units.chain(profiles).chain(associations).chain(books).chain(contacts)
}

fn table(output: &mut Output, entries: &[Entry]) -> io::Result<()> {
    let row = |entry: &Entry| {
        let line = entry.line.map_or_else(|| "-".to_owned(), |line| line.to_string());
        let detail = match (&entry.before, &entry.after) {
            (Some(before), Some(after)) => format!("{} -> {}", short(before), short(after)),
            (Some(before), None) => format!("was {}", short(before)),
            (None, Some(after)) => short(after),
            (None, None) => String::new(),
        };
        let subject = entry.subject.as_str().to_owned();
        [entry.change.to_string(), line, subject, cut(&entry.name, NAME), detail]
    };
    let head = ["CHANGE", "LINE", "WHAT", "NAME", ""].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(entries.iter().map(row)).collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..4).map(widest).collect();
    for [change, line, subject, name, detail] in &rows {
        let text = format!(
            "{change:<0$}  {line:>1$}  {subject:<2$}  {name}{blank:3$}  {detail}",
            widths[0],
            widths[1],
            widths[2],
            widths[3] - name.chars().count(),
            blank = ""
        );
        output.line(text.trim_end())?;
    }
    Ok(())
}

/// All profiles begin alike: only what differs is shown.
fn short(text: &str) -> String {
    match text.strip_prefix(jackfield_model::AmazonId::PREFIX) {
        Some(suffix) => format!("…{}", cut(suffix, NAME)),
        None => cut(text, NAME),
    }
}

fn report(report: &PropertyReport) -> Value {
    let failed = report.failed.iter().map(|failure| {
        json!({
            "subject": failure.subject,
            "name": failure.name,
            "line": failure.line,
            "reason": failure.reason,
            "requestId": failure.request_id,
        })
    });
    json!({
        "counts": counts(|subject| report.done.of(subject)),
        "failed": failed.collect::<Vec<_>>(),
        "left": report.left,
        "stopped": report.stopped.as_ref().map(stopped),
        "requests": report.requests,
        "seconds": report.elapsed.as_secs_f64(),
    })
}

/// Counts by subject.
fn counts(of: impl Fn(Subject) -> Counts) -> Value {
    let counts = Subject::ALL.into_iter().map(|subject| (key(subject).to_owned(), json!(of(subject))));
    Value::Object(counts.collect())
}

const fn unchanged(unchanged: &Unchanged, subject: Subject) -> u64 {
    match subject {
        Subject::Unit => unchanged.units,
        Subject::Profile => unchanged.profiles,
        Subject::Association => unchanged.associations,
        Subject::AddressBook => unchanged.address_books,
        Subject::Contact => unchanged.contacts,
    }
}

const fn key(subject: Subject) -> &'static str {
    match subject {
        Subject::Unit => "units",
        Subject::Profile => "profiles",
        Subject::Association => "associations",
        Subject::AddressBook => "addressBooks",
        Subject::Contact => "contacts",
    }
}

const fn plural(subject: Subject) -> &'static str {
    match subject {
        Subject::AddressBook => "address books",
        other => key(other),
    }
}
