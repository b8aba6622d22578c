//! A file of rejected rows: corrected, it can be fed back as it is.

use std::io::{self, Write};

use super::columns::PROBLEM;
use super::{Format, Input, Reject};

impl Input {
    /// Writes the rejected rows as they stood in the input, each behind what is wrong with it. The column or property
    /// `problem` is not read back, so that a corrected file can be fed in without taking it out.
    ///
    /// # Errors
    /// That of the writer.
    pub fn write_rejects(&self, mut out: impl Write) -> io::Result<()> {
        if !self.in_utf_8 {
            // Read again with the same options, this file says itself that it is no longer in that encoding.
            out.write_all("\u{feff}".as_bytes())?;
        }
        if let Some(header) = &self.header {
            write!(out, "{PROBLEM}{}", char::from(self.delimiter))?;
            out.write_all(header)?;
            out.write_all(b"\n")?;
        }
        for reject in &self.rejects {
            match self.format {
                Format::Csv | Format::Tsv => self.delimited(&mut out, reject)?,
                Format::JsonLines => json(&mut out, reject)?,
            }
            out.write_all(b"\n")?;
        }
        out.flush()
    }

    fn delimited(&self, out: &mut impl Write, reject: &Reject) -> io::Result<()> {
        // Without a header the columns have numbers, which another column in front would change.
        if self.header.is_some() {
            write!(out, "\"{}\"{}", told(reject).replace('"', "\"\""), char::from(self.delimiter))?;
        }
        out.write_all(&reject.raw)
    }
}

fn json(out: &mut impl Write, reject: &Reject) -> io::Result<()> {
    let Some(rest) = reject.raw.strip_prefix(b"{") else {
        return out.write_all(&reject.raw);
    };
    write!(out, "{{\"{PROBLEM}\":")?;
    serde_json::to_writer(&mut *out, &told(reject))?;
    if rest.trim_ascii() != b"}" {
        out.write_all(b",")?;
    }
    out.write_all(rest)
}

fn told(reject: &Reject) -> String {
    let told: Vec<String> = reject.problems.iter().map(ToString::to_string).collect();
    told.join("; ")
}
