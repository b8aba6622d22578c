//! What the beginning of an input shows, whatever becomes of it: for a person who says which columns count.

use serde_json::{Map, Value};

use super::characters::{cleaned, visible};
use super::columns::Meant;
use super::record::Record;

/// Rows that are shown.
const ROWS: usize = 20;

/// Columns that are shown, and sheets that are named.
const COLUMNS: usize = 100;

/// Characters of a cell that are shown.
const CHARACTERS: usize = 80;

/// The beginning of an input. It is there also where the input is refused, as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// The sheets of a workbook, at most 100 of them.
    pub sheets: Vec<String>,
    /// The sheet that is shown.
    pub sheet: Option<String>,
    /// What separates the columns, as far as that is known: the character itself, or `tab`.
    pub delimiter: Option<String>,
    /// The line of the header, or of what is most likely to be it, counted from 1.
    pub header_row: Option<u64>,
    /// What the columns are called; by numbers where there is no header. At most 100 of them.
    pub columns: Vec<String>,
    /// The number of the column that probably holds the `externalUserId` where none is called so, from 1.
    pub suggested_external_user_id: Option<u64>,
    /// The number of the column that probably holds the `amazonId`, in the same way.
    pub suggested_amazon_id: Option<u64>,
    /// The first rows, at most 20 of them. Those from the header on, where that stands further down.
    pub rows: Vec<ShownRow>,
}

/// A row as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownRow {
    /// The line on which it begins, or the row of the sheet, counted from 1.
    pub line: u64,
    /// Its cells, each at most 80 characters of it.
    pub cells: Vec<String>,
}

impl Beginning {
    /// Takes rows of a table, of which the one in this line is the header, if any.
    pub(super) fn take_rows(&mut self, rows: &[Record], header: Option<u64>) {
        let at = header.and_then(|header| rows.iter().position(|row| row.line == header));
        self.header_row = at.and(header);
        let first = at.filter(|&at| at >= ROWS).unwrap_or_default();
        let shown = rows.iter().skip(first).filter(|row| !row.is_blank()).take(ROWS);
        self.rows = shown.map(|row| ShownRow { line: row.line, cells: cells(row) }).collect();
        self.columns = match at {
            // As they are asked for.
            Some(at) => rows[at].texts().take(COLUMNS).map(|name| cleaned(&name).into_owned()).collect(),
            None => {
                let most = self.rows.iter().map(|row| row.cells.len()).max().unwrap_or_default();
                (1..=most).map(|number| number.to_string()).collect()
            }
        };
    }

    /// Takes the columns that are probably meant where the ones that are needed are not there.
    pub(super) fn suggest(&mut self, meant: Meant) {
        self.suggested_external_user_id = meant.endpoint.map(|at| at as u64 + 1);
        self.suggested_amazon_id = meant.profile.map(|at| at as u64 + 1);
    }

    /// Takes lines of JSON: the columns are the properties of the objects.
    pub(super) fn take_json(&mut self, text: &[u8]) {
        let lines = text.split(|byte| *byte == b'\n').enumerate();
        let objects: Vec<(u64, Map<String, Value>)> = lines
            .filter_map(|(at, line)| Some((at as u64 + 1, serde_json::from_slice(line).ok()?)))
            .take(ROWS)
            .collect();
        for name in objects.iter().flat_map(|(_, object)| object.keys()) {
            if self.columns.len() < COLUMNS && !self.columns.contains(name) {
                self.columns.push(name.clone());
            }
        }
        let value = |value: Option<&Value>| match value {
            None => String::new(),
            Some(Value::String(text)) => cell(text),
            Some(other) => cell(&other.to_string()),
        };
        let row = |(line, object): &(u64, Map<String, Value>)| ShownRow {
            line: *line,
            cells: self.columns.iter().map(|name| value(object.get(name))).collect(),
        };
        self.rows = objects.iter().map(row).collect();
    }

    /// Takes the names of sheets.
    pub(super) fn take_sheets<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        self.sheets = names.take(COLUMNS).map(str::to_owned).collect();
    }
}

fn cells(row: &Record) -> Vec<String> {
    row.texts().take(COLUMNS).map(|text| cell(&text)).collect()
}

fn cell(text: &str) -> String {
    visible(text.trim()).chars().take(CHARACTERS).collect()
}
