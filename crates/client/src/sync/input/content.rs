//! What a file is, by its first bytes. Its name is only a promise.

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Text of any encoding, with delimiters.
    Text,
    /// Text whose lines are JSON.
    JsonLines,
    /// Compressed by gzip.
    Gzip,
    /// A zip archive, which most workbooks are.
    Zip,
    /// A compound file, which old workbooks are.
    Compound,
    /// What is no list; to be read after its name.
    Other(&'static str),
}

/// Beginnings that no list has.
const OTHERS: &[(&[u8], &str)] = &[
    (b"%PDF", "is a PDF document; export the list as .csv or .xlsx where it comes from"),
    (b"\x89PNG", "is a picture (PNG), not a list"),
    (b"\xff\xd8\xff", "is a picture (JPEG), not a list"),
    (b"GIF8", "is a picture (GIF), not a list"),
    (b"II*\0", "is a picture (TIFF), not a list"),
    (b"MM\0*", "is a picture (TIFF), not a list"),
    (b"{\\rtf", "is a text document (RTF); save its table as .csv or .xlsx"),
    (b"7z\xbc\xaf\x27\x1c", "is an archive (7z); unpack it"),
    (b"Rar!", "is an archive (RAR); unpack it"),
    (b"BZh", "is compressed (bzip2); unpack it"),
    (b"\xfd7zXZ\0", "is compressed (xz); unpack it"),
    (b"\x28\xb5\x2f\xfd", "is compressed (zstd); unpack it"),
    (b"SQLite format 3\0", "is a database (SQLite); export the list as .csv"),
    (b"\x7fELF", "is a program, not a list"),
    (b"%!PS", "is a document (PostScript), not a list"),
    // Before 1997 a workbook was one stream, without the compound file around it.
    (b"\x09\x08\x10\0\0\x06", OLD_WORKBOOK),
    (b"\x09\0\x04\0", OLD_WORKBOOK),
    (b"\x09\x02\x06\0", OLD_WORKBOOK),
    (b"\x09\x04\x06\0", OLD_WORKBOOK),
    (b"\x09\x08\x08\0", OLD_WORKBOOK),
];

const OLD_WORKBOOK: &str = "is a workbook of a version before 1997; open it and save it as .xlsx";

const HTML: &str = "is a web page (HTML), which some programs save with the name of a workbook; open it in a \
                    spreadsheet and save it as .xlsx or .csv";

const XML: &str = "is XML, which some programs save with the name of a workbook; open it in a spreadsheet and save \
                   it as .xlsx or .csv";

const ARRAY: &str =
    "is a JSON array; one object a line is read (--format jsonl), which `jq -c '.[]'` makes of it";

const BINARY: &str = "is a binary file, not a list";

/// Recognises a file by its beginning, of which a few thousand bytes are enough.
pub(super) fn recognise(first: &[u8]) -> Content {
    match first {
        [0x1f, 0x8b, ..] => return Content::Gzip,
        [b'P', b'K', 3 | 5, 4 | 6, ..] => return Content::Zip,
        [0xd0, 0xcf, 0x11, 0xe0, ..] => return Content::Compound,
        _ => {}
    }
    let other = OTHERS.iter().find(|(beginning, _)| first.starts_with(beginning));
    other.map_or(Content::Text, |(_, what)| Content::Other(what))
}

/// Recognises what a text is, when it is UTF-8.
pub(super) fn recognise_text(first: &[u8]) -> Content {
    let start = first.trim_ascii_start();
    let begins =
        |word: &str| start.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
    if ["<!doctype html", "<html", "<table", "<head", "<meta", "<body"].iter().any(|word| begins(word)) {
        return Content::Other(HTML);
    }
    if begins("<?xml") {
        let html = first.windows(5).take(2000).any(|window| window.eq_ignore_ascii_case(b"<html"));
        return Content::Other(if html { HTML } else { XML });
    }
    if begins("MIME-Version:") {
        return Content::Other(HTML);
    }
    match start {
        [b'{', rest @ ..] if rest.trim_ascii_start().starts_with(b"\"") => Content::JsonLines,
        [b'[', rest @ ..] if matches!(rest.trim_ascii_start(), [b'{' | b']', ..]) => Content::Other(ARRAY),
        _ if before_end_mark(first).contains(&0) => Content::Other(BINARY),
        _ if steers(first) * 10 > first.len() => Content::Other(BINARY),
        _ => Content::Text,
    }
}

/// A text without the Ctrl-Z and the zeros with which old programs fill the last block of a file.
fn before_end_mark(first: &[u8]) -> &[u8] {
    let filling = first.iter().rev().take_while(|byte| matches!(byte, 0 | 26 | b'\r' | b'\n')).count();
    let body = first.len() - filling;
    if first[body..].contains(&26) { &first[..body] } else { first }
}

/// Control characters that no text has many of.
fn steers(first: &[u8]) -> usize {
    first.iter().filter(|byte| matches!(byte, 1..=8 | 11 | 14..=25 | 27..=31)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_their_first_bytes() {
        assert_eq!(recognise(b"PK\x03\x04rest"), Content::Zip);
        assert_eq!(recognise(b"\x1f\x8b\x08"), Content::Gzip);
        assert_eq!(recognise(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), Content::Compound);
        for bytes in
            [&b"%PDF-1.7"[..], b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"{\\rtf1", b"\x09\x08\x10\0\0\x06\x05\0"]
        {
            assert!(matches!(recognise(bytes), Content::Other(_)), "{bytes:?}");
        }
        for text in ["<html>", "\r\n<!DOCTYPE HTML>", "<table border=1>", "<?xml version='1.0'?><html>"] {
            assert_eq!(recognise_text(text.as_bytes()), Content::Other(HTML), "{text}");
        }
        assert_eq!(recognise_text(b"<?xml version=\"1.0\"?>\n<Workbook>"), Content::Other(XML));
        assert_eq!(recognise_text(b"[\n  {\"a\": 1}]"), Content::Other(ARRAY));
        assert_eq!(recognise_text(b"{ \"a\": 1}"), Content::JsonLines);
        assert_eq!(recognise_text(b"a\0\0b"), Content::Other(BINARY));
        assert_eq!(recognise_text(b"\x01\x02\x03\x04\x05"), Content::Other(BINARY));
        for text in ["", "a,b", "[7201],x", "{7201},y", "\u{1a}", "<7201>,x"] {
            assert_eq!(recognise_text(text.as_bytes()), Content::Text, "{text}");
        }
    }
}
