//! The desired state: rows of CSV, TSV or JSON Lines made into associations, or refused by name.
//!
//! It promises: every row becomes an association or a [`Reject`] that says file, line, column and rule; nothing is
//! guessed, nothing is dropped in silence but blank rows. An input that may be cut off is refused as a whole.

mod columns;
mod delimited;
mod json_lines;
mod record;
mod rejects;

use std::fmt;
use std::io::{self, BufRead};
use std::path::Path;
use std::sync::Arc;

use jackfield_model::wire::Association;
use thiserror::Error;

/// The form of an input or of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values, with quotes as RFC 4180 has them.
    Csv,
    /// The same with tabs.
    Tsv,
    /// A JSON object a line, with the properties of an association.
    JsonLines,
}

/// How an input is read.
#[derive(Clone, Debug)]
pub struct InputOptions {
    /// What problems call the input, for example the name of its file.
    pub name: String,
    /// Its form.
    pub format: Format,
    /// Another delimiter than that of the format: an ASCII character that is neither quote nor end of line.
    pub delimiter: Option<u8>,
    /// Whether the first row holds the names of the columns. JSON Lines have none.
    pub header: bool,
    /// Column of the `externalUserId`: a name, or a number from 1 where there is no header.
    pub external_user_id: Option<String>,
    /// Column of the `amazonId`, in the same way.
    pub amazon_id: Option<String>,
    /// Refuse the input when it has fewer rows.
    pub expect_rows: Option<u64>,
}

/// What an input holds.
#[derive(Debug)]
pub struct Input {
    /// The rows that are valid, in the order of the input, each id once.
    pub rows: Vec<Row>,
    /// The rows that are not, in the order of the input.
    pub rejects: Vec<Reject>,
    /// The header as it stands in the input, which a file of rejects begins with.
    pub(crate) header: Option<Vec<u8>>,
    pub(crate) format: Format,
    pub(crate) delimiter: u8,
}

/// A valid row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The association that is to be.
    pub association: Association,
    /// The line on which the row begins, counted from 1.
    pub line: u64,
}

/// A row that is no association.
#[derive(Clone, Debug)]
pub struct Reject {
    /// What is wrong with it; at least one thing.
    pub problems: Vec<Problem>,
    /// The row as it stands in the input, without the end of line.
    pub(crate) raw: Vec<u8>,
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What the input is called.
    pub input: Arc<str>,
    /// The line, counted from 1.
    pub line: u64,
    /// The number of the column, counted from 1.
    pub column: Option<u64>,
    /// The name of the column or property.
    pub field: Option<String>,
    /// The rule that is broken, to be read after the place.
    pub rule: String,
}

/// Why an input is refused as a whole.
#[derive(Debug, Error)]
pub enum InputError {
    /// It cannot be read.
    #[error("{name} cannot be read: {error}")]
    Unreadable {
        /// What the input is called.
        name: String,
        /// Why not.
        error: io::Error,
    },
    /// A part of it makes all of it doubtful: the header, its encoding, or a quote that is never closed.
    #[error("{0}")]
    Refused(Problem),
    /// Fewer rows than expected: it may have been cut off.
    #[error(
        "{name} has {found} rows, at least {expected} are expected; it may have been cut off on its way here"
    )]
    TooFew {
        /// What the input is called.
        name: String,
        /// Rows that were found, valid or not.
        found: u64,
        /// Rows that were expected.
        expected: u64,
    },
}

impl Format {
    /// The format that the name of a file promises.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            _ => None,
        }
    }

    pub(crate) const fn delimiter(self) -> u8 {
        match self {
            Self::Tsv => b'\t',
            Self::Csv | Self::JsonLines => b',',
        }
    }
}

impl InputOptions {
    /// The defaults: a header, and columns that are called like the properties of the API.
    #[must_use]
    pub fn new(name: impl Into<String>, format: Format) -> Self {
        Self {
            name: name.into(),
            format,
            delimiter: None,
            header: true,
            external_user_id: None,
            amazon_id: None,
            expect_rows: None,
        }
    }
}

impl Input {
    /// Reads an input to its end.
    ///
    /// ```
    /// use jackfield_client::sync::{Format, Input, InputOptions};
    ///
    /// let rooms = "room,profile\n7201,amzn1.alexa.communications.profile.did.p1\n7202,\n";
    /// let mut options = InputOptions::new("rooms.csv", Format::Csv);
    /// options.external_user_id = Some("room".to_owned());
    /// options.amazon_id = Some("profile".to_owned());
    /// let input = Input::read(rooms.as_bytes(), &options)?;
    /// assert_eq!(input.rows[0].association.external_user_id.as_str(), "7201");
    /// assert_eq!(
    ///     input.rejects[0].problems[0].to_string(),
    ///     "rooms.csv:3: column 2 (profile): is empty"
    /// );
    /// # Ok::<(), jackfield_client::sync::InputError>(())
    /// ```
    ///
    /// # Errors
    /// [`InputError`] when it cannot be read, or is doubtful as a whole.
    pub fn read(input: impl BufRead, options: &InputOptions) -> Result<Self, InputError> {
        let mut reading = Reading::new(options);
        let input = reading.after_mark(input)?;
        match options.format {
            Format::Csv | Format::Tsv => delimited::read(input, options, &mut reading)?,
            Format::JsonLines => json_lines::read(input, options, &mut reading)?,
        }
        reading.finish(options)
    }

    /// Every problem of every rejected row, in the order of the input.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.rejects.iter().flat_map(|reject| &reject.problems)
    }
}

/// An input that is being read.
struct Reading {
    name: Arc<str>,
    header: Option<Vec<u8>>,
    delimiter: u8,
    found: Vec<Found>,
}

/// A row, valid or not, as it was read.
struct Found {
    line: u64,
    raw: Vec<u8>,
    row: Result<Association, Vec<Problem>>,
    /// Where its `externalUserId` stands, for the problem of a repeat.
    place: (Option<u64>, String),
}

impl Reading {
    fn new(options: &InputOptions) -> Self {
        let delimiter = options.delimiter.unwrap_or_else(|| options.format.delimiter());
        Self { name: options.name.as_str().into(), header: None, delimiter, found: Vec::new() }
    }

    fn problem(&self, line: u64, rule: impl Into<String>) -> Problem {
        Problem { input: Arc::clone(&self.name), line, column: None, field: None, rule: rule.into() }
    }

    fn refused(&self, line: u64, rule: impl Into<String>) -> InputError {
        InputError::Refused(self.problem(line, rule))
    }

    fn unreadable(&self, error: io::Error) -> InputError {
        InputError::Unreadable { name: self.name.to_string(), error }
    }

    /// Takes the byte-order mark of UTF-8 away; those of other encodings are refused.
    fn after_mark<R: BufRead>(&self, mut input: R) -> Result<impl BufRead + use<R>, InputError> {
        let mut first = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(&mut input, 3), &mut first)
            .map_err(|error| self.unreadable(error))?;
        if first.starts_with(&[0xff, 0xfe]) || first.starts_with(&[0xfe, 0xff]) {
            return Err(self.refused(1, "the input is UTF-16; save it as UTF-8"));
        }
        if first == [0xef, 0xbb, 0xbf] {
            first.clear();
        }
        Ok(io::Read::chain(io::Cursor::new(first), input))
    }

    /// Names the rows whose id stands in others too, and counts.
    fn finish(mut self, options: &InputOptions) -> Result<Input, InputError> {
        let found = self.found.len() as u64;
        if let Some(expected) = options.expect_rows.filter(|&expected| found < expected) {
            return Err(InputError::TooFew { name: options.name.clone(), found, expected });
        }
        self.refuse_repeats();
        let mut input = Input {
            rows: Vec::new(),
            rejects: Vec::new(),
            header: self.header,
            format: options.format,
            delimiter: self.delimiter,
        };
        for Found { line, raw, row, .. } in self.found {
            match row {
                Ok(association) => input.rows.push(Row { association, line }),
                Err(problems) => input.rejects.push(Reject { problems, raw }),
            }
        }
        Ok(input)
    }

    /// Which of two rows counts is not for a program to guess: all rows of an id that stands twice are refused.
    fn refuse_repeats(&mut self) {
        let id = |at: usize| self.found[at].row.as_ref().ok().map(|row| &row.external_user_id);
        let mut order: Vec<usize> = (0..self.found.len()).filter(|&at| id(at).is_some()).collect();
        order.sort_by(|&one, &other| id(one).cmp(&id(other)).then(one.cmp(&other)));
        let mut refused = Vec::new();
        for group in order.chunk_by(|&one, &other| id(one) == id(other)) {
            for (place, &at) in group.iter().enumerate().filter(|_| group.len() > 1) {
                // The first names the second, the others the first.
                let other = self.found[group[usize::from(place == 0)]].line;
                let (column, field) = self.found[at].place.clone();
                let rule = format!("stands in line {other} too; an externalUserId may stand once");
                let line = self.found[at].line;
                refused.push((at, Problem { column, field: Some(field), ..self.problem(line, rule) }));
            }
        }
        for (at, problem) in refused {
            self.found[at].row = Err(vec![problem]);
        }
    }
}

/// `rooms.csv:12: column 2 (amazonId): must begin with …`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.input, self.line)?;
        match (self.column, &self.field) {
            (Some(column), Some(field)) => write!(f, "column {column} ({}): ", printable(field))?,
            (Some(column), None) => write!(f, "column {column}: ")?,
            (None, Some(field)) => write!(f, "{}: ", printable(field))?,
            (None, None) => {}
        }
        f.write_str(&self.rule)
    }
}

/// A value without the blanks around it. Other white space is a control character, which a value may not hold.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\t' || (c.is_whitespace() && !c.is_control()))
}

/// A name out of an input, bounded and unable to steer a terminal.
fn printable(text: &str) -> String {
    text.chars().take(100).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
