//! Records of a text with delimiters: where each begins, what its fields are, and what is wrong with its quotes.
//!
//! The rules are those of RFC 4180, and lenient where nothing can be mistaken: any end of line, blanks around quotes,
//! a quote inside an unquoted field. What could hide a row is never passed over: text after a closing quote is a
//! defect of its record, a quote that is never closed is one of the whole input.

use std::borrow::Cow;
use std::io::{self, BufRead};

use super::characters::looks_blank;

/// Longest record, in bytes. A longer one is a quote that was left open.
pub(super) const RECORD_BYTES: usize = 1024 * 1024;

/// A byte-order mark, as bytes.
const MARK: &str = "\u{feff}";

/// Ctrl-Z, with which old programs end a file.
pub(super) const END_MARK: u8 = 0x1a;

/// One record, reused for the next.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The line on which it begins, counted from 1.
    pub(super) line: u64,
    /// Its bytes without the end of line.
    pub(super) raw: Vec<u8>,
    /// How much of `raw` the first field takes, its delimiter included.
    pub(super) first_field: usize,
    /// The number of the field, from 0, that has text after its closing quote.
    pub(super) after_quote: Option<usize>,
    /// Whether a byte-order mark stood in front of it: two files were joined here. It is not part of the first field.
    pub(super) mark: bool,
    /// What is wrong with cells of a sheet, by the number of the field, from 0.
    pub(super) defects: Vec<(usize, String)>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// What gives records one after the other.
pub(super) trait Source {
    /// Reads the next record; answers whether there was one.
    fn next(&mut self, record: &mut Record) -> Result<bool, Broken>;
}

/// Why there is no further record.
#[derive(Debug)]
pub(super) enum Broken {
    /// The input cannot be read.
    Io(io::Error),
    /// A quote that opens on this line, in this field (from 0), is not closed before the end.
    Unclosed { line: u64, field: usize },
    /// The record that begins on this line is longer than [`RECORD_BYTES`].
    TooLong { line: u64 },
}

/// Splits an input into records.
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    /// The line of the next byte.
    line: u64,
    /// The last record ended with a carriage return: a line feed right after it belongs to that end.
    after_return: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Unquoted,
    Quoted,
    /// After a quote in a quoted field: its end, or the first half of a doubled quote.
    Quote,
    /// After a quoted field and a blank.
    Closed,
}

impl Record {
    /// How many fields there are.
    pub(super) const fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field, from 0, without quotes.
    pub(super) fn field(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    /// A field as text, whatever it holds: for what is only looked at. One that is not there is empty.
    pub(super) fn text(&self, index: usize) -> Cow<'_, str> {
        if index < self.len() { String::from_utf8_lossy(self.field(index)) } else { Cow::Borrowed("") }
    }

    /// The fields as text.
    pub(super) fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        (0..self.len()).map(|index| self.text(index))
    }

    /// Whether nobody sees anything in it: such rows say nothing.
    pub(super) fn is_blank(&self) -> bool {
        if self.text.is_ascii() {
            return self.text.iter().all(u8::is_ascii_whitespace);
        }
        std::str::from_utf8(&self.text).is_ok_and(looks_blank)
    }

    /// Whether it is the mark with which old programs end a file, and nothing else.
    pub(super) fn is_end_mark(&self) -> bool {
        !self.text.is_empty()
            && self.text.contains(&END_MARK)
            && self.text.iter().all(|byte| matches!(byte, &END_MARK | 0 | b' '))
    }

    /// A record that is made of the cells of a sheet. What stands for it elsewhere is a line of CSV.
    pub(super) fn of_cells(line: u64, cells: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        let mut record = Self { line, ..Self::default() };
        for (index, (text, defect)) in cells.into_iter().enumerate() {
            if index > 0 {
                record.raw.push(b',');
            }
            if text.contains([',', '"', '\n', '\r']) {
                record.raw.extend_from_slice(format!("\"{}\"", text.replace('"', "\"\"")).as_bytes());
            } else {
                record.raw.extend_from_slice(text.as_bytes());
            }
            record.defects.extend(defect.map(|rule| (index, rule)));
            record.text.extend_from_slice(text.as_bytes());
            record.end_field();
        }
        if record.ends.len() > 1 {
            record.first_field += 1;
        }
        record
    }

    fn begin(&mut self, line: u64) {
        self.line = line;
        self.raw.clear();
        self.text.clear();
        self.ends.clear();
        self.first_field = 0;
        self.after_quote = None;
        self.mark = false;
        self.defects.clear();
    }

    fn end_field(&mut self) {
        self.ends.push(self.text.len());
        if self.ends.len() == 1 {
            self.first_field = self.raw.len();
        }
    }

    /// Whether the field under way holds only blanks, which a quote may follow.
    fn field_is_blank(&self) -> bool {
        let start = self.ends.last().copied().unwrap_or_default();
        self.text[start..].iter().all(|byte| matches!(byte, b' ' | b'\t'))
    }

    fn clear_field(&mut self) {
        self.text.truncate(self.ends.last().copied().unwrap_or_default());
    }
}

impl<R: BufRead> Source for Records<R> {
    fn next(&mut self, record: &mut Record) -> Result<bool, Broken> {
        self.read(record)
    }
}

impl<R: BufRead> Records<R> {
    /// Records of an input whose next byte is on this line.
    pub(super) const fn new(input: R, delimiter: u8, line: u64) -> Self {
        Self { input, delimiter, line, after_return: false }
    }

    fn read(&mut self, record: &mut Record) -> Result<bool, Broken> {
        record.begin(self.line);
        let mut at = At::Unquoted;
        let mut opened = (self.line, 0);
        let mut any = false;
        while let Some(byte) = self.byte()? {
            if std::mem::take(&mut self.after_return) && byte == b'\n' {
                continue;
            }
            any = true;
            if record.raw.len() >= RECORD_BYTES {
                return Err(Broken::TooLong { line: record.line });
            }
            let ends_line = matches!(byte, b'\n' | b'\r');
            if ends_line && at != At::Quoted {
                self.after_return = byte == b'\r';
                self.line += 1;
                record.end_field();
                return Ok(true);
            }
            record.raw.push(byte);
            if byte == b'\n' {
                self.line += 1;
            }
            if record.raw == MARK.as_bytes() {
                record.mark = true;
                record.raw.clear();
                record.text.clear();
                continue;
            }
            at = match (at, byte) {
                (At::Quoted, b'"') => At::Quote,
                (At::Quoted, _) => {
                    record.text.push(byte);
                    At::Quoted
                }
                (_, byte) if byte == self.delimiter => {
                    record.end_field();
                    At::Unquoted
                }
                (At::Quote, b'"') => {
                    record.text.push(b'"');
                    At::Quoted
                }
                (At::Quote | At::Closed, b' ' | b'\t') => At::Closed,
                (At::Quote | At::Closed, _) => {
                    record.after_quote.get_or_insert(record.ends.len());
                    record.text.push(byte);
                    At::Unquoted
                }
                (At::Unquoted, b'"') if record.field_is_blank() => {
                    record.clear_field();
                    opened = (self.line, record.ends.len());
                    At::Quoted
                }
                (At::Unquoted, _) => {
                    record.text.push(byte);
                    At::Unquoted
                }
            };
        }
        if at == At::Quoted {
            return Err(Broken::Unclosed { line: opened.0, field: opened.1 });
        }
        if any {
            record.end_field();
        }
        Ok(any)
    }

    fn byte(&mut self) -> Result<Option<u8>, Broken> {
        loop {
            match self.input.fill_buf() {
                Ok([]) => return Ok(None),
                Ok([byte, ..]) => {
                    let byte = *byte;
                    self.input.consume(1);
                    return Ok(Some(byte));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Io(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, proptest};
    use proptest::prop_assert_eq;

    use super::*;

    type Rows = Vec<(u64, Vec<String>)>;

    fn rows(text: &str) -> Result<Rows, Broken> {
        let mut records = Records::new(text.as_bytes(), b',', 1);
        let mut record = Record::default();
        let mut rows = Vec::new();
        while records.next(&mut record)? {
            let fields = (0..record.len()).map(|n| String::from_utf8(record.field(n).to_vec()).unwrap());
            rows.push((record.line, fields.collect()));
        }
        Ok(rows)
    }

    fn row(line: u64, fields: &[&str]) -> (u64, Vec<String>) {
        (line, fields.iter().map(|&field| field.to_owned()).collect())
    }

    #[test]
    fn lines_are_counted_whatever_ends_them() {
        let expected = [row(1, &["a", "b"]), row(2, &[""]), row(3, &["c", "d"])];
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "", "c,d"].join(end);
            assert_eq!(rows(&text).unwrap(), expected);
            assert_eq!(rows(&(text + end)).unwrap(), expected);
        }
        let quoted = "a,\"x\r\ny\"\r\nb,c";
        assert_eq!(rows(quoted).unwrap(), [row(1, &["a", "x\r\ny"]), row(3, &["b", "c"])]);
        assert_eq!(rows("").unwrap(), []);
        assert_eq!(rows(",").unwrap(), [row(1, &["", ""])]);
    }

    #[test]
    fn quotes() {
        assert_eq!(rows("\"a\"\"b\",\"c,d\"").unwrap(), [row(1, &["a\"b", "c,d"])]);
        assert_eq!(rows("  \"a\"  , \"b\" ").unwrap(), [row(1, &["a", "b"])]);
        assert_eq!(rows("6\" display,b").unwrap(), [row(1, &["6\" display", "b"])]);
        assert!(matches!(rows("x,y\na,\"b\n\nc"), Err(Broken::Unclosed { line: 2, field: 1 })));
        assert!(matches!(rows("a,\"b\nc\"\nd,\"e"), Err(Broken::Unclosed { line: 3, field: 1 })));
        let mut record = Record::default();
        let mut records = Records::new("a,\"b\"c,d".as_bytes(), b',', 1);
        assert!(records.next(&mut record).unwrap());
        assert_eq!((record.after_quote, record.len()), (Some(1), 3));
        assert_eq!((&record.raw[..], record.first_field), (&b"a,\"b\"c,d"[..], 2));
    }

    #[test]
    fn a_record_has_a_longest_length() {
        let text = format!("a\n\"{}\"", "b".repeat(RECORD_BYTES));
        assert!(matches!(rows(&text), Err(Broken::TooLong { line: 2 })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// What a widely used library writes is read as what it was.
        #[test]
        fn reads_what_the_csv_library_writes(table in vec(vec("[a\", \n\ré;]{0,6}", 2..5), 1..8)) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for fields in &table {
                writer.write_record(fields).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read: Vec<Vec<String>> = rows(&text).unwrap().into_iter().map(|(_, fields)| fields).collect();
            // Blanks before a quote are dropped here; the library quotes no field for a blank at its end.
            prop_assert_eq!(read, table);
        }
    }
}
