//! The desired state: rows of a list made into associations, or refused by name.
//!
//! It promises: every row becomes an association or a [`Reject`] that says file, line, column and rule; nothing is
//! taken otherwise than it stands, and nothing left out but blank rows, without a word in the [`Understanding`]. An
//! input that may be cut off is refused as a whole.
//!
//! A list goes through stages, each a file: what it is ([`content`]), its encoding ([`decode`]), its rows
//! ([`record`]), where its header is and which columns count ([`layout`], [`columns`]), each row ([`table`]), each value
//! ([`value`], [`characters`]), and all rows together ([`whole`]).

mod beginning;
mod bounded;
mod characters;
mod column_names;
mod columns;
mod content;
mod decode;
mod entry;
mod json_lines;
mod layout;
mod options;
mod problem;
mod reading;
mod record;
mod rejects;
mod table;
mod text;
mod understood;
mod value;
mod whole;
mod workbook;

use std::io::BufRead;

use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId};
use serde::{Deserialize, Serialize};

pub use self::beginning::{Beginning, ShownRow};
pub use self::decode::{Encoding, InvalidEncoding};
pub use self::options::{Allowed, Doubt, Format, InputOptions, InvalidDoubt, Parts};
pub use self::problem::{InputError, Problem};
use self::reading::Reading;
pub use self::understood::{Changed, Example, Taken, Understanding};
pub(super) use self::value::doubt_of;

/// What an input holds.
#[derive(Debug)]
pub struct Input {
    /// The rows that are valid, in the order of the input, each id once. None where [`InputOptions::parts`] asks for more
    /// than associations.
    pub rows: Vec<Row>,
    /// The same where it does.
    pub property_rows: Vec<PropertyRow>,
    /// The rows that are not, in the order of the input.
    pub rejects: Vec<Reject>,
    /// What was understood of it.
    pub understood: Understanding,
    /// The header as it stands in the input, which a file of rejects begins with.
    pub(crate) header: Option<Vec<u8>>,
    pub(crate) format: Format,
    pub(crate) delimiter: u8,
    pub(crate) in_utf_8: bool,
}

/// A valid row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The association that is to be.
    pub association: Association,
    /// The line on which the row begins, counted from 1.
    pub line: u64,
}

/// A valid row of a list that says more than associations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyRow {
    /// The endpoint.
    pub external_user_id: ExternalUserId,
    /// Its profile. Nothing only where that is the profile of [`Self::unit`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amazon_id: Option<AmazonId>,
    /// The unit that the row is about: its id, or its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Box<str>>,
    /// The name of that unit's profile; where the row does not say it, a new one is called like the unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile_name: Option<Box<str>>,
    /// The name of the contact; where the row does not say it, a new one is called like the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_name: Option<Box<str>>,
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
        Self::read_and_show(input, options).1
    }

    /// Reads an input to its end, and shows its beginning also where it is refused.
    pub fn read_and_show(
        input: impl BufRead,
        options: &InputOptions,
    ) -> (Beginning, Result<Self, InputError>) {
        let mut reading = Reading::new(options);
        let read = text::read(input, &mut reading).and_then(|()| reading.end());
        let beginning = std::mem::take(&mut reading.beginning);
        let input = read.map(|()| {
            whole::check(&mut reading);
            reading.into_input()
        });
        (beginning, input)
    }

    /// Every problem of every rejected row, in the order of the input.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.rejects.iter().flat_map(|reject| &reject.problems)
    }
}

#[cfg(test)]
mod tests;
