//! An input that is being read: what was found so far, and what was understood.

use std::io;
use std::sync::Arc;

use jackfield_model::wire::Association;

use super::beginning::Beginning;
use super::characters::{trimmed, visible};
use super::decode::Encoding;
use super::entry::Entry;
use super::understood::{Changed, Example, Understanding};
use super::{Format, Input, InputError, InputOptions, Problem, PropertyRow, Reject, Row};

/// The rule that a text which is no UTF-8 breaks. What it seems to be is known only when all of it was seen.
const NOT_UTF_8: &str = "is not UTF-8";

/// Bytes that are looked at to guess an encoding.
const GUESS_BYTES: usize = 64 * 1024;

/// An input that is being read.
pub(super) struct Reading<'a> {
    pub(super) options: &'a InputOptions,
    name: Arc<str>,
    /// The sheet that is being read, where the input is a workbook.
    pub(super) sheet: Option<Arc<str>>,
    pub(super) header: Option<Vec<u8>>,
    pub(super) format: Format,
    pub(super) delimiter: u8,
    pub(super) found: Vec<Found>,
    pub(super) beginning: Beginning,
    /// Where the `externalUserId` stands in each row.
    pub(super) place: (Option<u64>, String),
    pub(super) understood: Understanding,
    /// Whether its bytes were UTF-8, as those of what is written from it are.
    pub(super) in_utf_8: bool,
    /// Fields that are not UTF-8, from which their encoding is guessed.
    foreign: Vec<u8>,
}

/// A row, valid or not, as it was read.
pub(super) struct Found {
    pub(super) line: u64,
    pub(super) raw: Vec<u8>,
    pub(super) row: Result<Entry, Vec<Problem>>,
    /// The id of a row that is not valid, where it has one.
    pub(super) id: Option<Box<str>>,
}

impl Found {
    /// The id as it was read.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.row {
            Ok(entry) => Some(entry.external_user_id.as_str()),
            Err(_) => self.id.as_deref(),
        }
    }
}

impl<'a> Reading<'a> {
    pub(super) fn new(options: &'a InputOptions) -> Self {
        Self {
            options,
            name: options.name.as_str().into(),
            sheet: None,
            header: None,
            format: options.format,
            delimiter: options.delimiter.unwrap_or_else(|| options.format.delimiter()),
            found: Vec::new(),
            beginning: Beginning::default(),
            place: (None, String::new()),
            understood: Understanding::default(),
            in_utf_8: true,
            foreign: Vec::new(),
        }
    }

    pub(super) fn problem(&self, line: u64, rule: impl Into<String>) -> Problem {
        Problem {
            input: Arc::clone(&self.name),
            sheet: self.sheet.clone(),
            line,
            column: None,
            field: None,
            rule: rule.into(),
        }
    }

    /// A problem of the id in a row.
    pub(super) fn problem_of_id(&self, line: u64, rule: String) -> Problem {
        let (column, field) = self.place.clone();
        Problem { column, field: Some(field), ..self.problem(line, rule) }
    }

    pub(super) fn refused(&self, line: u64, rule: impl Into<String>) -> InputError {
        InputError::Refused(self.problem(line, rule))
    }

    pub(super) fn unreadable(&self, error: io::Error) -> InputError {
        InputError::Unreadable { name: self.name.to_string(), error }
    }

    pub(super) fn no_list(&self, what: impl Into<String>) -> InputError {
        InputError::NoList { name: self.name.to_string(), what: what.into() }
    }

    /// What the rows of this input are counted in.
    pub(super) const fn unit(&self) -> &'static str {
        if self.sheet.is_some() { "row" } else { "line" }
    }

    pub(super) fn remark(&mut self, remark: impl Into<String>) {
        self.understood.remarks.push(remark.into());
    }

    /// Takes a row, within the bound.
    pub(super) fn push(&mut self, row: Found) -> Result<(), InputError> {
        if let Some(most) = self.options.most_rows.filter(|&most| self.found.len() as u64 >= most) {
            return Err(InputError::TooMany { name: self.name.to_string(), most });
        }
        self.found.push(row);
        Ok(())
    }

    /// Notes a value that is not as it stands. Plain blanks around it are not worth a word.
    pub(super) fn note_change(&mut self, line: u64, field: &str, before: &str, after: &str) {
        let before = before.trim_matches([' ', '\t']);
        // What nobody sees, and the blanks that are trimmed with it, make the common case equal.
        if before != after {
            let (before, after) = (visible(before), visible(after));
            self.understood.changed.push(Changed { line, field: field.to_owned(), before, after });
        }
    }

    /// The rule that a field breaks which is no UTF-8.
    pub(super) fn foreign(&mut self, field: &[u8]) -> String {
        if let Some(encoding) = self.options.encoding.filter(|&encoding| encoding != Encoding::UTF_8) {
            return format!("is not {encoding}, as --encoding says");
        }
        if self.foreign.len() < GUESS_BYTES {
            self.foreign.extend_from_slice(field);
            self.foreign.push(b'\n');
        }
        NOT_UTF_8.to_owned()
    }

    /// Names what an input seems to be that is not UTF-8.
    fn name_encoding(&mut self) {
        if self.foreign.is_empty() {
            return;
        }
        let guess = Encoding::guessed(&self.foreign);
        for Found { raw, row, .. } in &mut self.found {
            for problem in
                row.as_mut().err().into_iter().flatten().filter(|problem| problem.rule == NOT_UTF_8)
            {
                let seen: String = visible(&guess.sample(raw)).chars().take(40).collect();
                problem.rule += &format!(
                    "; it seems to be {guess}, \"{}…\": --encoding {guess} reads it",
                    trimmed(&seen)
                );
            }
        }
    }

    /// Says that all of it was read: counts the rows.
    pub(super) fn end(&mut self) -> Result<(), InputError> {
        let found = self.found.len() as u64;
        if let Some(expected) = self.options.expect_rows.filter(|&expected| found < expected) {
            return Err(InputError::TooFew { name: self.name.to_string(), found, expected });
        }
        self.understood.rows = found;
        self.name_encoding();
        Ok(())
    }

    /// What was read.
    pub(super) fn into_input(self) -> Input {
        let mut input = Input {
            rows: Vec::new(),
            property_rows: Vec::new(),
            rejects: Vec::new(),
            understood: self.understood,
            header: self.header,
            format: self.format,
            delimiter: self.delimiter,
            in_utf_8: self.in_utf_8,
        };
        for Found { line, raw, row, .. } in self.found {
            match row {
                Ok(Entry { external_user_id, amazon_id: Some(amazon_id), .. })
                    if self.options.parts.is_empty() =>
                {
                    input.rows.push(Row { association: Association::new(external_user_id, amazon_id), line });
                }
                Ok(entry) => input.property_rows.push(entry.at(line)),
                Err(problems) => input.rejects.push(Reject { problems, raw }),
            }
        }
        input.understood.examples = if self.options.parts.is_empty() {
            shown(&input.rows).map(Example::of_row).collect()
        } else {
            shown(&input.property_rows).map(Example::of_property_row).collect()
        };
        input
    }
}

/// The first two rows and the last.
fn shown<T>(rows: &[T]) -> impl Iterator<Item = &T> {
    let last = if rows.len() > 2 { rows.last() } else { None };
    rows.iter().take(2).chain(last)
}

impl Example {
    fn of_row(row: &Row) -> Self {
        Self {
            line: row.line,
            external_user_id: row.association.external_user_id.as_str().to_owned(),
            amazon_id: Some(row.association.amazon_id.as_str().to_owned()),
            unit: None,
        }
    }

    fn of_property_row(row: &PropertyRow) -> Self {
        Self {
            line: row.line,
            external_user_id: row.external_user_id.as_str().to_owned(),
            amazon_id: row.amazon_id.as_ref().map(|id| id.as_str().to_owned()),
            unit: row.unit.as_deref().map(str::to_owned),
        }
    }
}
