//! Where the table begins, what separates its columns, and which of them count: found in the first rows.

use std::io::Cursor;

use jackfield_model::AmazonId;

use super::columns::{Columns, Meant, NoHeader};
use super::options::InputOptions;
use super::record::{Record, Records, Source};

/// Rows in which the header is looked for.
pub(super) const HEADER_ROWS: usize = 20;

/// Rows that are looked at for values, below those.
const VALUE_ROWS: usize = 40;

/// Delimiters that are tried.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What the first rows say.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) columns: Columns,
    /// The line of the header, counted from 1.
    pub(super) header: Option<u64>,
}

/// Why the first rows say nothing.
#[derive(Debug)]
pub(super) struct NoLayout {
    pub(super) line: u64,
    pub(super) why: NoHeader,
}

/// How a text with delimiters is read.
#[derive(Debug)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) layout: Layout,
    /// Bytes of a first line like `sep=;`.
    pub(super) preface: usize,
}

impl Layout {
    /// Finds the header among rows, which are the first of their input.
    pub(super) fn find(rows: &[Record], options: &InputOptions) -> Result<Self, NoLayout> {
        if !options.header {
            let columns = Columns::by_number(options);
            return columns.map(|columns| Self { columns, header: None }).map_err(|rule| NoLayout {
                line: 1,
                why: NoHeader { rule, score: 0, meant: Meant::default() },
            });
        }
        if let Some(line) = options.header_row {
            return Self::at(rows, line, options);
        }
        let mut best: Option<NoLayout> = None;
        for (at, row) in rows.iter().enumerate().take(HEADER_ROWS).filter(|(_, row)| !row.is_blank()) {
            match Columns::by_name(row, below(rows, at), options) {
                Ok(columns) => return Ok(Self { columns, header: Some(row.line) }),
                Err(why) if best.as_ref().is_none_or(|best| best.why.score < why.score) => {
                    best = Some(NoLayout { line: row.line, why });
                }
                Err(_) => {}
            }
        }
        let rule = || "the input is empty; a header is expected".to_owned();
        Err(best.unwrap_or_else(|| NoLayout {
            line: 1,
            why: NoHeader { rule: rule(), score: 0, meant: Meant::default() },
        }))
    }

    fn at(rows: &[Record], line: u64, options: &InputOptions) -> Result<Self, NoLayout> {
        let Some(at) = rows.iter().position(|row| row.line == line && !row.is_blank()) else {
            let rule = "there is no row that can be the header".to_owned();
            return Err(NoLayout { line, why: NoHeader { rule, score: 0, meant: Meant::default() } });
        };
        let columns = Columns::by_name(&rows[at], below(rows, at), options);
        columns.map(|columns| Self { columns, header: Some(line) }).map_err(|why| NoLayout { line, why })
    }
}

impl Dialect {
    /// Finds out how a text is read. `sample` is its beginning.
    pub(super) fn find(sample: &[u8], default: u8, options: &InputOptions) -> Result<Self, (NoLayout, u8)> {
        let (preface, named) = preface(sample);
        let first = options.delimiter.or(named);
        let candidates = first.map_or_else(
            || {
                let others = DELIMITERS.into_iter().filter(|&delimiter| delimiter != default);
                std::iter::once(default).chain(others).collect()
            },
            |one| vec![one],
        );
        let mut best: Option<(Self, usize)> = None;
        let mut refused: Option<(NoLayout, u8)> = None;
        for delimiter in candidates {
            let rows = first_rows(sample, delimiter, options);
            match Layout::find(&rows, options) {
                Ok(layout) => {
                    let count = profiles(&rows, &layout);
                    if best.as_ref().is_none_or(|(_, most)| *most < count) {
                        best = Some((Self { delimiter, layout, preface }, count));
                    }
                }
                Err(no) if refused.as_ref().is_none_or(|(best, _)| best.why.score < no.why.score) => {
                    refused = Some((no, delimiter));
                }
                Err(_) => {}
            }
        }
        match (best, refused) {
            (Some((dialect, _)), _) => Ok(dialect),
            (None, Some(refused)) => Err(refused),
            (None, None) => unreachable!("there is a candidate, and it was found or refused"),
        }
    }
}

/// The first rows of a text, as far as they are whole.
pub(super) fn first_rows(sample: &[u8], delimiter: u8, options: &InputOptions) -> Vec<Record> {
    let (preface, _) = preface(sample);
    let mut records = Records::new(Cursor::new(&sample[preface..]), delimiter, 1 + u64::from(preface > 0));
    let most = options.header_row.map_or(0, |line| usize::try_from(line).unwrap_or(usize::MAX));
    let most = most.max(HEADER_ROWS).saturating_add(VALUE_ROWS);
    let mut rows = Vec::new();
    let mut record = Record::default();
    while rows.len() < most && records.next(&mut record).unwrap_or(false) {
        rows.push(std::mem::take(&mut record));
    }
    rows
}

/// How many rows have a profile where this layout looks for it, or what the list has in its place.
fn profiles(rows: &[Record], layout: &Layout) -> usize {
    let has = |row: &&Record| {
        let Some(index) = layout.columns.amazon_id.as_ref().map(|column| column.index) else {
            // Without profiles in the list: rows in which every column holds something.
            return row.len() > 1
                && layout.columns.needed().all(|column| !row.text(column.index).trim().is_empty());
        };
        // A field that holds more than the profile was not split where it should be.
        let text = row.text(index);
        let text = text.trim().trim_matches(['=', '"', ' ']);
        text.strip_prefix(AmazonId::PREFIX).is_some_and(|rest| !rest.contains([';', ',', '\t', '|']))
    };
    rows.iter().filter(has).count()
}

fn below(rows: &[Record], at: usize) -> &[Record] {
    &rows[at + 1..rows.len().min(at + 1 + VALUE_ROWS)]
}

/// A first line `sep=;`, which spreadsheets write and read: its bytes and the delimiter that it names.
fn preface(sample: &[u8]) -> (usize, Option<u8>) {
    let end = sample.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(sample.len());
    let line = &sample[..end];
    let Some(line) = line.strip_prefix(b"\"").map_or(Some(line), |rest| rest.strip_suffix(b"\"")) else {
        return (0, None);
    };
    let named = match line {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] => Some(*delimiter),
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', b'\\', b't'] => Some(b'\t'),
        _ => None,
    };
    let after = match &sample[end..] {
        [b'\r', b'\n', ..] => end + 2,
        [] => end,
        _ => end + 1,
    };
    match named.filter(|delimiter| delimiter.is_ascii_punctuation() || matches!(delimiter, b'\t' | b' ')) {
        Some(delimiter) => (after, Some(delimiter)),
        None => (0, None),
    }
}

#[cfg(test)]
mod tests {
    use super::preface;

    #[test]
    fn a_first_line_may_name_the_delimiter() {
        for (text, expected) in [
            ("sep=;\r\na", (7, Some(b';'))),
            ("SEP=,\na", (6, Some(b','))),
            ("\"sep=|\"\ra", (8, Some(b'|'))),
            ("sep=\\t\na", (7, Some(b'\t'))),
            ("sep=\t\na", (6, Some(b'\t'))),
            ("sep=;", (5, Some(b';'))),
            ("sep=ab\n", (0, None)),
            ("sep=a\n", (0, None)),
            ("separator,b\n", (0, None)),
            ("\"sep=;\n", (0, None)),
        ] {
            assert_eq!(preface(text.as_bytes()), expected, "{text:?}");
        }
    }
}
