//! An export that is read and compared with its checksums, and stored nowhere.

use super::Moved;
use super::format::FormatError;
use super::lines::Event;
use super::reader::Reader;

/// A check that is under way.
pub struct Check {
    reader: Reader,
    moved: Moved,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Check").field("moved", &self.moved).finish_non_exhaustive()
    }
}

impl Default for Check {
    /// # Panics
    /// When there is no memory for the decompression.
    fn default() -> Self {
        let reader = Reader::new().expect("there is memory for the decompression");
        Self { reader, moved: Moved::default() }
    }
}

impl Check {
    /// What was read so far.
    #[must_use]
    pub const fn moved(&self) -> &Moved {
        &self.moved
    }

    /// Takes the next bytes of the export.
    ///
    /// # Errors
    /// [`FormatError`] when it is damaged.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        self.reader.push(bytes)?;
        while let Some(event) = self.reader.next() {
            match event {
                Event::Start(start, associations) => {
                    self.moved.expected = associations;
                    self.moved.accounts = start.registry.records().len() as u64;
                }
                Event::Part(part) => self.moved.count(&part),
            }
        }
        Ok(())
    }

    /// Says that there are no more bytes: what was read, when it is whole.
    ///
    /// # Errors
    /// [`FormatError`] when its end is missing or says something else.
    pub fn finish(self) -> Result<Moved, FormatError> {
        self.reader.finish()?;
        Ok(self.moved)
    }
}
