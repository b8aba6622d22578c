//! CSV and TSV.

use std::io::BufRead;

use jackfield_model::wire::{AMAZON_ID_TYPE, Association};
use jackfield_model::{AmazonId, ExternalUserId, InvalidId};

use super::columns::{Column, Columns};
use super::record::{Broken, RECORD_BYTES, Record, Records};
use super::{Found, InputError, InputOptions, Problem, Reading, trimmed};

/// Reads all records.
pub(super) fn read(
    input: impl BufRead,
    options: &InputOptions,
    reading: &mut Reading,
) -> Result<(), InputError> {
    let mut records = Records::new(input, reading.delimiter);
    let mut record = Record::default();
    let mut columns = None;
    if !options.header {
        columns = Some(Columns::by_number(options, reading)?);
    }
    while records.next(&mut record).map_err(|broken| refusal(broken, reading))? {
        if record.is_blank() {
            continue;
        }
        let Some(columns) = &columns else {
            let found = Columns::by_name(&record, options, reading)?;
            let skipped = if found.has_problem { record.first_field } else { 0 };
            reading.header = Some(record.raw[skipped..].to_vec());
            columns = Some(found);
            continue;
        };
        let skipped = if columns.has_problem { record.first_field } else { 0 };
        let column = &columns.external_user_id;
        let found = Found {
            line: record.line,
            raw: record.raw[skipped..].to_vec(),
            row: row(&record, columns, reading),
            place: (Some(number(column)), column.name.clone()),
        };
        reading.found.push(found);
    }
    match columns {
        None => Err(reading.refused(1, "the input is empty; a header is expected")),
        Some(_) => Ok(()),
    }
}

fn row(record: &Record, columns: &Columns, reading: &Reading) -> Result<Association, Vec<Problem>> {
    if let Some(field) = record.after_quote {
        let column = Some(field as u64 + 1);
        let rule = "has text after its closing quote; a quote inside a quoted field is written twice";
        return Err(vec![Problem { column, ..reading.problem(record.line, rule) }]);
    }
    if let Some(expected) = columns.count.filter(|&count| count != record.len()) {
        let rule = format!("the row has {}, the header has {expected}", fields(record.len()));
        return Err(vec![reading.problem(record.line, rule)]);
    }
    let mut problems = Vec::new();
    let external_user_id =
        value(record, &columns.external_user_id, ExternalUserId::new, reading, &mut problems);
    let amazon_id = value(record, &columns.amazon_id, AmazonId::new, reading, &mut problems);
    if let Some(column) = &columns.amazon_id_type {
        let kind = record.field(column.index).trim_ascii();
        if !kind.is_empty() && kind != AMAZON_ID_TYPE.as_bytes() {
            let rule = format!("must be \"{AMAZON_ID_TYPE}\" or empty");
            problems.push(at(column, reading.problem(record.line, rule)));
        }
    }
    match (external_user_id, amazon_id) {
        (Some(external_user_id), Some(amazon_id)) if problems.is_empty() => {
            Ok(Association::new(external_user_id, amazon_id))
        }
        _ => Err(problems),
    }
}

/// The value of a field; what is wrong with it is added to the problems.
fn value<T>(
    record: &Record,
    column: &Column,
    check: fn(&str) -> Result<T, InvalidId>,
    reading: &Reading,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let checked = if column.index >= record.len() {
        Err(format!("is missing; the row has {}", fields(record.len())))
    } else {
        match std::str::from_utf8(record.field(column.index)) {
            Err(_) => Err("is not UTF-8; save the file as UTF-8".to_owned()),
            Ok(text) if trimmed(text).is_empty() => Err("is empty".to_owned()),
            Ok(text) => check(trimmed(text)).map_err(|error| error.to_string()),
        }
    };
    match checked {
        Ok(value) => Some(value),
        Err(rule) => {
            problems.push(at(column, reading.problem(record.line, rule)));
            None
        }
    }
}

fn at(column: &Column, problem: Problem) -> Problem {
    Problem { column: Some(number(column)), field: Some(column.name.clone()), ..problem }
}

const fn number(column: &Column) -> u64 {
    column.index as u64 + 1
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field".to_owned() } else { format!("{count} fields") }
}

fn refusal(broken: Broken, reading: &Reading) -> InputError {
    match broken {
        Broken::Io(error) => reading.unreadable(error),
        Broken::Unclosed { line, field } => {
            let rule =
                "a quoted field begins here and is never closed; the input is cut off, or a quote is missing";
            InputError::Refused(Problem { column: Some(field as u64 + 1), ..reading.problem(line, rule) })
        }
        Broken::TooLong { line } => {
            let rule = format!("the row is longer than {RECORD_BYTES} bytes; a quote may be missing");
            reading.refused(line, rule)
        }
    }
}
