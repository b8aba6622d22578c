//! Associations as rows that [`super::Input`] reads.

use std::io::{self, Write};

use jackfield_model::wire::Association;

use super::input::Format;

/// Writes associations one after the other. What it writes, an [`super::Input`] of the same format reads back.
pub struct ExportWriter<W: Write>(Shape<W>);

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
            return Ok(Self(Shape::Lines(out)));
        }
        let mut writer = csv::WriterBuilder::new().delimiter(format.delimiter()).from_writer(out);
        writer.write_record(["externalUserId", "amazonId"])?;
        Ok(Self(Shape::Delimited(Box::new(writer))))
    }

    /// Adds a row.
    ///
    /// # Errors
    /// That of the writer.
    pub fn write(&mut self, association: &Association) -> io::Result<()> {
        match &mut self.0 {
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

    /// Hands everything to the writer below.
    ///
    /// # Errors
    /// That of the writer.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Shape::Delimited(mut writer) => writer.flush(),
            Shape::Lines(mut out) => out.flush(),
        }
    }
}

impl<W: Write> std::fmt::Debug for ExportWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Shape::Delimited(_) => "ExportWriter(delimited)",
            Shape::Lines(_) => "ExportWriter(JSON Lines)",
        })
    }
}
