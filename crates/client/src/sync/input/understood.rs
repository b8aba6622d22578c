//! What was understood of a list: what a person looks at before anything is changed.

use serde::Serialize;

/// What was understood of an input. All of it is meant to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Understanding {
    /// What it is, for example `CSV` or `workbook (.xlsx)`.
    pub format: String,
    /// The encoding of its text, and how that is known. Workbooks say nothing of it.
    pub encoding: Option<String>,
    /// The sheet that was read.
    pub sheet: Option<String>,
    /// What separates the columns: the character itself, or `tab`.
    pub delimiter: Option<String>,
    /// The line of the header, counted from 1.
    pub header_row: Option<u64>,
    /// The column of the `externalUserId`.
    pub external_user_id: Option<Taken>,
    /// The column of the `amazonId`.
    pub amazon_id: Option<Taken>,
    /// The column of the unit, where it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Taken>,
    /// The column of the profile's name, where it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_name: Option<Taken>,
    /// The column of the contact's name, where it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_name: Option<Taken>,
    /// Rows that were found, valid or not.
    pub rows: u64,
    /// Valid rows: the first two and the last.
    pub examples: Vec<Example>,
    /// What a person should know, a sentence each.
    pub remarks: Vec<String>,
    /// Values that are not as they stand in the input.
    pub changed: Vec<Changed>,
}

/// A column that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Its number, counted from 1.
    pub column: u64,
    /// Its name.
    pub name: String,
    /// Why it was taken.
    pub because: &'static str,
}

/// A valid row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// The line on which it begins, or the row of the sheet.
    pub line: u64,
    /// Its endpoint.
    pub external_user_id: String,
    /// Its profile, where the row says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amazon_id: Option<String>,
    /// The unit whose profile it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// A value that is not as it stands in the input. What nobody sees is written like `<U+200B>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The line on which its row begins, or the row of the sheet.
    pub line: u64,
    /// The name of its column or property.
    pub field: String,
    /// As it stands in the input.
    pub before: String,
    /// As it was taken.
    pub after: String,
}
