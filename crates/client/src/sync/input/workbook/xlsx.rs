//! `.xlsx` and `.xlsm`.

use std::io::BufReader;

use calamine::{Data, Reader, SheetType, SheetVisible};
use quick_xml::events::{BytesStart, Event};

use super::archive::{Archive, Bytes};
use super::{Book, Cell, Sheet, Tab, merged, shown};

pub(super) struct Xlsx {
    book: calamine::Xlsx<Bytes>,
    archive: Archive,
}

impl Xlsx {
    pub(super) fn open(archive: Archive) -> Result<Self, String> {
        let book = calamine::Xlsx::new(archive.bytes())
            .map_err(|error| format!("is a damaged workbook: {error}"))?;
        Ok(Self { book, archive })
    }

    /// Rows that are hidden, which the cells do not tell.
    fn hidden_rows(&mut self, sheet: &str) -> Result<Vec<u64>, String> {
        let Some(path) = self.path(sheet)? else { return Ok(Vec::new()) };
        let Some(part) = self.archive.part(&path)? else { return Ok(Vec::new()) };
        let mut rows = Vec::new();
        let mut row = 0;
        each(&part, |tag| {
            if tag.local_name().as_ref() == "row" {
                row = value(tag, "r").and_then(|text| text.parse().ok()).unwrap_or(row + 1);
                if value(tag, "hidden").is_some_and(|text| text == "1" || text == "true") {
                    rows.push(row);
                }
            }
        });
        Ok(rows)
    }

    /// The part that a sheet is.
    fn path(&mut self, sheet: &str) -> Result<Option<String>, String> {
        let (Some(book), Some(relations)) =
            (self.archive.part("xl/workbook.xml")?, self.archive.part("xl/_rels/workbook.xml.rels")?)
        else {
            return Ok(None);
        };
        let mut id = None;
        each(&book, |tag| {
            if tag.local_name().as_ref() == "sheet" && value(tag, "name").as_deref() == Some(sheet) {
                id = value(tag, "r:id");
            }
        });
        Ok(id.and_then(|id| target(&relations, &id)))
    }
}

impl Book for Xlsx {
    fn sheets(&self) -> Vec<Tab> {
        tabs(self.book.sheets_metadata())
    }

    fn read(&mut self, sheet: &str) -> Result<Sheet, String> {
        let damaged = |error: calamine::XlsxError| error.to_string();
        let hidden_rows = self.hidden_rows(sheet)?;
        let regions = self.book.merge_cells_by_sheet_name(sheet).map_err(damaged)?;
        let mut reader = self.book.worksheet_cells_reader(sheet).map_err(damaged)?;
        let mut cells = Vec::new();
        while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(damaged)? {
            let (row, column) = cell.get_position();
            let style = reader.styles().get(style).and_then(|style| style.number_format.as_ref());
            let format = style.map_or("", |format| format.format_code.as_str());
            let Some(shown) = shown(Data::from(cell.get_value().clone()), format) else { continue };
            Cell { row, column, shown }.push_to(&mut cells)?;
        }
        Ok(Sheet { cells, hidden_rows, merged: regions.iter().map(merged).collect() })
    }
}

/// The part that a relation of the workbook names.
pub(super) fn target(relations: &[u8], id: &str) -> Option<String> {
    let mut path = None;
    each(relations, |tag| {
        if value(tag, "Id").as_deref() == Some(id) {
            path = value(tag, "Target");
        }
    });
    path.map(|path| match path.strip_prefix('/') {
        Some(whole) => whole.to_owned(),
        None => format!("xl/{path}"),
    })
}

/// Sheets that have cells.
pub(super) fn tabs(sheets: &[calamine::Sheet]) -> Vec<Tab> {
    sheets
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| Tab { name: sheet.name.clone(), hidden: sheet.visible != SheetVisible::Visible })
        .collect()
}

/// Calls for each tag of a document, as far as it can be read.
fn each(document: &[u8], mut call: impl FnMut(&BytesStart<'_>)) {
    let mut reader = quick_xml::Reader::from_reader(BufReader::new(document));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(tag) | Event::Empty(tag)) => call(&tag),
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

pub(super) fn value(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = tag.try_get_attribute(name).ok()??;
    Some(attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0).ok()?.into_owned())
}
