//! What was understood of a list, for a person to look at before anything is changed.

use std::io;
use std::path::Path;

use jackfield_client::sync::{Problem, Understanding};
use jackfield_model::AmazonId;
use serde::Serialize;
use serde_json::Value;

use super::parts::{cut, problem};
use crate::output::{Format, Output, columns, wrapped};

/// Changed values that are shown one by one.
const CHANGED: usize = 20;

/// Widest value in these lines, which have to fit a terminal of 80 columns.
const VALUE: usize = 32;

/// What `--inspect --output json` prints.
#[derive(Serialize)]
struct Inspected<'a> {
    list: &'a Understanding,
    invalid: Vec<Value>,
}

/// Shows what was understood and nothing else.
pub(super) fn inspected(
    output: &mut Output,
    file: &Path,
    list: &Understanding,
    problems: &[Problem],
) -> io::Result<()> {
    if output.format() == Format::Json {
        return output.json(&Inspected { list, invalid: problems.iter().map(problem).collect() });
    }
    output.line(&format!("file      {}", file.display()))?;
    show(output, list)
}

/// Shows it above a plan.
pub(super) fn show(output: &mut Output, list: &Understanding) -> io::Result<()> {
    let mut lines = vec![format!("list      {}", what(list)), columns_of(list), rows(list)];
    lines.extend(list.remarks.iter().map(|remark| format!("note      {remark}")));
    for changed in list.changed.iter().take(CHANGED) {
        let unit = unit(list);
        lines.push(format!(
            "value     {unit} {}, {}: \"{}\" is read as \"{}\"",
            changed.line,
            cut(&changed.field, VALUE),
            cut(&changed.before, VALUE),
            cut(&changed.after, VALUE)
        ));
    }
    if list.changed.len() > CHANGED {
        lines.push(format!("value     and {} more; --output json shows them", list.changed.len() - CHANGED));
    }
    for line in lines.iter().filter(|line| !line.is_empty()) {
        for line in wrapped(line, columns(&io::stdout()), "          ").lines() {
            output.line(line)?;
        }
    }
    Ok(())
}

fn what(list: &Understanding) -> String {
    let mut parts = vec![list.format.clone()];
    parts.extend(list.encoding.clone());
    parts.extend(list.sheet.as_ref().map(|sheet| format!("sheet \"{}\"", cut(sheet, VALUE))));
    parts.extend(list.delimiter.as_ref().map(|delimiter| match delimiter.as_str() {
        "tab" => "columns separated by tabs".to_owned(),
        sign => format!("columns separated by \"{sign}\""),
    }));
    parts.extend(list.header_row.map(|line| format!("header in {} {line}", unit(list))));
    parts.join(", ")
}

fn columns_of(list: &Understanding) -> String {
    let column = |what: &str, taken: &Option<jackfield_client::sync::Taken>| {
        let taken = taken.as_ref()?;
        let name = cut(&taken.name, VALUE);
        Some(format!("{what} from column {} \"{name}\" ({})", taken.column, taken.because))
    };
    let columns = [
        column("externalUserId", &list.external_user_id),
        column("amazonId", &list.amazon_id),
        column("unit", &list.unit),
        column("profileName", &list.profile_name),
        column("contactName", &list.contact_name),
    ];
    let columns: Vec<String> = columns.into_iter().flatten().collect();
    if columns.is_empty() { String::new() } else { format!("columns   {}", columns.join(", ")) }
}

fn rows(list: &Understanding) -> String {
    let short = |id: &str| format!("…{}", id.strip_prefix(AmazonId::PREFIX).unwrap_or(id));
    let example = list.examples.iter().map(|example| {
        let of_unit = || format!("\"{}\"", example.unit.as_deref().unwrap_or_default());
        let profile = example.amazon_id.as_deref().map_or_else(of_unit, short);
        let (id, profile) = (cut(&example.external_user_id, VALUE), cut(&profile, VALUE));
        format!("{id} {profile} ({} {})", unit(list), example.line)
    });
    let examples: Vec<String> = example.collect();
    let colon = if examples.is_empty() { "" } else { ": " };
    format!("rows      {}{colon}{}", list.rows, examples.join(", "))
}

const fn unit(list: &Understanding) -> &'static str {
    if list.sheet.is_some() { "row" } else { "line" }
}
