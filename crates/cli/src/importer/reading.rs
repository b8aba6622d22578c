//! How an import reads its list, and what is shown of it.

use std::path::Path;

use jackfield_client::sync::{
    Allowed, Beginning, Doubt, Encoding, Format, Input, InputError, InputOptions, Problem, Understanding,
};
use jackfield_model::admin::{ImportPlan, ImportPreview, ImportProblem, ImportReading, ImportRow};
use jackfield_model::limit;

/// Changed values that are told one by one.
const CHANGED: usize = 10;

/// The options of the library.
///
/// # Errors
/// The property that is wrong, and its rule.
pub(super) fn options(name: &str, reading: &ImportReading) -> Result<InputOptions, String> {
    let wrong = |property: &str, rule: &dyn std::fmt::Display| format!("{property}: {rule}.");
    let format = match reading.format.as_deref() {
        None => Format::of_path(Path::new(name)).unwrap_or(Format::Csv),
        Some("csv") => Format::Csv,
        Some("tsv") => Format::Tsv,
        Some("jsonl") => Format::JsonLines,
        Some(_) => return Err(wrong("format", &"expected one of csv, tsv, jsonl")),
    };
    let encoding = reading.encoding.as_deref().map(str::parse::<Encoding>).transpose();
    let encoding = encoding.map_err(|error| wrong("encoding", &error))?;
    let delimiter = reading.delimiter.as_deref().map(delimiter).transpose();
    let delimiter = delimiter.map_err(|error| wrong("delimiter", &error))?;
    let allow = reading.allow.iter().map(|kind| kind.parse::<Doubt>()).collect::<Result<Allowed, _>>();
    let allow = allow.map_err(|error| wrong("allow", &error))?;
    if reading.header_row.is_some_and(|line| !(1..=limit::LIST_HEADER_ROW_MAX).contains(&line)) {
        return Err(format!("header_row: a line from 1 to {} is expected.", limit::LIST_HEADER_ROW_MAX));
    }
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    Ok(InputOptions {
        delimiter,
        header: !reading.no_header,
        header_row: reading.header_row.filter(|_| !reading.no_header),
        external_user_id: given(&reading.id_column),
        amazon_id: given(&reading.amazon_id_column),
        encoding,
        sheet: given(&reading.sheet),
        until_blank_row: reading.until_blank_row,
        clean: reading.clean,
        allow,
        expect_rows: reading.expect_rows,
        most_rows: Some(limit::IMPORT_ROWS),
        ..InputOptions::new(name, format)
    })
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        b"tab" | b"\t" => Ok(b'\t'),
        [byte] if byte.is_ascii_punctuation() && *byte != b'"' => Ok(*byte),
        _ => Err("one ASCII sign or tab is expected"),
    }
}

/// What a person sees before anything is planned.
pub(super) fn preview(beginning: Beginning, input: Result<Input, InputError>) -> ImportPreview {
    let Beginning { sheets, sheet, delimiter, header_row, columns, rows, .. } = beginning;
    let rows = rows.into_iter().map(|row| ImportRow { line: row.line, cells: row.cells }).collect();
    let shown = ImportPreview {
        sheets,
        sheet,
        delimiter,
        header_row,
        columns,
        rows,
        suggested_id_column: beginning.suggested_external_user_id,
        suggested_amazon_id_column: beginning.suggested_amazon_id,
        ..ImportPreview::default()
    };
    let input = match input {
        Ok(input) => input,
        Err(error) => return ImportPreview { refused: Some(error.to_string()), ..shown },
    };
    let ImportPlan { invalid, problems, remarks, .. } = plan(&input);
    let Understanding { format, encoding, external_user_id, amazon_id, rows, .. } = input.understood;
    ImportPreview {
        format,
        encoding,
        id_column: external_user_id.map(|taken| taken.column),
        amazon_id_column: amazon_id.map(|taken| taken.column),
        row_count: Some(rows),
        invalid,
        problems,
        remarks,
        ..shown
    }
}

/// What a plan says of the list.
pub(super) fn plan(input: &Input) -> ImportPlan {
    let changed = &input.understood.changed;
    let told = changed.iter().take(CHANGED).map(|changed| {
        format!(
            "line {}, {}: \"{}\" is read as \"{}\"",
            changed.line, changed.field, changed.before, changed.after
        )
    });
    let mut remarks: Vec<String> = input.understood.remarks.iter().cloned().chain(told).collect();
    if changed.len() > CHANGED {
        remarks.push(format!("{} more values are read otherwise than they stand", changed.len() - CHANGED));
    }
    ImportPlan {
        invalid: input.rejects.len() as u64,
        problems: input.problems().take(limit::IMPORT_SHOWN).map(problem).collect(),
        remarks,
        ..ImportPlan::default()
    }
}

fn problem(problem: &Problem) -> ImportProblem {
    let rule = problem.rule.clone();
    let field = match (problem.cell(), &problem.field) {
        (Some(cell), Some(field)) => Some(format!("{cell} ({field})")),
        (cell, field) => cell.or_else(|| field.clone()),
    };
    ImportProblem { line: problem.line, field, rule }
}
