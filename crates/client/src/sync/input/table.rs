//! The rows of a table: which of them count, and what each says.

use jackfield_model::wire::AMAZON_ID_TYPE;
use jackfield_model::{AmazonId, ExternalUserId, InvalidId};

use super::characters::{looks_blank, printable, trimmed};
use super::columns::{Column, Columns};
use super::entry::{self, Entry, Field, PropertyValues};
use super::layout::Layout;
use super::reading::{Found, Reading};
use super::record::{Broken, END_MARK, RECORD_BYTES, Record, Source};
use super::value;
use super::{InputError, Problem};

/// Words with which a total or a note below a table begins.
const FOOTERS: &[&str] = &[
    "total",
    "subtotal",
    "sub-total",
    "sum",
    "summe",
    "gesamt",
    "insgesamt",
    "anzahl",
    "count",
    "number of",
    "somme",
    "totale",
    "totales",
    "somma",
    "suma",
    "nombre",
    "numero",
    "n.",
    "合計",
    "小計",
    "generated",
    "created",
    "exported",
    "printed",
    "report",
    "page",
    "seite",
    "stand",
    "erstellt",
    "gedruckt",
    "imprimé",
    "stampato",
    "impreso",
    "end of",
    "ende",
    "fin",
    "eof",
    "***",
    "---",
    "===",
    "note",
    "hinweis",
    "legend",
    "©",
    "copyright",
];

/// The rows below the header.
struct Body<'a, 'b> {
    columns: &'a Columns,
    reading: &'a mut Reading<'b>,
    /// Whether a row of the table was seen.
    begun: bool,
    /// The first blank row below the table so far.
    blank: Option<u64>,
    /// Where the table ended, as asked for.
    ended: Option<u64>,
    /// Rows below that, and the first of them as a person sees it.
    below: (u64, String),
}

/// Reads all records of a source.
pub(super) fn read(
    source: &mut impl Source,
    layout: &Layout,
    reading: &mut Reading<'_>,
) -> Result<(), InputError> {
    let columns = &layout.columns;
    reading.place = (Some(columns.external_user_id.number()), columns.external_user_id.name.clone());
    reading.understood.header_row = layout.header;
    reading.understood.external_user_id = Some(columns.external_user_id.taken());
    let taken = |field| columns.of(field).map(Column::taken);
    reading.understood.amazon_id = taken(Field::AmazonId);
    reading.understood.unit = taken(Field::Unit);
    reading.understood.profile_name = taken(Field::ProfileName);
    reading.understood.contact_name = taken(Field::ContactName);
    let mut above: Vec<String> = Vec::new();
    let mut body =
        Body { columns, reading, begun: false, blank: None, ended: None, below: (0, String::new()) };
    let mut record = Record::default();
    while source.next(&mut record).map_err(|broken| refusal(broken, body.reading))? {
        match layout.header {
            Some(header) if record.line < header => {
                above.extend((!record.is_blank()).then(|| seen(&record)));
            }
            Some(header) if record.line == header => {
                let skipped = if columns.has_problem { record.first_field } else { 0 };
                body.reading.header = Some(record.raw[skipped..].to_vec());
            }
            _ => body.take(&record)?,
        }
    }
    body.end();
    if let Some(first) = above.first() {
        let header = layout.header.unwrap_or_default();
        reading.remark(format!(
            "what stands above the header in {} {header} is not read: \"{first}\"",
            reading.unit()
        ));
    }
    Ok(())
}

impl Body<'_, '_> {
    fn take(&mut self, record: &Record) -> Result<(), InputError> {
        let blank = record.is_blank();
        if let Some(ended) = self.ended {
            return if blank || record.is_end_mark() { Ok(()) } else { self.take_below(record, ended) };
        }
        let until_blank = self.reading.options.until_blank_row;
        if blank {
            self.blank = self.blank.or(Some(record.line).filter(|_| self.begun));
            self.ended = Some(record.line).filter(|_| self.begun && until_blank);
            return Ok(());
        }
        if record.is_end_mark() && (until_blank || self.reading.options.clean) {
            self.ended = Some(record.line);
            return Ok(());
        }
        if self.columns.are_named_by(record) {
            let (unit, line) = (self.reading.unit(), record.line);
            self.reading.remark(format!(
                "{unit} {line} repeats the header and is not read; two lists may have been joined there"
            ));
            return Ok(());
        }
        self.begun = true;
        let read = row(record, self.columns, self.reading);
        let (row, id) = match read {
            Ok(association) => {
                // A blank row inside the table is not below it.
                self.blank = None;
                (Ok(association), None)
            }
            Err((mut problems, id)) => {
                self.explain(record, &mut problems);
                (Err(problems), id)
            }
        };
        let skipped = if self.columns.has_problem { record.first_field } else { 0 };
        let raw = record.raw[skipped..].to_vec();
        self.reading.push(Found { line: record.line, raw, row, id })
    }

    /// A row below the end that was asked for. Nobody asks for less than the table.
    fn take_below(&mut self, record: &Record, ended: u64) -> Result<(), InputError> {
        let columns = self.columns;
        let holds = |column: &Column| !looks_blank(&record.text(column.index));
        let profile = columns.amazon_id.as_ref();
        let profile = profile.is_some_and(|column| record.text(column.index).contains(AmazonId::PREFIX));
        if profile || columns.property.unit.as_ref().is_some_and(holds) && holds(&columns.external_user_id) {
            let unit = self.reading.unit();
            return Err(self.reading.refused(
                record.line,
                format!(
                    "is a row of the list below the blank {unit} {ended}, at which --until-blank-row ends it; take \
                     the blank {unit} out, or read all of it"
                ),
            ));
        }
        if self.below.0 == 0 {
            self.below.1 = seen(record);
        }
        self.below.0 += 1;
        Ok(())
    }

    fn end(&mut self) {
        let (count, first) = &self.below;
        if *count > 0 {
            let rows = if *count == 1 { "1 row is".to_owned() } else { format!("{count} rows are") };
            let ended = self.ended.unwrap_or_default();
            let said = format!("{rows} not read below {} {ended}: \"{first}\"", self.reading.unit());
            self.reading.remark(said);
        }
    }

    /// Says of a row that is no row of the table what it seems to be.
    fn explain(&self, record: &Record, problems: &mut Vec<Problem>) {
        let until =
            |blank: u64| format!("--until-blank-row reads up to the blank {} {blank}", self.reading.unit());
        if record.is_end_mark() {
            let rule =
                "is a Ctrl-Z, with which old programs end a file; --until-blank-row ends the list there";
            *problems = vec![self.reading.problem(record.line, rule)];
            return;
        }
        let texts: Vec<_> = record.texts().filter(|text| !looks_blank(text)).collect();
        let first = texts.first().map(|text| trimmed(text).to_lowercase()).unwrap_or_default();
        let known = FOOTERS.iter().any(|word| {
            first.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
        });
        let profile = texts.iter().any(|text| text.contains(AmazonId::PREFIX));
        if profile || !(known || (self.blank.is_some() && texts.len() == 1)) {
            return;
        }
        let helps = match self.blank {
            Some(blank) => until(blank),
            None => "take it out, or --skip-invalid goes on without it".to_owned(),
        };
        if let Some(last) = problems.last_mut() {
            last.rule += &format!("; it seems to be a total or a note below the table: {helps}");
        }
    }
}

/// What is wrong with a row, and the id that it would have.
type Refused = (Vec<Problem>, Option<Box<str>>);

fn row(record: &Record, columns: &Columns, reading: &mut Reading<'_>) -> Result<Entry, Refused> {
    let whole = |problem| (vec![problem], None);
    if let Some(field) = record.after_quote {
        let column = Some(field as u64 + 1);
        let rule = "has text after its closing quote; a quote inside a quoted field is written twice";
        return Err(whole(Problem { column, ..reading.problem(record.line, rule) }));
    }
    if let Some(rule) = columns.count.and_then(|count| misfit(record, columns, count)) {
        return Err(whole(reading.problem(record.line, rule)));
    }
    let mut problems = Vec::new();
    if record.mark && reading.options.clean {
        reading.note_change(record.line, "beginning of the line", "\u{feff}", "");
    } else if record.mark {
        let rule = "begins with a byte-order mark (U+FEFF), which nobody sees; two files may have been joined here; \
                    --clean takes it out";
        problems.push(reading.problem(record.line, rule));
    }
    let (external_user_id, id) =
        value(record, &columns.external_user_id, ExternalUserId::new, value::doubt, reading, &mut problems);
    let parts = reading.options.parts;
    let is_blank = |column: &Column| looks_blank(&record.text(column.index));
    let of_unit = |column: &Column| parts.profiles && is_blank(column);
    let amazon_id =
        columns.amazon_id.as_ref().filter(|column| !of_unit(column)).and_then(|column| {
            value(record, column, AmazonId::new, value::no_value, reading, &mut problems).0
        });
    let mut named = |field, check| {
        let column = columns.of(field).filter(|column| !is_blank(column))?;
        value(record, column, check, value::doubt, reading, &mut problems).0
    };
    let values = PropertyValues {
        unit: named(Field::Unit, entry::unit),
        profile_name: named(Field::ProfileName, entry::name),
        contact_name: named(Field::ContactName, entry::name),
    };
    if let Some(column) = &columns.amazon_id_type {
        let text = record.text(column.index);
        let kind = trimmed(&text);
        if !kind.is_empty() && kind != AMAZON_ID_TYPE {
            let rule = format!("must be \"{AMAZON_ID_TYPE}\" or empty");
            problems.push(at(column, reading.problem(record.line, rule)));
        }
    }
    let Some(external_user_id) = external_user_id.filter(|_| problems.is_empty()) else {
        return Err((problems, id));
    };
    Entry::new(parts, external_user_id, amazon_id, values).map_err(|(field, rule)| {
        let problem = reading.problem(record.line, rule);
        let problem = match columns.of(field) {
            Some(column) => at(column, problem),
            None => Problem { field: Some(field.name().to_owned()), ..problem },
        };
        (vec![problem], id)
    })
}

/// Fields that are too many or too few matter where they hold something.
fn misfit(record: &Record, columns: &Columns, count: usize) -> Option<String> {
    let needed = columns.needed().map(|column| column.index + 1).max().unwrap_or_default();
    let holds = |index| !looks_blank(record.text(index).trim_end_matches(char::from(END_MARK)));
    let more = (count..record.len()).any(holds);
    (more || record.len() < needed)
        .then(|| format!("the row has {}, the header has {count}", fields(record.len())))
}

/// The value of a field; what is wrong with it is added to the problems. With it comes the text of the field where it
/// is one, however doubtful.
fn value<T>(
    record: &Record,
    column: &Column,
    check: fn(&str) -> Result<T, InvalidId>,
    doubt: fn(&str, &super::InputOptions) -> Option<String>,
    reading: &mut Reading<'_>,
    problems: &mut Vec<Problem>,
) -> (Option<T>, Option<Box<str>>) {
    let options = reading.options;
    let mut id = None;
    let checked = if let Some((_, rule)) = record.defects.iter().find(|(index, _)| *index == column.index) {
        Err(rule.clone())
    } else if column.index >= record.len() {
        Err(format!("is missing; the row has {}", fields(record.len())))
    } else {
        match std::str::from_utf8(record.field(column.index)) {
            Err(_) => Err(reading.foreign(record.field(column.index))),
            Ok(text) => {
                let text =
                    if ends_file(text, record, column, options) { &text[..text.len() - 1] } else { text };
                let taken = value::taken(text, options);
                reading.note_change(record.line, &column.name, text, &taken);
                id = Some(taken.as_ref().into());
                checked(&taken, check, doubt, options)
            }
        }
    };
    match checked {
        Ok(value) => (Some(value), id),
        Err(rule) => {
            problems.push(at(column, reading.problem(record.line, rule)));
            (None, id)
        }
    }
}

/// Whether the field is the last and ends with the mark that ends a file, which may be taken off.
fn ends_file(text: &str, record: &Record, column: &Column, options: &super::InputOptions) -> bool {
    (options.until_blank_row || options.clean)
        && column.index + 1 == record.len()
        && text.as_bytes().last() == Some(&END_MARK)
}

/// A value that the contract allows and nothing speaks against.
pub(super) fn checked<T>(
    text: &str,
    check: fn(&str) -> Result<T, InvalidId>,
    doubt: fn(&str, &super::InputOptions) -> Option<String>,
    options: &super::InputOptions,
) -> Result<T, String> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if text.as_bytes().last() == Some(&END_MARK) {
        return Err("ends with a Ctrl-Z, with which old programs end a file; --until-blank-row takes it off"
            .to_owned());
    }
    if let Some(rule) = value::character_doubt(text, options).or_else(|| doubt(text, options)) {
        return Err(rule);
    }
    check(text).map_err(|error| error.to_string())
}

fn at(column: &Column, problem: Problem) -> Problem {
    Problem { column: Some(column.number()), field: Some(column.name.clone()), ..problem }
}

fn fields(count: usize) -> String {
    if count == 1 { "1 field".to_owned() } else { format!("{count} fields") }
}

/// A row as a person sees it.
fn seen(record: &Record) -> String {
    let texts: Vec<String> =
        record.texts().filter(|text| !looks_blank(text)).map(|text| printable(trimmed(&text))).collect();
    texts.join(" ")
}

fn refusal(broken: Broken, reading: &Reading<'_>) -> InputError {
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
