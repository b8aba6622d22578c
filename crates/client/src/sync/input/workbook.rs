//! Workbooks: which sheet is the list, and its cells as the sheet shows them.
//!
//! A workbook is read whole. What it takes when unpacked is counted before any of it is believed, see [`archive`].

mod archive;
mod compound;
mod number;
mod ods;
mod xls;
mod xlsb;
mod xlsx;

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use calamine::Data;
use jackfield_model::limit;

use self::archive::{Archive, Kind};
use self::compound::Compound;
use super::layout::{Layout, NoLayout};
use super::reading::Reading;
use super::record::{Broken, Record, Source};
use super::{Format, InputError, table};

/// Rows or cells that one remark names.
const NAMED: usize = 5;

/// A workbook of any kind.
trait Book {
    /// Its sheets, in their order.
    fn sheets(&self) -> Vec<Tab>;

    /// The cells of a sheet. What is wrong with it is told as the rest of a sentence that its name begins.
    fn read(&mut self, sheet: &str) -> Result<Sheet, String>;
}

/// A sheet, by what its tab shows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tab {
    name: String,
    hidden: bool,
}

/// The cells of a sheet.
#[derive(Debug, Default)]
struct Sheet {
    cells: Vec<Cell>,
    /// Rows that are hidden, counted from 1.
    hidden_rows: Vec<u64>,
    /// Merged cells, for example `A2:A5`.
    merged: Vec<String>,
}

/// A cell that is not empty.
#[derive(Debug, PartialEq, Eq)]
struct Cell {
    /// Counted from 0.
    row: u32,
    /// Counted from 0.
    column: u32,
    /// What the sheet shows, or why that is no value.
    shown: Result<String, String>,
}

impl Cell {
    /// Keeps it, within the bound.
    fn push_to(self, cells: &mut Vec<Self>) -> Result<(), String> {
        if cells.len() as u64 >= limit::LIST_CELLS {
            return Err(format!("it has more than {} cells", limit::LIST_CELLS));
        }
        cells.push(self);
        Ok(())
    }
}

/// The rows of a sheet, one after the other.
struct Rows(std::vec::IntoIter<Record>);

impl Source for Rows {
    fn next(&mut self, record: &mut Record) -> Result<bool, Broken> {
        Ok(self.0.next().map(|next| *record = next).is_some())
    }
}

/// Reads a workbook, which its first bytes said this is.
pub(super) fn read(input: impl Read, reading: &mut Reading<'_>) -> Result<(), InputError> {
    let mut bytes = Vec::new();
    input.take(limit::LIST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| reading.unreadable(error))?;
    if bytes.len() as u64 > limit::LIST_BYTES {
        return Err(reading.no_list(format!("is a workbook of more than {} bytes", limit::LIST_BYTES)));
    }
    let (name, mut book) = guarded(|| open(bytes)).map_err(|what| reading.no_list(what))?;
    let packed = std::mem::take(&mut reading.understood.format);
    reading.understood.format = format!("{packed}workbook ({name})");
    reading.format = Format::Csv;
    reading.delimiter = b',';
    if reading.options.encoding.is_some() || reading.options.delimiter.is_some() {
        reading.remark("it is a workbook, for which no encoding and no delimiter counts");
    }
    choose(book.as_mut(), reading)
}

/// Reads a part of a workbook. The readers of its formats are of others, and some end in a panic where a file breaks a
/// rule of its format; that is an error of the file, not of the program.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err("is a damaged workbook; open it, and save it again".to_owned()))
}

fn open(bytes: Vec<u8>) -> Result<(&'static str, Box<dyn Book>), String> {
    if bytes.starts_with(b"PK") {
        let archive = Archive::open(bytes)?;
        return Ok(match archive.kind()? {
            Kind::Xlsx => (".xlsx", Box::new(xlsx::Xlsx::open(archive)?)),
            Kind::Xlsm => (".xlsm", Box::new(xlsx::Xlsx::open(archive)?)),
            Kind::Xlsb => (".xlsb", Box::new(xlsb::Xlsb::open(archive)?)),
            Kind::Ods => (".ods", Box::new(ods::Ods::open(archive)?)),
        });
    }
    Ok((".xls", Box::new(xls::Xls::open(&Compound::open(bytes)?)?)))
}

/// Reads the sheet that was asked for, or the first with the columns.
fn choose(book: &mut dyn Book, reading: &mut Reading<'_>) -> Result<(), InputError> {
    let tabs = book.sheets();
    reading.beginning.take_sheets(tabs.iter().map(|tab| tab.name.as_str()));
    if let Some(asked) = &reading.options.sheet {
        let numbered = asked.parse::<usize>().ok().and_then(|number| tabs.get(number.checked_sub(1)?));
        let Some(tab) = tabs.iter().find(|tab| tab.name == *asked).or(numbered).cloned() else {
            let names: Vec<String> = tabs.iter().take(20).map(|tab| format!("\"{}\"", tab.name)).collect();
            return Err(reading.no_list(format!("has no sheet \"{asked}\"; it has {}", names.join(", "))));
        };
        return match sheet(book, &tab, reading)? {
            Ok(()) => Ok(()),
            Err(no) => {
                reading.sheet = Some(tab.name.into());
                Err(reading.refused(no.line, no.why.rule))
            }
        };
    }
    let mut best: Option<(Arc<str>, NoLayout)> = None;
    let mut shown = reading.beginning.clone();
    for tab in &tabs {
        match sheet(book, tab, reading)? {
            Ok(()) => return Ok(()),
            Err(no) if best.as_ref().is_none_or(|(_, best)| best.why.score < no.why.score) => {
                best = Some((tab.name.as_str().into(), no));
                shown = reading.beginning.clone();
            }
            Err(_) => {}
        }
    }
    reading.beginning = shown;
    let Some((name, no)) = best else { return Err(reading.no_list("is a workbook without a sheet")) };
    reading.sheet = Some(name);
    Err(reading.refused(no.line, no.why.rule))
}

/// Reads a sheet, where it has the columns.
fn sheet(
    book: &mut dyn Book,
    tab: &Tab,
    reading: &mut Reading<'_>,
) -> Result<Result<(), NoLayout>, InputError> {
    let Sheet { cells, hidden_rows, merged } =
        guarded(|| book.read(&tab.name).map_err(|what| format!("is a damaged workbook: {what}")))
            .map_err(|what| reading.no_list(what))?;
    let rows = rows(cells).map_err(|what| reading.no_list(what))?;
    let layout = Layout::find(&rows, reading.options);
    let header = layout.as_ref().map_or_else(|no| Some(no.line), |layout| layout.header);
    reading.beginning.take_rows(&rows, header.filter(|_| reading.options.header));
    reading.beginning.sheet = Some(tab.name.clone());
    let layout = match layout {
        Ok(layout) => layout,
        Err(no) => {
            reading.beginning.suggest(no.why.meant);
            return Ok(Err(no));
        }
    };
    reading.sheet = Some(tab.name.as_str().into());
    reading.understood.sheet = Some(tab.name.clone());
    if tab.hidden {
        reading.remark("the sheet is hidden, and is read all the same");
    }
    let below = |row: &&u64| layout.header.is_none_or(|header| **row > header);
    let hidden: Vec<String> = hidden_rows.iter().filter(below).map(ToString::to_string).collect();
    if !hidden.is_empty() {
        reading.remark(format!("rows that are hidden are read all the same: {}", few(&hidden)));
    }
    if !merged.is_empty() {
        reading.remark(format!("of merged cells only the first has a value: {}", few(&merged)));
    }
    table::read(&mut Rows(rows.into_iter()), &layout, reading).map(Ok)
}

fn few(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Makes rows of cells. Rows without a cell become one blank row, as a blank line is.
fn rows(mut cells: Vec<Cell>) -> Result<Vec<Record>, String> {
    cells.sort_by_key(|cell| (cell.row, cell.column));
    cells.dedup_by_key(|cell| (cell.row, cell.column));
    let mut rows: Vec<Record> = Vec::new();
    let mut filled = 0_u64;
    let mut cells = cells.into_iter().peekable();
    let mut next = 0;
    while let Some(Cell { row, .. }) = cells.peek() {
        let row = *row;
        if row > next {
            rows.push(Record::of_cells(u64::from(next) + 1, []));
        }
        next = row + 1;
        let mut fields: Vec<(String, Option<String>)> = Vec::new();
        while let Some(cell) = cells.next_if(|cell| cell.row == row) {
            let column = cell.column as usize;
            filled += (column - fields.len() + 1) as u64;
            if filled > limit::LIST_CELLS {
                return Err(format!("is a workbook of more than {} cells", limit::LIST_CELLS));
            }
            fields.resize_with(column, Default::default);
            fields.push(match cell.shown {
                Ok(text) => (text, None),
                Err(defect) => (String::new(), Some(defect)),
            });
        }
        rows.push(Record::of_cells(u64::from(row) + 1, fields));
    }
    Ok(rows)
}

/// The name of a cell, from a row and a column that are counted from 0.
fn named(row: u32, column: u32) -> String {
    format!("{}{}", super::problem::letters(u64::from(column) + 1), u64::from(row) + 1)
}

/// Merged cells, as a person writes them.
fn merged(dimensions: &calamine::Dimensions) -> String {
    let (start, end) = (dimensions.start, dimensions.end);
    format!("{}:{}", named(start.0, start.1), named(end.0, end.1))
}

/// What a cell with a number format shows of a value, or why that is none; nothing where the cell is empty.
fn shown(value: Data, format: &str) -> Option<Result<String, String>> {
    Some(match value {
        Data::Empty => return None,
        Data::Int(value) => number::shown(exact(value), format),
        Data::Float(value) => number::shown(value, format),
        Data::String(text) => Ok(text),
        Data::Bool(true) => Ok("TRUE".to_owned()),
        Data::Bool(false) => Ok("FALSE".to_owned()),
        Data::Error(error) => Ok(error.to_string()),
        Data::DateTime(_) | Data::DateTimeIso(_) | Data::DurationIso(_) => Err(number::DATE.to_owned()),
    })
}

/// A whole number as a cell keeps it; what it cannot keep is refused as too long.
#[expect(
    clippy::cast_precision_loss,
    reason = "a number that loses a digit is above the bound of exact ones"
)]
const fn exact(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests;
