//! The flags that say what a list is like, and what is said when it is not.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jackfield_client::sync::{
    self, Doubt, Encoding, Input, InputError, InputOptions, Parts, Problem, PropertyRow, Row, Understanding,
};

use jackfield_model::admin::ImportReading;

use super::understood;
use crate::failure::Failure;
use crate::output::{Output, columns, wrapped};

/// Problems that are told one by one.
const TOLD: usize = 10_000;

/// Last line that can be named as the header.
const HEADER_ROW_MAX: u64 = jackfield_model::limit::LIST_HEADER_ROW_MAX;

/// What a list is like.
#[derive(Args)]
#[command(next_help_heading = "List")]
pub(in crate::command) struct InputArgs {
    /// Its format [default: as FILE is called, else csv]
    #[arg(long, value_enum)]
    pub(in crate::command) format: Option<FileFormat>,
    /// The encoding of its text, for example windows-1252 [default: as its
    /// byte-order mark says, else utf-8]
    #[arg(long, value_name = "NAME")]
    encoding: Option<Encoding>,
    /// The sheet of a workbook, by name or number from 1 [default: the first one
    /// that has the columns]
    #[arg(long, value_name = "NAME|N")]
    sheet: Option<String>,
    /// What separates the columns of CSV, for example ; [default: detected]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The first row is data; columns are named by numbers from 1
    #[arg(long)]
    no_header: bool,
    /// The line of the header, from 1 [default: found in the first 20 rows]
    #[arg(long, value_name = "N", conflicts_with = "no_header",
          value_parser = clap::value_parser!(u64).range(1..=HEADER_ROW_MAX))]
    header_row: Option<u64>,
    /// The list ends at the first blank row; a total or a note may stand below
    #[arg(long)]
    until_blank_row: bool,
    /// Take invisible characters out of values, trim them, and put them in Unicode
    /// normal form C
    #[arg(long)]
    clean: bool,
    /// Take values of this kind as they are: powers, formulas, errors, decimals,
    /// dates, booleans, characters, look-alikes
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    allow: Vec<Doubt>,
    /// The column of the endpoint [default: externalUserId]
    #[arg(long, value_name = "COLUMN")]
    id_column: Option<String>,
    /// The column of the communication profile [default: amazonId]
    #[arg(long, value_name = "COLUMN")]
    amazon_id_column: Option<String>,
    /// Refuse a list with fewer rows
    #[arg(long, value_name = "N")]
    expect_rows: Option<u64>,
}

/// What becomes of rows that are invalid.
#[derive(Args)]
#[command(next_help_heading = "List")]
pub(super) struct InvalidArgs {
    /// Go on without the rows that are invalid, and write them to a file
    #[arg(long, conflicts_with = "delete_missing")]
    skip_invalid: bool,
    /// Where those rows are written [default: as FILE, with .rejects in its name]
    #[arg(long, value_name = "FILE", requires = "skip_invalid")]
    rejects: Option<PathBuf>,
}

/// The format of a list or an export.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::command) enum FileFormat {
    // No doc comments: they would stand in every help text.
    Csv,
    Tsv,
    Jsonl,
}

/// What a list says besides associations, and in which columns.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) parts: Parts,
    pub(super) unit: Option<String>,
    pub(super) profile_name: Option<String>,
    pub(super) contact_name: Option<String>,
}

/// A list as it was read.
pub(super) struct List {
    pub(super) rows: Vec<Row>,
    /// In the place of those, where the list says more than associations.
    pub(super) property_rows: Vec<PropertyRow>,
    pub(super) understood: Understanding,
    pub(super) rejected: Rejected,
}

/// Rows that were left out.
#[derive(Default)]
pub(super) struct Rejected {
    problems: Vec<Problem>,
    rows: usize,
    written_to: PathBuf,
}

impl InputArgs {
    /// Reads a list; all of it is valid, or the rest was written to the file of rejects.
    pub(super) fn read(&self, file: &Path, invalid: InvalidArgs, columns: &Columns) -> Result<List, Failure> {
        let input = self.input(file, columns)?;
        let target = invalid.rejects.unwrap_or_else(|| beside(file));
        if !invalid.skip_invalid {
            let hint =
                format!("--skip-invalid goes on without them, and writes them to {}", target.display());
            let understood = input.understood.clone();
            let (rows, property_rows) = all_valid(input).map_err(|failure| failure.hint(hint))?;
            return Ok(List { rows, property_rows, understood, rejected: Rejected::default() });
        }
        let problems: Vec<Problem> = input.problems().cloned().collect();
        let mut rejected = Rejected::default();
        if !problems.is_empty() {
            tell(&problems)?;
            let written =
                File::create(&target).and_then(|out| input.write_rejects(std::io::BufWriter::new(out)));
            written.map_err(|error| {
                Failure::usage(format!("{} cannot be written: {error}", target.display()))
            })?;
            rejected = Rejected { rows: input.rejects.len(), problems, written_to: target };
        }
        let Input { rows, property_rows, understood, .. } = input;
        Ok(List { rows, property_rows, understood, rejected })
    }

    /// Reads a list of which every row has to be valid.
    pub(in crate::command) fn read_all(&self, file: &Path) -> Result<Vec<Row>, Failure> {
        all_valid(self.input(file, &Columns::default())?).map(|(rows, _)| rows)
    }

    /// Shows what is understood of a list, and what is wrong with its rows.
    pub(super) fn inspect(&self, file: &Path, columns: &Columns, output: &mut Output) -> Result<(), Failure> {
        let input = self.input(file, columns)?;
        let problems: Vec<Problem> = input.problems().cloned().collect();
        understood::inspected(output, file, &input.understood, &problems)?;
        output.flush()?;
        if problems.is_empty() { Ok(()) } else { all_valid(input).map(|_| ()) }
    }

    fn input(&self, file: &Path, columns: &Columns) -> Result<Input, Failure> {
        let standard = file == Path::new("-");
        let format = self.format.map(sync::Format::from);
        let format = format.or_else(|| sync::Format::of_path(file)).unwrap_or(sync::Format::Csv);
        let name = if standard {
            "standard input".to_owned()
        } else {
            file.file_name().map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into())
        };
        let options = InputOptions {
            delimiter: self.delimiter,
            header: !self.no_header,
            header_row: self.header_row,
            encoding: self.encoding,
            sheet: self.sheet.clone(),
            until_blank_row: self.until_blank_row,
            clean: self.clean,
            allow: self.allow.iter().copied().collect(),
            external_user_id: self.id_column.clone(),
            amazon_id: self.amazon_id_column.clone(),
            parts: columns.parts,
            unit: columns.unit.clone(),
            profile_name: columns.profile_name.clone(),
            contact_name: columns.contact_name.clone(),
            expect_rows: self.expect_rows,
            ..InputOptions::new(name, format)
        };
        let read = if standard {
            Input::read(std::io::stdin().lock(), &options)
        } else {
            let opened = File::open(file)
                .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
            Input::read(BufReader::new(opened), &options)
        };
        read.map_err(Failure::from)
    }
}

impl From<&InputArgs> for ImportReading {
    fn from(args: &InputArgs) -> Self {
        let delimiter = args.delimiter.map(|delimiter| match delimiter {
            b'\t' => "tab".to_owned(),
            other => char::from(other).to_string(),
        });
        let format = args.format.and_then(|format| format.to_possible_value());
        Self {
            id_column: args.id_column.clone(),
            amazon_id_column: args.amazon_id_column.clone(),
            format: format.map(|format| format.get_name().to_owned()),
            no_header: args.no_header,
            header_row: args.header_row,
            sheet: args.sheet.clone(),
            encoding: args.encoding.map(|encoding| encoding.to_string()),
            delimiter,
            clean: args.clean,
            until_blank_row: args.until_blank_row,
            allow: args.allow.iter().map(ToString::to_string).collect(),
            expect_rows: args.expect_rows,
        }
    }
}

impl Rejected {
    /// What is wrong with the rows.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// A run that went on without some rows is no success.
    pub(super) fn end(&self) -> Result<(), Failure> {
        if self.rows == 0 {
            return Ok(());
        }
        let rows = if self.rows == 1 { "1 row was".to_owned() } else { format!("{} rows were", self.rows) };
        let file = self.written_to.display();
        Err(Failure::failed(format!("{rows} left out as invalid"))
            .hint(format!("correct {file}, and sync it as it is")))
    }
}

fn all_valid(input: Input) -> Result<(Vec<Row>, Vec<PropertyRow>), Failure> {
    let (valid, invalid) = (input.rows.len() + input.property_rows.len(), input.rejects.len());
    if invalid == 0 {
        return Ok((input.rows, input.property_rows));
    }
    tell(&input.problems().cloned().collect::<Vec<_>>())?;
    let verb = if invalid == 1 { "is" } else { "are" };
    Err(Failure::usage(format!("{invalid} of {} rows {verb} invalid; nothing was changed", valid + invalid)))
}

fn tell(problems: &[Problem]) -> Result<(), Failure> {
    let mut err = std::io::BufWriter::new(std::io::stderr().lock());
    let width = columns(&std::io::stderr());
    for problem in problems.iter().take(TOLD) {
        writeln!(err, "{}", wrapped(&problem.to_string(), width, "  "))?;
    }
    if problems.len() > TOLD {
        writeln!(err, "and {} more", problems.len() - TOLD)?;
    }
    Ok(err.flush()?)
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        let said = Self::usage(format!("{error}; nothing was changed"));
        match &error {
            InputError::Refused(problem) if problem.rule.contains("no column") => said.hint(
                "--id-column and --amazon-id-column name them, --header-row the line that has the names",
            ),
            _ => said,
        }
    }
}

/// `rooms.csv` becomes `rooms.rejects.csv`. What is compressed or a workbook is written as text.
fn beside(file: &Path) -> PathBuf {
    if file == Path::new("-") {
        return "rejects".into();
    }
    let is = |file: &Path, names: &[&str]| {
        file.extension()
            .is_some_and(|extension| names.iter().any(|name| extension.eq_ignore_ascii_case(name)))
    };
    if is(file, &["gz"]) {
        return beside(&file.with_extension(""));
    }
    if is(file, &["xlsx", "xlsm", "xlsb", "xls", "ods"]) {
        return file.with_extension("rejects.csv");
    }
    let extension = file.extension().map(|extension| extension.to_string_lossy().into_owned());
    file.with_extension(extension.map_or("rejects".to_owned(), |extension| format!("rejects.{extension}")))
}

fn delimiter(text: &str) -> Result<u8, &'static str> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte]
            if byte.is_ascii()
                && !matches!(byte, b'"' | b'\r' | b'\n' | b' ')
                && !byte.is_ascii_alphanumeric() =>
        {
            Ok(*byte)
        }
        _ => Err("one ASCII character is expected that is no letter, digit, blank or quote"),
    }
}

impl From<FileFormat> for sync::Format {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Csv => Self::Csv,
            FileFormat::Tsv => Self::Tsv,
            FileFormat::Jsonl => Self::JsonLines,
        }
    }
}
