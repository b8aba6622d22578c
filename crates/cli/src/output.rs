//! What commands write to standard output: a table for people or one JSON document for programs.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    // No doc comments: they would stand in every help text.
    Table,
    Json,
}

/// An object that has a row in a table.
pub(crate) trait Show {
    /// Names and values, in the order of the columns.
    fn fields(&self) -> Vec<(&'static str, String)>;
}

/// Standard output, or what stands in for it in a test.
pub(crate) struct Output {
    format: Format,
    out: Box<dyn Write>,
}

/// A list that is being written.
pub(crate) struct List<'a> {
    output: &'a mut Output,
    shape: Shape,
    pushed: u64,
}

enum Shape {
    /// Rows wait for the widths of their columns.
    Table(Box<Table>),
    /// A JSON array, written as it comes: memory does not grow with the list.
    Array,
    /// A JSON document a line.
    Lines,
    /// Cells between two spaces, a line a row.
    Rows,
}

impl Output {
    /// Standard output in this format.
    pub(crate) fn stdout(format: Format) -> Self {
        Self { format, out: Box::new(BufWriter::new(io::stdout())) }
    }

    /// The format asked for.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Writes one object.
    pub(crate) fn object<T: Serialize + Show>(&mut self, object: &T) -> io::Result<()> {
        if self.format == Format::Json {
            return self.json(object);
        }
        let fields = object.fields();
        let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in fields {
            let line = format!("{name:width$}  {}", printable(&value));
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// Writes what was done to the object with this id.
    pub(crate) fn done(&mut self, verb: &str, name: &str, id: &str) -> io::Result<()> {
        match self.format {
            Format::Table => self.line(&format!("{verb} {id}")),
            Format::Json => self.json(&serde_json::json!({ name: id })),
        }
    }

    /// Writes a JSON document.
    pub(crate) fn json<T: Serialize>(&mut self, object: &T) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, object)?;
        writeln!(self.out)
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", printable(line))
    }

    /// Writes bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Begins a list that ends.
    pub(crate) fn list(&mut self) -> List<'_> {
        let shape = match self.format {
            Format::Table => {
                let mut table = Table::new();
                // Ids are there to be copied: they are never wrapped.
                table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
                Shape::Table(Box::new(table))
            }
            Format::Json => Shape::Array,
        };
        List { output: self, shape, pushed: 0 }
    }

    /// Begins a list that may never end.
    pub(crate) fn stream(&mut self) -> List<'_> {
        let shape = match self.format {
            Format::Table => Shape::Rows,
            Format::Json => Shape::Lines,
        };
        List { output: self, shape, pushed: 0 }
    }

    /// Hands everything written to the operating system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl List<'_> {
    /// Adds an object.
    pub(crate) fn push<T: Serialize + Show>(&mut self, item: &T) -> io::Result<()> {
        let out = &mut self.output.out;
        match &mut self.shape {
            Shape::Table(table) => {
                let fields = item.fields();
                if self.pushed == 0 {
                    table.set_header(fields.iter().map(|(name, _)| name.to_uppercase()));
                }
                table.add_row(fields.iter().map(|(_, value)| printable(value)));
            }
            Shape::Array => {
                out.write_all(if self.pushed == 0 { b"[\n  " } else { b",\n  " })?;
                serde_json::to_writer(out, item)?;
            }
            Shape::Lines => {
                serde_json::to_writer(&mut *out, item)?;
                writeln!(out)?;
            }
            Shape::Rows => {
                let cells: Vec<String> = item.fields().iter().map(|(_, value)| printable(value)).collect();
                writeln!(out, "{}", cells.join("  "))?;
            }
        }
        self.pushed += 1;
        Ok(())
    }

    /// Hands what was added so far to the operating system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    /// Ends the list.
    pub(crate) fn finish(self) -> io::Result<()> {
        let out = &mut self.output.out;
        match self.shape {
            Shape::Table(_) if self.pushed == 0 => writeln!(out, "none"),
            Shape::Table(table) => {
                for line in table.lines() {
                    // The first column needs no margin, the last no padding.
                    writeln!(out, "{}", line.strip_prefix(' ').unwrap_or(&line).trim_end())?;
                }
                Ok(())
            }
            Shape::Array => writeln!(out, "{}", if self.pushed == 0 { "[]" } else { "\n]" }),
            Shape::Lines | Shape::Rows => Ok(()),
        }
    }
}

/// A value, or a dash in its place.
pub(crate) fn optional<T: Display>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// `on` or `off`.
pub(crate) fn switch(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

/// A text that cannot steer the terminal it is shown on.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Columns of the terminal that an output is, or nothing where it is none.
pub(crate) fn columns(output: &(impl IsTerminal + std::os::fd::AsFd)) -> Option<usize> {
    if !output.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(output).ok();
    Some(size.map(|size| usize::from(size.ws_col)).filter(|&columns| columns > 0).unwrap_or(80))
}

/// A text broken between words so that no line is wider, unless a word is. Lines after the first are indented.
pub(crate) fn wrapped(text: &str, width: Option<usize>, indent: &str) -> String {
    let Some(width) = width else { return text.to_owned() };
    let words = text.trim_start_matches(' ');
    let mut lines = " ".repeat(text.len() - words.len());
    let mut used = lines.len();
    let mut begun = false;
    for word in words.split(' ') {
        let count = word.chars().count();
        if begun && used + 1 + count > width {
            lines.push('\n');
            lines.push_str(indent);
            used = indent.len();
        } else if begun {
            lines.push(' ');
            used += 1;
        }
        begun = true;
        lines.push_str(word);
        used += count;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_break_between_words() {
        let text = "error: one two three, fourteenletters five";
        assert_eq!(wrapped(text, None, "  "), text);
        assert_eq!(wrapped(text, Some(200), "  "), text);
        assert_eq!(wrapped(text, Some(15), "  "), "error: one two\n  three,\n  fourteenletters\n  five");
    }
}
