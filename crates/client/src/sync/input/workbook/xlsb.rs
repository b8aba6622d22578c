//! `.xlsb`. As with `.xls`, a walk over the records tells how numbers are shown.

use std::collections::HashMap;

use calamine::{Data, Reader};

use super::archive::{Archive, Bytes};
use super::xls::{u16_at, u32_at};
use super::xlsx::tabs;
use super::{Book, Cell, Sheet, Tab, shown};

/// Types of records, as the specification of the format names them.
mod record {
    pub(super) const ROW: u32 = 0;
    /// Cells of any kind, blank ones first.
    pub(super) const CELLS: std::ops::RangeInclusive<u32> = 1..=11;
    pub(super) const FORMAT: u32 = 44;
    pub(super) const XF: u32 = 47;
    pub(super) const SHEET: u32 = 156;
    pub(super) const MERGED: u32 = 176;
    pub(super) const BEGIN_CELL_XFS: u32 = 617;
    pub(super) const END_CELL_XFS: u32 = 618;
}

pub(super) struct Xlsb {
    book: calamine::Xlsb<Bytes>,
    archive: Archive,
    /// The formats of cells, by the number that a cell has.
    cell_formats: Vec<String>,
}

/// How a sheet shows what it has.
#[derive(Default)]
struct Shows {
    formats: HashMap<(u32, u32), usize>,
    hidden_rows: Vec<u64>,
    merged: Vec<String>,
}

impl Xlsb {
    pub(super) fn open(mut archive: Archive) -> Result<Self, String> {
        let styles = archive.part("xl/styles.bin")?.unwrap_or_default();
        let book = calamine::Xlsb::new(archive.bytes())
            .map_err(|error| format!("is a damaged workbook: {error}"))?;
        Ok(Self { book, archive, cell_formats: cell_formats(&styles) })
    }

    fn shows(&mut self, sheet: &str) -> Result<Shows, String> {
        let unknown = || "it is not said where this sheet is".to_owned();
        let book = self.archive.part("xl/workbook.bin")?.ok_or_else(unknown)?;
        let id = sheet_id(&book, sheet).ok_or_else(unknown)?;
        let relations = self.archive.part("xl/_rels/workbook.bin.rels")?.ok_or_else(unknown)?;
        let path = super::xlsx::target(&relations, &id).ok_or_else(unknown)?;
        let part = self.archive.part(&path)?.ok_or_else(unknown)?;
        let (mut shows, mut row) = (Shows::default(), 0);
        for (kind, data) in records(&part) {
            match kind {
                record::ROW => {
                    row = u32_at(data, 0).unwrap_or_default();
                    // Behind row, style and height: outline, collapsed, hidden.
                    if data.get(11).is_some_and(|flags| flags & 0x10 != 0) {
                        shows.hidden_rows.push(u64::from(row) + 1);
                    }
                }
                kind if record::CELLS.contains(&kind) => {
                    if let (Some(column), Some(style)) = (u32_at(data, 0), u32_at(data, 4)) {
                        shows.formats.insert((row, column), (style & 0x00ff_ffff) as usize);
                    }
                }
                record::MERGED => {
                    let at = |at| u32_at(data, at);
                    if let (Some(top), Some(bottom), Some(left), Some(right)) = (at(0), at(4), at(8), at(12))
                    {
                        shows.merged.push(format!(
                            "{}:{}",
                            super::named(top, left),
                            super::named(bottom, right)
                        ));
                    }
                }
                _ => {}
            }
        }
        Ok(shows)
    }
}

impl Book for Xlsb {
    fn sheets(&self) -> Vec<Tab> {
        tabs(self.book.sheets_metadata())
    }

    fn read(&mut self, sheet: &str) -> Result<Sheet, String> {
        let Shows { formats, hidden_rows, merged } = self.shows(sheet)?;
        let mut reader = self.book.worksheet_cells_reader(sheet).map_err(|error| error.to_string())?;
        let mut cells = Vec::new();
        while let Some(cell) = reader.next_cell().map_err(|error| error.to_string())? {
            let (row, column) = cell.get_position();
            let style = formats.get(&(row, column)).and_then(|&style| self.cell_formats.get(style));
            let format = style.map(String::as_str).unwrap_or_default();
            let Some(shown) = shown(Data::from(cell.get_value().clone()), format) else { continue };
            Cell { row, column, shown }.push_to(&mut cells)?;
        }
        Ok(Sheet { cells, hidden_rows, merged })
    }
}

/// The records of a part: their types and their data. Both numbers in front are of seven bits a byte.
fn records(part: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = part;
    std::iter::from_fn(move || {
        let kind = varied(&mut rest, 2)?;
        let length = varied(&mut rest, 4)?;
        let (data, behind) = rest.split_at_checked(length as usize)?;
        rest = behind;
        Some((kind, data))
    })
}

fn varied(rest: &mut &[u8], most: u32) -> Option<u32> {
    let mut number = 0;
    for at in 0..most {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        number |= u32::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

/// The format of each cell style.
fn cell_formats(styles: &[u8]) -> Vec<String> {
    let mut texts: HashMap<u16, String> = HashMap::new();
    let (mut inside, mut formats) = (false, Vec::new());
    for (kind, data) in records(styles) {
        match kind {
            record::FORMAT => {
                texts.extend(u16_at(data, 0).zip(data.get(2..).and_then(text).map(|(text, _)| text)));
            }
            record::BEGIN_CELL_XFS => inside = true,
            record::END_CELL_XFS => inside = false,
            record::XF if inside => {
                let code = u16_at(data, 2).unwrap_or_default();
                let known = || super::xls::built_in(code).map(str::to_owned);
                formats.push(texts.get(&code).cloned().or_else(known).unwrap_or_default());
            }
            _ => {}
        }
    }
    formats
}

/// The relation that names the part of a sheet.
fn sheet_id(book: &[u8], sheet: &str) -> Option<String> {
    records(book).filter(|(kind, _)| *kind == record::SHEET).find_map(|(_, data)| {
        let (id, length) = text(data.get(8..)?)?;
        let (name, _) = text(data.get(8 + length..)?)?;
        (name == sheet).then_some(id)
    })
}

/// A text with its length in front, and the bytes that it takes.
fn text(data: &[u8]) -> Option<(String, usize)> {
    let length = u32_at(data, 0)? as usize;
    let bytes = data.get(4..4_usize.checked_add(length.checked_mul(2)?)?)?;
    let units: Vec<u16> = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    Some((String::from_utf16_lossy(&units), 4 + bytes.len()))
}
