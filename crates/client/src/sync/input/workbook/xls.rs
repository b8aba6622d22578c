//! `.xls`. The reader of the cells does not tell how numbers are shown and what is hidden: a walk over the records does.

use std::collections::HashMap;

use calamine::Reader;
use jackfield_model::limit;

use super::archive::Bytes;
use super::compound::Compound;
use super::xlsx::tabs;
use super::{Book, Cell, Sheet, Tab, merged, shown};

/// Types of records, as the specification of the format names them.
mod record {
    pub(super) const FORMULA: u16 = 0x0006;
    pub(super) const EOF: u16 = 0x000a;
    pub(super) const FILE_PASS: u16 = 0x002f;
    pub(super) const BOUND_SHEET: u16 = 0x0085;
    pub(super) const MUL_RK: u16 = 0x00bd;
    pub(super) const MUL_BLANK: u16 = 0x00be;
    pub(super) const XF: u16 = 0x00e0;
    pub(super) const DIMENSIONS: u16 = 0x0200;
    pub(super) const NUMBER: u16 = 0x0203;
    pub(super) const ROW: u16 = 0x0208;
    pub(super) const BOF: u16 = 0x0809;
    pub(super) const RK: u16 = 0x027e;
    pub(super) const FORMAT: u16 = 0x041e;
    /// Cells that are no numbers: blank, text, truth values and errors.
    pub(super) const OTHER_CELLS: [u16; 5] = [0x0201, 0x0204, 0x0205, 0x00d6, 0x00fd];
}

pub(super) struct Xls {
    book: calamine::Xls<Bytes>,
    /// How sheets show their numbers, in the order of the sheets.
    shows: Vec<Shows>,
    formats: HashMap<u16, String>,
}

/// How a sheet shows what it has.
#[derive(Debug, Default)]
struct Shows {
    /// The format of each cell that is not in the general one.
    formats: HashMap<(u32, u32), u16>,
    hidden_rows: Vec<u64>,
    /// One more than the last row and column with a cell.
    size: (u64, u64),
}

impl Xls {
    pub(super) fn open(file: &Compound) -> Result<Self, String> {
        let damaged = |what: &str| format!("is a damaged workbook: {what}");
        let (formats, shows) = walk(&file.stream)?;
        for sheet in &shows {
            if sheet.size.0.saturating_mul(sheet.size.1) > limit::LIST_CELLS * 4 {
                let most = limit::LIST_CELLS * 4;
                return Err(format!("is a workbook with a sheet of more than {most} cells, blank or not"));
            }
        }
        let book = calamine::Xls::new(file.bytes()).map_err(|error| damaged(&error.to_string()))?;
        Ok(Self { book, shows, formats })
    }
}

impl Book for Xls {
    fn sheets(&self) -> Vec<Tab> {
        tabs(self.book.sheets_metadata())
    }

    fn read(&mut self, sheet: &str) -> Result<Sheet, String> {
        let at = self.book.sheets_metadata().iter().position(|tab| tab.name == sheet);
        let nothing = Shows::default();
        let shows = at.and_then(|at| self.shows.get(at)).unwrap_or(&nothing);
        let regions = self.book.merge_cells_by_sheet_name(sheet).unwrap_or_default();
        let range = self.book.worksheet_range(sheet).map_err(|error| error.to_string())?;
        let (first_row, first_column) = range.start().unwrap_or_default();
        let mut cells = Vec::new();
        for (row, column, value) in range.used_cells() {
            let position =
                |at: usize, first: u32| u32::try_from(at).unwrap_or(u32::MAX).saturating_add(first);
            let (row, column) = (position(row, first_row), position(column, first_column));
            let format = || {
                let code = shows.formats.get(&(row, column))?;
                self.formats.get(code).map(String::as_str).or_else(|| built_in(*code))
            };
            let Some(shown) = shown(value.clone(), format().unwrap_or_default()) else { continue };
            Cell { row, column, shown }.push_to(&mut cells)?;
        }
        let hidden_rows = shows.hidden_rows.clone();
        Ok(Sheet { cells, hidden_rows, merged: regions.iter().map(merged).collect() })
    }
}

/// The formats that have a number instead of a text.
pub(super) fn built_in(code: u16) -> Option<&'static str> {
    Some(match code {
        1 => "0",
        2 => "0.00",
        3 | 37 | 38 => "#,##0",
        4 | 39 | 40 => "#,##0.00",
        9 => "0%",
        10 => "0.00%",
        11 => "0.00E+00",
        12 => "# ?/?",
        13 => "# ??/??",
        41 | 42 => "#,##0",
        43 | 44 => "#,##0.00",
        48 => "##0.0E+0",
        _ => return None,
    })
}

/// The records of a stream from an offset on: their types and their data.
fn records(stream: &[u8], offset: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = stream.get(offset..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (head, behind) = rest.split_at_checked(4)?;
        let (kind, length) = (u16_at(head, 0)?, u16_at(head, 2)?);
        let (data, behind) = behind.split_at_checked(length.into())?;
        rest = behind;
        Some((kind, data))
    })
}

fn walk(stream: &[u8]) -> Result<(HashMap<u16, String>, Vec<Shows>), String> {
    let (mut formats, mut cell_formats, mut sheets) = (HashMap::new(), Vec::new(), Vec::new());
    for (kind, data) in records(stream, 0) {
        match kind {
            record::FILE_PASS => return Err("is protected by a password; save it without one".to_owned()),
            record::XF => cell_formats.push(u16_at(data, 2).unwrap_or_default()),
            record::FORMAT => formats.extend(u16_at(data, 0).zip(data.get(2..).and_then(text))),
            record::BOUND_SHEET => sheets.extend(u32_at(data, 0)),
            record::EOF => break,
            _ => {}
        }
    }
    let shows = sheets.into_iter().map(|offset| shows(stream, offset as usize, &cell_formats));
    Ok((formats, shows.collect::<Result<_, _>>()?))
}

fn shows(stream: &[u8], offset: usize, cell_formats: &[u16]) -> Result<Shows, String> {
    let mut shows = Shows::default();
    // What stands inside, for example a chart, begins and ends within the sheet.
    let mut depth = 0_u32;
    for (kind, data) in records(stream, offset) {
        match kind {
            record::BOF => depth += 1,
            record::EOF if depth <= 1 => break,
            record::EOF => depth -= 1,
            // The reader of the cells makes room for as many as this says, and ends the process where there is none.
            record::DIMENSIONS if !are_dimensions(data) => {
                return Err("is a damaged workbook: the size of a sheet is none; open it, and save it again"
                    .to_owned());
            }
            record::ROW if depth == 1 && data.get(12).is_some_and(|flags| flags & 0x20 != 0) => {
                shows.hidden_rows.extend(u16_at(data, 0).map(|row| u64::from(row) + 1));
            }
            _ if depth == 1 => shows.cell(kind, data, cell_formats),
            _ => {}
        }
    }
    Ok(shows)
}

/// Whether a sheet of this size is possible: first row, one more than the last, and the same of columns, at most 65,536
/// rows and 256 columns ([MS-XLS] 2.4.90).
fn are_dimensions(data: &[u8]) -> bool {
    let wide = |at: usize| u16_at(data, at).map(u32::from);
    let ends = match data.len() {
        10 => (wide(0), wide(2), wide(6)),
        _ => (u32_at(data, 0), u32_at(data, 4), wide(10)),
    };
    let (Some(first_row), Some(rows), Some(columns)) = ends else { return false };
    (first_row <= rows || rows == 0) && rows <= 0x1_0000 && columns <= 0x100
}

impl Shows {
    fn cell(&mut self, kind: u16, data: &[u8], cell_formats: &[u16]) {
        let (Some(row), Some(column)) = (u16_at(data, 0), u16_at(data, 2)) else { return };
        let each = match kind {
            record::NUMBER | record::RK | record::FORMULA => 0,
            record::MUL_RK => 6,
            record::MUL_BLANK => 2,
            _ if record::OTHER_CELLS.contains(&kind) => 0,
            _ => return,
        };
        // Behind row and column stands one format, or one for each cell and the last column.
        let count = data.len().saturating_sub(6).checked_div(each).unwrap_or(1);
        for at in 0..count {
            let column = u32::from(column) + u32::try_from(at).unwrap_or(u32::MAX);
            self.size.0 = self.size.0.max(u64::from(row) + 1);
            self.size.1 = self.size.1.max(u64::from(column) + 1);
            let format = u16_at(data, 4 + at * each).and_then(|at| cell_formats.get(usize::from(at)));
            if let Some(&format) = format.filter(|format| !matches!(format, 0 | 49)) {
                self.formats.insert((row.into(), column), format);
            }
        }
    }
}

/// A text with its length in front, in one byte a character or two.
fn text(data: &[u8]) -> Option<String> {
    let (length, flags) = (usize::from(u16_at(data, 0)?), *data.get(2)?);
    let data = data.get(3..)?;
    if flags & 1 == 0 {
        return Some(data.get(..length)?.iter().map(|&byte| char::from(byte)).collect());
    }
    let units: Vec<u16> = (0..length).map_while(|at| u16_at(data, at * 2)).collect();
    Some(String::from_utf16_lossy(&units))
}

pub(super) fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub(super) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
