//! What is wrong with a list, and where.

use std::fmt;
use std::io;
use std::sync::Arc;

use thiserror::Error;

use super::characters::printable;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What the input is called.
    pub input: Arc<str>,
    /// The sheet of a workbook.
    pub sheet: Option<Arc<str>>,
    /// The line, or the row of the sheet, counted from 1.
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
    /// It is no list at all, or one of a kind that is not read.
    #[error("{name} {what}")]
    NoList {
        /// What the input is called.
        name: String,
        /// What it is instead, and what helps; to be read after the name.
        what: String,
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
    /// More rows than allowed.
    #[error("{name} has more than {most} rows, which is the most allowed here")]
    TooMany {
        /// What the input is called.
        name: String,
        /// Rows that are allowed.
        most: u64,
    },
}

impl Problem {
    /// The cell of a sheet, for example `B17`; nothing where no column is named or the input is no workbook.
    #[must_use]
    pub fn cell(&self) -> Option<String> {
        self.sheet.as_ref()?;
        Some(format!("{}{}", letters(self.column?), self.line))
    }
}

/// `rooms.csv:12: column 2 (amazonId): must begin with …`, `rooms.xlsx: Rooms!B12 (amazonId): must begin with …`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sheet) = &self.sheet {
            write!(f, "{}: {}", self.input, printable(sheet))?;
            match (self.cell(), &self.field) {
                (Some(cell), Some(field)) => write!(f, "!{cell} ({}): ", printable(field))?,
                (Some(cell), None) => write!(f, "!{cell}: ")?,
                (None, _) => write!(f, ", row {}: ", self.line)?,
            }
            return f.write_str(&self.rule);
        }
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

/// The letters of a column of a sheet: 1 is `A`, 27 is `AA`.
pub(super) fn letters(mut column: u64) -> String {
    let mut letters = Vec::new();
    while column > 0 {
        column -= 1;
        letters.push(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[usize::try_from(column % 26).unwrap_or_default()]);
        column /= 26;
    }
    letters.iter().rev().map(|&letter| char::from(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_have_letters() {
        assert_eq!([1, 26, 27, 52, 703, 16_384].map(letters), ["A", "Z", "AA", "AZ", "AAA", "XFD"]);
    }
}
