//! From the bytes of a text, in whatever encoding, to UTF-8.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use encoding_rs::{Decoder, DecoderResult, UTF_8, UTF_16BE, UTF_16LE};
use thiserror::Error;

/// Bytes that are decoded at a time.
const CHUNK: usize = 16 * 1024;

/// What stands for a part that has no meaning in its encoding. It is no UTF-8, so that its row is refused.
const MEANINGLESS: u8 = 0xff;

/// An encoding of text: one that browsers know, by any of its names, or UTF-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Known(&'static encoding_rs::Encoding),
    Utf32 { big: bool },
}

/// A text that names no [`Encoding`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no such encoding; for example utf-8, utf-16le, windows-1252, iso-8859-15, macintosh, shift_jis")]
pub struct InvalidEncoding;

/// Decodes what it reads.
pub(super) struct Decoding<R> {
    input: R,
    machine: Machine,
    /// Bytes that were read and not decoded yet.
    encoded: Vec<u8>,
    ended: bool,
    text: Vec<u8>,
    /// How much of `text` was given away.
    given: usize,
}

enum Machine {
    Known(Box<Decoder>),
    Utf32 { big: bool },
}

impl Encoding {
    pub(super) const UTF_8: Self = Self(Kind::Known(UTF_8));

    /// The encoding that a byte-order mark names, and the length of the mark.
    pub(super) fn of_mark(first: &[u8]) -> Option<(Self, usize)> {
        const MARKS: [(&[u8], Encoding); 5] = [
            (&[0xff, 0xfe, 0, 0], Encoding(Kind::Utf32 { big: false })),
            (&[0, 0, 0xfe, 0xff], Encoding(Kind::Utf32 { big: true })),
            (&[0xef, 0xbb, 0xbf], Encoding::UTF_8),
            (&[0xff, 0xfe], Encoding(Kind::Known(UTF_16LE))),
            (&[0xfe, 0xff], Encoding(Kind::Known(UTF_16BE))),
        ];
        let found = MARKS.iter().find(|(mark, _)| first.starts_with(mark));
        found.map(|(mark, encoding)| (*encoding, mark.len()))
    }

    /// The encoding of UTF-16 or UTF-32 without a mark, which shows in where its zero bytes stand.
    pub(super) fn of_zeros(first: &[u8]) -> Option<Self> {
        let first = &first[..first.len().min(4096)];
        let zeros = |every: usize, at: usize| {
            let count = first.len() / every;
            let zeros = first.chunks_exact(every).filter(|unit| unit[at] == 0).count();
            (count > 1).then_some((zeros, count))
        };
        let most = |every, at| zeros(every, at).is_some_and(|(zeros, count)| zeros * 10 >= count * 6);
        let none = |every, at| zeros(every, at).is_some_and(|(zeros, count)| zeros * 20 <= count);
        let characters = |big| {
            let mut text = Vec::new();
            utf_32(first, big, &mut text);
            !text.contains(&MEANINGLESS)
        };
        if most(4, 3) && most(4, 2) && none(4, 0) && characters(false) {
            return Some(Self(Kind::Utf32 { big: false }));
        }
        if most(4, 0) && most(4, 1) && none(4, 3) && characters(true) {
            return Some(Self(Kind::Utf32 { big: true }));
        }
        if most(2, 1) && none(2, 0) {
            return Some(Self(Kind::Known(UTF_16LE)));
        }
        (most(2, 0) && none(2, 1)).then_some(Self(Kind::Known(UTF_16BE)))
    }

    /// The encoding that bytes which are no UTF-8 are probably in.
    pub(super) fn guessed(bytes: &[u8]) -> Self {
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow);
        detector.feed(bytes, true);
        Self(Kind::Known(detector.guess(None, chardetng::Utf8Detection::Deny)))
    }

    /// Decodes a short text for a person.
    pub(super) fn sample(self, bytes: &[u8]) -> String {
        match self.0 {
            Kind::Known(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            Kind::Utf32 { .. } => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self.0 {
            Kind::Known(encoding) => encoding.name(),
            Kind::Utf32 { big: false } => "UTF-32LE",
            Kind::Utf32 { big: true } => "UTF-32BE",
        })
    }
}

impl FromStr for Encoding {
    type Err = InvalidEncoding;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "utf-32" | "utf-32le" => return Ok(Self(Kind::Utf32 { big: false })),
            "utf-32be" => return Ok(Self(Kind::Utf32 { big: true })),
            _ => {}
        }
        // What browsers replace as a whole is a protection of theirs, and no encoding of anybody's list.
        encoding_rs::Encoding::for_label_no_replacement(text.as_bytes())
            .filter(|encoding| encoding.name() != "x-user-defined")
            .map(|encoding| Self(Kind::Known(encoding)))
            .ok_or(InvalidEncoding)
    }
}

impl<R: Read> Decoding<R> {
    pub(super) fn new(input: R, encoding: Encoding) -> Self {
        let machine = match encoding.0 {
            Kind::Known(encoding) => Machine::Known(Box::new(encoding.new_decoder_without_bom_handling())),
            Kind::Utf32 { big } => Machine::Utf32 { big },
        };
        Self { input, machine, encoded: Vec::new(), ended: false, text: Vec::new(), given: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.given = 0;
        while self.text.is_empty() && !self.ended {
            let mut chunk = (&mut self.input).take(CHUNK as u64);
            if chunk.read_to_end(&mut self.encoded)? == 0 {
                self.ended = true;
            }
            match &mut self.machine {
                Machine::Known(decoder) => decode(decoder, &self.encoded, self.ended, &mut self.text),
                Machine::Utf32 { big } => {
                    let whole = self.encoded.len() / 4 * 4;
                    utf_32(&self.encoded[..whole], *big, &mut self.text);
                    self.encoded.drain(..whole);
                    if self.ended && !self.encoded.is_empty() {
                        self.text.push(MEANINGLESS);
                    }
                    continue;
                }
            }
            self.encoded.clear();
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoding<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() {
            self.fill()?;
        }
        let count = out.len().min(self.text.len() - self.given);
        out[..count].copy_from_slice(&self.text[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

fn decode(decoder: &mut Decoder, mut encoded: &[u8], last: bool, text: &mut Vec<u8>) {
    loop {
        let start = text.len();
        let room =
            decoder.max_utf8_buffer_length_without_replacement(encoded.len()).unwrap_or(CHUNK * 4).max(64);
        text.resize(start + room, 0);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(encoded, &mut text[start..], last);
        text.truncate(start + written);
        encoded = &encoded[read..];
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => text.push(MEANINGLESS),
        }
    }
}

fn utf_32(units: &[u8], big: bool, text: &mut Vec<u8>) {
    for unit in units.chunks_exact(4) {
        let unit = [unit[0], unit[1], unit[2], unit[3]];
        let code = if big { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) };
        match char::from_u32(code) {
            Some(c) => text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            None => text.push(MEANINGLESS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], encoding: Encoding) -> Vec<u8> {
        let mut text = Vec::new();
        Decoding::new(bytes, encoding).read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn texts_of_many_encodings_become_utf_8() {
        for (name, bytes, text) in [
            ("windows-1252", &b"Caf\xe9"[..], "Café"),
            ("latin1", b"Caf\xe9", "Café"),
            ("iso-8859-15", b"5 \xa4", "5 €"),
            ("macintosh", b"Caf\x8e", "Café"),
            ("shift_jis", b"\x8bq\x8e\xba", "客室"),
            ("utf-16le", b"7\x002\0", "72"),
            ("UTF-32BE", b"\0\0\x007\0\0\0\xe9", "7é"),
        ] {
            assert_eq!(String::from_utf8(decoded(bytes, name.parse().unwrap())).unwrap(), text, "{name}");
        }
        for (name, bytes) in
            [("utf-16le", &b"7\0\0\xd8"[..]), ("shift_jis", b"\x8b"), ("utf-32", b"7\0\0\0\0")]
        {
            assert!(decoded(bytes, name.parse().unwrap()).contains(&MEANINGLESS), "{name}");
        }
        assert!("cp-klingon".parse::<Encoding>().is_err());
        let long = "é".repeat(3 * CHUNK);
        let units: Vec<u8> = long.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decoded(&units, "utf-16be".parse().unwrap()), long.as_bytes());
    }

    #[test]
    fn utf_16_and_utf_32_are_recognised_without_a_mark() {
        let text = "externalUserId;amazonId\r\nCafé;amzn1\r\n客室;amzn1";
        let name = |bytes: &[u8]| Encoding::of_zeros(bytes).map(|encoding| encoding.to_string());
        let utf_16 = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        let utf_32 =
            |order: fn(u32) -> [u8; 4]| text.chars().map(u32::from).flat_map(order).collect::<Vec<u8>>();
        assert_eq!(name(&utf_16(u16::to_le_bytes)).as_deref(), Some("UTF-16LE"));
        assert_eq!(name(&utf_16(u16::to_be_bytes)).as_deref(), Some("UTF-16BE"));
        assert_eq!(name(&utf_32(u32::to_le_bytes)).as_deref(), Some("UTF-32LE"));
        assert_eq!(name(&utf_32(u32::to_be_bytes)).as_deref(), Some("UTF-32BE"));
        for bytes in
            [text.as_bytes(), b"", b"a", b"\0\0\0\0\0\0\0\0", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"]
        {
            assert_eq!(name(bytes), None);
        }
    }
}
