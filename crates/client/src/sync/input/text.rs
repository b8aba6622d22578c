//! From the bytes of an input to its table: what it is, its encoding, its dialect.

use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;
use jackfield_model::limit;

use super::bounded::Bounded;
use super::content::{Content, recognise, recognise_text};
use super::decode::{Decoding, Encoding};
use super::layout::{Dialect, first_rows};
use super::reading::Reading;
use super::record::Records;
use super::{Format, InputError, json_lines, table, workbook};

/// Bytes that are looked at before the first row is read.
const SAMPLE: usize = 256 * 1024;

/// The byte-order mark as UTF-8 has it.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads an input, whatever it is.
pub(super) fn read(input: impl Read, reading: &mut Reading<'_>) -> Result<(), InputError> {
    let (first, input) = peeked(input, reading)?;
    match recognise(&first) {
        Content::Gzip => {
            let unpacked = Bounded::new(MultiGzDecoder::new(input), limit::LIST_BYTES);
            let (first, input) = peeked(unpacked, reading)?;
            reading.understood.format = "gzip, ".to_owned();
            match recognise(&first) {
                Content::Gzip => Err(reading.no_list("is compressed twice; unpack it")),
                content => read_content(content, &first, input, reading),
            }
        }
        content => read_content(content, &first, input, reading),
    }
}

fn read_content(
    content: Content,
    first: &[u8],
    input: impl Read,
    reading: &mut Reading<'_>,
) -> Result<(), InputError> {
    match content {
        Content::Other(what) => Err(reading.no_list(what)),
        Content::Zip | Content::Compound => workbook::read(input, reading),
        _ => read_text(first, input, reading),
    }
}

/// Takes the encoding away.
fn read_text(first: &[u8], mut input: impl Read, reading: &mut Reading<'_>) -> Result<(), InputError> {
    let asked = reading.options.encoding;
    let mut mark = 0;
    let (encoding, because) = match (Encoding::of_mark(first), asked) {
        (Some((encoding, length)), asked) => {
            mark = length;
            if let Some(asked) = asked.filter(|&asked| asked != encoding) {
                reading.remark(format!(
                    "its byte-order mark says {encoding}, which is believed, and not {asked}"
                ));
            }
            (encoding, " (byte-order mark)")
        }
        (None, Some(asked)) => (asked, " (as asked)"),
        (None, None) => match Encoding::of_zeros(first) {
            Some(encoding) => (encoding, " (recognised)"),
            None => (Encoding::UTF_8, ""),
        },
    };
    reading.understood.encoding = Some(format!("{encoding}{because}"));
    io::copy(&mut (&mut input).take(mark as u64), &mut io::sink())
        .map_err(|error| reading.unreadable(error))?;
    if encoding == Encoding::UTF_8 {
        read_utf_8(input, reading)
    } else {
        reading.in_utf_8 = false;
        read_utf_8(Decoding::new(input, encoding), reading)
    }
}

fn read_utf_8(input: impl Read, reading: &mut Reading<'_>) -> Result<(), InputError> {
    let (mut sample, rest) = sampled(input).map_err(|error| reading.unreadable(error))?;
    // Some programs put a mark in front of what has one.
    while sample.starts_with(MARK) {
        sample.drain(..MARK.len());
    }
    match recognise_text(&sample) {
        Content::Other(what) if reading.format != Format::JsonLines => return Err(reading.no_list(what)),
        Content::JsonLines if reading.format != Format::JsonLines => {
            reading.remark("it holds JSON and is read as JSON Lines, whatever it is called");
            reading.format = Format::JsonLines;
        }
        _ => {}
    }
    let packed = std::mem::take(&mut reading.understood.format);
    if reading.format == Format::JsonLines {
        reading.understood.format = packed + "JSON Lines";
        reading.beginning.take_json(&sample);
        return json_lines::read(BufReader::new(Cursor::new(sample).chain(rest)), reading);
    }
    let default = reading.format.delimiter();
    let dialect = Dialect::find(&sample, default, reading.options).map_err(|(no, delimiter)| {
        show(&sample, delimiter, Some(no.line), reading);
        reading.beginning.suggest(no.why.meant);
        let rule = if reading.options.delimiter.is_none() && delimiter != default {
            format!("{} (split at {})", no.why.rule, named(delimiter))
        } else {
            no.why.rule
        };
        reading.refused(no.line, rule + &foreign(&sample))
    })?;
    let Dialect { delimiter, layout, preface } = dialect;
    reading.delimiter = delimiter;
    reading.understood.format = packed + if delimiter == b'\t' { "TSV" } else { "CSV" };
    reading.understood.delimiter = Some(named(delimiter));
    show(&sample, delimiter, layout.header, reading);
    sample.drain(..preface);
    let input = BufReader::new(Cursor::new(sample).chain(rest));
    table::read(&mut Records::new(input, delimiter, 1 + u64::from(preface > 0)), &layout, reading)
}

/// Shows the first rows, whatever becomes of them.
fn show(sample: &[u8], delimiter: u8, header: Option<u64>, reading: &mut Reading<'_>) {
    let rows = first_rows(sample, delimiter, reading.options);
    reading.beginning.take_rows(&rows, header.filter(|_| reading.options.header));
    reading.beginning.delimiter = Some(named(delimiter));
}

/// What a header may be in that is not UTF-8: its names are wrong then.
fn foreign(sample: &[u8]) -> String {
    match std::str::from_utf8(sample) {
        Err(error) if error.error_len().is_some() => {
            let guess = Encoding::guessed(sample);
            format!("; the list is not UTF-8 and seems to be {guess}: --encoding {guess} reads it")
        }
        _ => String::new(),
    }
}

/// A delimiter as a person calls it.
fn named(delimiter: u8) -> String {
    if delimiter == b'\t' { "tab".to_owned() } else { char::from(delimiter).to_string() }
}

type Peeked<R> = Chain<Cursor<Vec<u8>>, R>;

/// The first bytes of an input, which stay in it.
fn peeked<R: Read>(input: R, reading: &Reading<'_>) -> Result<(Vec<u8>, Peeked<R>), InputError> {
    let (first, rest) = sampled(input).map_err(|error| reading.unreadable(error))?;
    Ok((first.clone(), Cursor::new(first).chain(rest)))
}

fn sampled<R: Read>(mut input: R) -> io::Result<(Vec<u8>, R)> {
    let mut first = Vec::new();
    (&mut input).take(SAMPLE as u64).read_to_end(&mut first)?;
    Ok((first, input))
}
