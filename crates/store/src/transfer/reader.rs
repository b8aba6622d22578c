//! Reading an export as its bytes come: out of the compression, into lines.

use std::collections::VecDeque;

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::format::{End, FormatError};
use super::lines::{Event, Lines};

/// Longest line. The longest that is written has the JSON of a client twice, with all its refresh tokens.
const LINE_BYTES: usize = 16 * 1024 * 1024;
/// Bytes that are decompressed at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// Reads an export as its bytes come.
pub(super) struct Reader {
    decoder: Decoder<'static>,
    /// Whether the last frame of the compression is complete.
    frame_ended: bool,
    /// The beginning of a line that is not complete.
    rest: Vec<u8>,
    lines: Lines,
    events: VecDeque<Event>,
}

impl Reader {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            decoder: Decoder::new()?,
            frame_ended: true,
            rest: Vec::new(),
            lines: Lines::default(),
            events: VecDeque::new(),
        })
    }

    /// Takes bytes; what they say comes from [`Reader::next`].
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        let mut input = InBuffer::around(bytes);
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            let before = input.pos();
            let mut output = OutBuffer::around(&mut block[..]);
            let left = self.decoder.run(&mut input, &mut output);
            let left =
                left.map_err(|_| self.lines.error("its compression is damaged, or it is no export"))?;
            let written = output.pos();
            if written > 0 || input.pos() > before {
                self.frame_ended = left == 0;
            }
            self.text(&block[..written])?;
            if input.pos() == bytes.len() && written < BLOCK_BYTES {
                return Ok(());
            }
        }
    }

    pub(super) fn next(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Says that there are no more bytes. Answers the counts of the last line.
    pub(super) fn finish(self) -> Result<End, FormatError> {
        match self.lines.end {
            Some(end) if self.rest.is_empty() && self.frame_ended => Ok(end),
            _ => Err(self.lines.error("it ends here, without its last line: it was cut off")),
        }
    }

    fn text(&mut self, mut text: &[u8]) -> Result<(), FormatError> {
        while let Some(length) = text.iter().position(|byte| *byte == b'\n') {
            let (line, after) = text.split_at(length + 1);
            text = after;
            if self.rest.is_empty() {
                self.lines.take(line, &mut self.events)?;
            } else {
                self.rest.extend_from_slice(line);
                self.lines.take(&std::mem::take(&mut self.rest), &mut self.events)?;
            }
        }
        if self.rest.len() + text.len() > LINE_BYTES {
            return Err(self.lines.error("it is longer than any line of an export"));
        }
        self.rest.extend_from_slice(text);
        Ok(())
    }
}
