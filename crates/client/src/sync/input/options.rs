//! What a caller says about a list, and what it allows.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::decode::Encoding;

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

/// How an input is read. What is not said here is found out, and said in [`Understanding`](super::Understanding).
#[derive(Clone, Debug)]
pub struct InputOptions {
    /// What problems call the input, for example the name of its file.
    pub name: String,
    /// The form that it promises. What it is, its first bytes tell: a workbook is read whatever it is called.
    pub format: Format,
    /// The delimiter: an ASCII character that is neither quote nor end of line. Detected where it is not given.
    pub delimiter: Option<u8>,
    /// Whether a row holds the names of the columns. JSON Lines have none.
    pub header: bool,
    /// The line that is the header, counted from 1. Looked for in the first rows where it is not given.
    pub header_row: Option<u64>,
    /// Column of the `externalUserId`: a name, or a number from 1 where there is no header.
    pub external_user_id: Option<String>,
    /// Column of the `amazonId`, in the same way.
    pub amazon_id: Option<String>,
    /// What else of a property the list says. Its columns are read only then.
    pub parts: Parts,
    /// Column of the unit, in the same way; without a header it has to be given.
    pub unit: Option<String>,
    /// Column of the name of the unit's profile.
    pub profile_name: Option<String>,
    /// Column of the name of the contact.
    pub contact_name: Option<String>,
    /// The encoding of the text, where no byte-order mark says it. UTF-8 where it is not given.
    pub encoding: Option<Encoding>,
    /// The sheet of a workbook: its name, or its number from 1. The first with the columns where it is not given.
    pub sheet: Option<String>,
    /// End the table at the first blank row below its first row.
    pub until_blank_row: bool,
    /// Take invisible characters out of values, trim them, and put them in Unicode normal form C.
    pub clean: bool,
    /// What is read although it is doubtful.
    pub allow: Allowed,
    /// Refuse the input when it has fewer rows.
    pub expect_rows: Option<u64>,
    /// Refuse the input when it has more rows.
    pub most_rows: Option<u64>,
}

/// What a list says of a property besides associations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// A unit for each row that names one.
    pub units: bool,
    /// The communication profile of that unit, to which the row's association points. It needs `units`.
    pub profiles: bool,
    /// A contact in an address book for each profile.
    pub contacts: bool,
}

/// A kind of value that is valid and almost certainly not what was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A power of ten, which a spreadsheet makes of a long number.
    Powers,
    /// A formula, or what looks like one.
    Formulas,
    /// An error value of a spreadsheet or the word that a program writes for no value.
    Errors,
    /// A whole number with `.0`, where no other has a fraction.
    Decimals,
    /// A date.
    Dates,
    /// A truth value.
    Booleans,
    /// Characters that nobody sees, that are not in normal form C, or of a mix of scripts.
    Characters,
    /// Values that look alike and are not the same.
    LookAlikes,
}

/// Kinds of doubtful values that are read all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed(u8);

/// A text that names no [`Doubt`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected one of powers, formulas, errors, decimals, dates, booleans, characters, look-alikes")]
pub struct InvalidDoubt;

impl Parts {
    /// Whether the list says nothing but associations.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        !(self.units || self.profiles || self.contacts)
    }
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
            "gz" => Self::of_path(&path.with_extension("")),
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
            header_row: None,
            external_user_id: None,
            amazon_id: None,
            parts: Parts::default(),
            unit: None,
            profile_name: None,
            contact_name: None,
            encoding: None,
            sheet: None,
            until_blank_row: false,
            clean: false,
            allow: Allowed::default(),
            expect_rows: None,
            most_rows: None,
        }
    }
}

impl Doubt {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Powers,
        Self::Formulas,
        Self::Errors,
        Self::Decimals,
        Self::Dates,
        Self::Booleans,
        Self::Characters,
        Self::LookAlikes,
    ];

    /// The word for it, which an option takes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Powers => "powers",
            Self::Formulas => "formulas",
            Self::Errors => "errors",
            Self::Decimals => "decimals",
            Self::Dates => "dates",
            Self::Booleans => "booleans",
            Self::Characters => "characters",
            Self::LookAlikes => "look-alikes",
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Doubt {
    type Err = InvalidDoubt;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|doubt| doubt.as_str() == text).ok_or(InvalidDoubt)
    }
}

impl Allowed {
    /// Whether this kind is read.
    #[must_use]
    pub const fn has(self, doubt: Doubt) -> bool {
        self.0 & (1 << doubt as u8) != 0
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, doubt: Doubt) -> Self {
        Self(self.0 | (1 << doubt as u8))
    }
}

impl FromIterator<Doubt> for Allowed {
    fn from_iter<T: IntoIterator<Item = Doubt>>(doubts: T) -> Self {
        doubts.into_iter().fold(Self::default(), Self::with)
    }
}
