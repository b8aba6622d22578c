//! `.ods`, which keeps beside each number the text that its cell shows.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use jackfield_model::limit;

use super::archive::Archive;
use super::xlsx::value;
use super::{Book, Cell, Sheet, Tab, named, number};

const DAMAGED: &str = "its content cannot be read";

/// Columns that a sheet has at most; what is repeated further is empty.
const COLUMNS: u32 = 16_384;

/// Rows that a sheet has at most.
const ROWS: u32 = 1_048_576;

pub(super) struct Ods {
    content: Vec<u8>,
    sheets: Vec<Tab>,
}

impl Ods {
    pub(super) fn open(mut archive: Archive) -> Result<Self, String> {
        let content = archive.part("content.xml")?.unwrap_or_default();
        if archive
            .part("META-INF/manifest.xml")?
            .is_some_and(|manifest| String::from_utf8_lossy(&manifest).contains("encryption-data"))
        {
            return Err("is protected by a password; save it without one".to_owned());
        }
        let sheets = sheets(&content).map_err(|error| format!("is a damaged workbook: {error}"))?;
        Ok(Self { content, sheets })
    }
}

impl Book for Ods {
    fn sheets(&self) -> Vec<Tab> {
        self.sheets.clone()
    }

    fn read(&mut self, sheet: &str) -> Result<Sheet, String> {
        let mut reader = Reader::from_reader(&self.content[..]);
        let mut table = Table::default();
        let mut inside = false;
        loop {
            match reader.read_event().map_err(|_| DAMAGED.to_owned())? {
                Event::Start(tag) if tag.name().as_ref() == "table:table" => {
                    inside = value(&tag, "table:name").as_deref() == Some(sheet);
                }
                Event::End(tag) if inside && tag.name().as_ref() == "table:table" => break,
                Event::Eof => break,
                event if inside => table.take(&event)?,
                _ => {}
            }
        }
        Ok(table.sheet)
    }
}

fn sheets(content: &[u8]) -> Result<Vec<Tab>, String> {
    let mut reader = Reader::from_reader(content);
    // Styles stand in front of the tables that they are of.
    let mut hiding: Vec<String> = Vec::new();
    let (mut style, mut sheets) = (None, Vec::new());
    loop {
        match reader.read_event().map_err(|_| DAMAGED.to_owned())? {
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                "style:style" => style = value(&tag, "style:name"),
                "style:table-properties" if value(&tag, "table:display").as_deref() == Some("false") => {
                    hiding.extend(style.clone());
                }
                "table:table" => {
                    let hidden = value(&tag, "table:style-name").is_some_and(|style| hiding.contains(&style));
                    sheets.extend(value(&tag, "table:name").map(|name| Tab { name, hidden }));
                }
                _ => {}
            },
            Event::Eof => return Ok(sheets),
            _ => {}
        }
    }
}

/// A sheet that is being read.
#[derive(Default)]
struct Table {
    sheet: Sheet,
    row: u32,
    /// How often the row stands there, and its cells.
    repeated: u32,
    hidden: bool,
    cells: Vec<(u32, Result<String, String>)>,
    column: u32,
    cell: Option<Open>,
    /// How deep in a note at a cell this is.
    note: u32,
}

/// A cell that is being read.
struct Open {
    repeated: u32,
    kind: String,
    value: Option<f64>,
    text: String,
    paragraphs: u32,
}

impl Table {
    fn take(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::Empty(tag) => {
                self.start(tag);
                return self.end(tag.name().as_ref());
            }
            Event::End(tag) => return self.end(tag.name().as_ref()),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(name) => {
                let meant = match name.resolve_char_ref() {
                    Ok(Some(c)) => c.to_string(),
                    _ => quick_xml::escape::resolve_xml_entity(name).unwrap_or_default().to_owned(),
                };
                self.text(&meant);
            }
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) {
        let count = |name: &str, most: u32| {
            value(tag, name).and_then(|text| text.parse().ok()).unwrap_or(1).clamp(1, most)
        };
        match tag.name().as_ref() {
            "table:table-row" => {
                self.repeated = count("table:number-rows-repeated", ROWS);
                self.hidden = value(tag, "table:visibility").is_some_and(|text| text != "visible");
                self.cells.clear();
                self.column = 0;
            }
            "table:table-cell" | "table:covered-table-cell" => {
                self.span(tag);
                self.cell = Some(Open {
                    repeated: count("table:number-columns-repeated", COLUMNS),
                    kind: value(tag, "office:value-type").unwrap_or_default(),
                    value: value(tag, "office:value").and_then(|text| text.parse().ok()),
                    text: value(tag, "office:string-value").unwrap_or_default(),
                    paragraphs: 0,
                });
            }
            "office:annotation" => self.note += 1,
            "text:p" => {
                if let Some(cell) = self.cell.as_mut().filter(|_| self.note == 0) {
                    match cell.paragraphs {
                        // What is shown counts, and not the value beside it.
                        0 => cell.text.clear(),
                        _ => cell.text.push('\n'),
                    }
                    cell.paragraphs += 1;
                }
            }
            "text:s" => {
                let spaces = count("text:c", 1_000);
                self.text(&" ".repeat(spaces as usize));
            }
            "text:tab" => self.text("\t"),
            "text:line-break" => self.text("\n"),
            _ => {}
        }
    }

    /// Notes cells that are merged.
    fn span(&mut self, tag: &BytesStart<'_>) {
        let count = |name: &str| value(tag, name).and_then(|text| text.parse::<u32>().ok()).unwrap_or(1);
        let (rows, columns) = (count("table:number-rows-spanned"), count("table:number-columns-spanned"));
        if rows > 1 || columns > 1 {
            let (row, column) = (self.row.saturating_add(rows - 1), self.column.saturating_add(columns - 1));
            self.sheet.merged.push(format!("{}:{}", named(self.row, self.column), named(row, column)));
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(cell) = self.cell.as_mut().filter(|cell| self.note == 0 && cell.paragraphs > 0) {
            cell.text.push_str(text);
        }
    }

    fn end(&mut self, name: &str) -> Result<(), String> {
        match name {
            "office:annotation" => self.note = self.note.saturating_sub(1),
            "table:table-cell" | "table:covered-table-cell" => {
                let Some(cell) = self.cell.take() else { return Ok(()) };
                let shown = cell.shown();
                if shown.as_deref() != Ok("") {
                    let until = self.column.saturating_add(cell.repeated).min(COLUMNS);
                    self.cells.extend((self.column..until).map(|column| (column, shown.clone())));
                }
                self.column = self.column.saturating_add(cell.repeated);
            }
            "table:table-row" => return self.end_row(),
            _ => {}
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), String> {
        let until = self.row.saturating_add(self.repeated).min(ROWS);
        if !self.cells.is_empty() {
            let more = u64::from(until - self.row) * self.cells.len() as u64;
            if self.sheet.cells.len() as u64 + more > limit::LIST_CELLS {
                return Err(format!("it has more than {} cells", limit::LIST_CELLS));
            }
            for row in self.row..until {
                if self.hidden {
                    self.sheet.hidden_rows.push(u64::from(row) + 1);
                }
                let cells = self.cells.iter().cloned();
                self.sheet.cells.extend(cells.map(|(column, shown)| Cell { row, column, shown }));
            }
        }
        self.row = until;
        Ok(())
    }
}

impl Open {
    /// What the cell shows, or why that is no value.
    fn shown(&self) -> Result<String, String> {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        match (self.kind.as_str(), self.value) {
            ("date" | "time", _) => Err(number::DATE.to_owned()),
            // Digits in groups are the same digits.
            ("float" | "currency", Some(value)) => match number::shown(value, "")? {
                exact if !self.text.is_empty() && digits(&self.text) != exact => self.rounded(value, &exact),
                exact => Ok(exact),
            },
            _ => Ok(self.text.clone()),
        }
    }

    /// A number that is shown with other digits than it has: zeros in front of it, or fewer than it has.
    fn rounded(&self, value: f64, exact: &str) -> Result<String, String> {
        if self.text.parse() == Ok(value) && !self.text.contains(['e', 'E']) {
            return Ok(self.text.clone());
        }
        Err(format!(
            "is the number {exact}, which the cell shows as \"{}\"; format the cell as text",
            self.text
        ))
    }
}
