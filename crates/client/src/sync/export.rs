//! Associations as rows that [`super::Input`] reads.

use std::io::{self, Write};

use jackfield_model::wire::Association;

use super::input::{Allowed, Doubt, Format, doubt_of};

/// Writes associations one after the other. What it writes, an [`super::Input`] of the same format reads back.
pub struct ExportWriter<W: Write> {
    shape: Shape<W>,
    doubts: Allowed,
}

enum Shape<W: Write> {
    Delimited(Box<csv::Writer<W>>),
    Lines(W),
}

impl<W: Write> ExportWriter<W> {
    /// Begins an export, with a header where the format has one.
    ///
    /// # Errors
    /// That of the writer.
    pub fn new(out: W, format: Format) -> io::Result<Self> {
        if format == Format::JsonLines {
            return Ok(Self { shape: Shape::Lines(out), doubts: Allowed::default() });
        }
        let mut writer = csv::WriterBuilder::new().delimiter(format.delimiter()).from_writer(out);
        writer.write_record(["externalUserId", "amazonId"])?;
        Ok(Self { shape: Shape::Delimited(Box::new(writer)), doubts: Allowed::default() })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// That of the writer.
    pub fn write(&mut self, association: &Association) -> io::Result<()> {
        if let Some(doubt) = doubt_of(association.external_user_id.as_str()) {
            self.doubts = self.doubts.with(doubt);
        }
        match &mut self.shape {
            Shape::Delimited(writer) => {
                let row = [association.external_user_id.as_str(), association.amazon_id.as_str()];
                Ok(writer.write_record(row)?)
            }
            Shape::Lines(out) => {
                serde_json::to_writer(&mut *out, association)?;
                out.write_all(b"\n")
            }
        }
    }

    /// Kinds of ids so far that a list is refused for, because in a list they are mostly mistakes. Reading this one back
    /// takes that they are allowed.
    pub fn doubts(&self) -> impl Iterator<Item = Doubt> {
        let doubts = self.doubts;
        Doubt::ALL.into_iter().filter(move |&doubt| doubts.has(doubt))
    }

    /// Hands everything to the writer below.
    ///
    /// # Errors
    /// That of the writer.
    pub fn finish(self) -> io::Result<()> {
        match self.shape {
            Shape::Delimited(mut writer) => writer.flush(),
            Shape::Lines(mut out) => out.flush(),
        }
    }
}

impl<W: Write> std::fmt::Debug for ExportWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.shape {
            Shape::Delimited(_) => "ExportWriter(delimited)",
            Shape::Lines(_) => "ExportWriter(JSON Lines)",
        })
    }
}
