//! Which column holds what: found by name in a header, or by number.

use super::record::Record;
use super::{InputError, InputOptions, Reading, printable};

/// Names that a column may have without being asked for, letters and digits only.
const EXTERNAL_USER_ID: &str = "externaluserid";
const AMAZON_ID: &str = "amazonid";
const AMAZON_ID_TYPE: &str = "amazonidtype";

/// The first column of a file of rejects, which is not part of the input.
pub(super) const PROBLEM: &str = "problem";

/// The columns of an input.
pub(super) struct Columns {
    pub(super) external_user_id: Column,
    pub(super) amazon_id: Column,
    pub(super) amazon_id_type: Option<Column>,
    /// Fields that each row must have; nothing where no header says it.
    pub(super) count: Option<usize>,
    /// Whether the first column is [`PROBLEM`].
    pub(super) has_problem: bool,
}

/// One column.
pub(super) struct Column {
    /// Counted from 0.
    pub(super) index: usize,
    pub(super) name: String,
}

impl Columns {
    /// Reads the header.
    pub(super) fn by_name(
        header: &Record,
        options: &InputOptions,
        reading: &Reading,
    ) -> Result<Self, InputError> {
        let names: Vec<String> =
            (0..header.len()).map(|at| String::from_utf8_lossy(header.field(at)).trim().to_owned()).collect();
        let refused = |rule: String| reading.refused(header.line, rule);
        let find = |asked: Option<&String>, usual: &str, what: &str| {
            let wanted = asked.map_or(what, String::as_str);
            let exact = |name: &&String| asked.is_some_and(|asked| *name == asked);
            let alike = |name: &String| plain(name) == asked.map_or(usual.to_owned(), |asked| plain(asked));
            let matches: Vec<usize> = match names.iter().filter(exact).count() {
                0 => (0..names.len()).filter(|&at| alike(&names[at])).collect(),
                _ => (0..names.len()).filter(|&at| exact(&&names[at])).collect(),
            };
            match matches[..] {
                [index] => Ok(Some(Column { index, name: names[index].clone() })),
                [] => Ok(None),
                [one, other, ..] => Err(refused(format!(
                    "the header has the column \"{}\" twice, as column {} and {}",
                    printable(wanted),
                    one + 1,
                    other + 1
                ))),
            }
        };
        let needed = |asked: Option<&String>, usual: &str, what: &str| {
            find(asked, usual, what)?.ok_or_else(|| {
                let wanted = asked.map_or(what, String::as_str);
                refused(format!(
                    "the header has no column \"{}\"; it has {}",
                    printable(wanted),
                    listed(&names)
                ))
            })
        };
        Ok(Self {
            external_user_id: needed(options.external_user_id.as_ref(), EXTERNAL_USER_ID, "externalUserId")?,
            amazon_id: needed(options.amazon_id.as_ref(), AMAZON_ID, "amazonId")?,
            amazon_id_type: find(None, AMAZON_ID_TYPE, "amazonIdType")?,
            count: Some(names.len()),
            has_problem: names.len() > 1 && names[0] == PROBLEM,
        })
    }

    /// Columns by number, for an input without a header.
    pub(super) fn by_number(options: &InputOptions, reading: &Reading) -> Result<Self, InputError> {
        let column = |asked: Option<&String>, usual: usize, name: &str| {
            let number = match asked {
                None => Some(usual),
                Some(text) => text.parse().ok().filter(|number| *number > 0),
            };
            match number {
                Some(number) => Ok(Column { index: number - 1, name: name.to_owned() }),
                None => Err(reading.refused(
                    1,
                    format!(
                        "without a header the column of {name} is a number from 1, not \"{}\"",
                        printable(asked.map_or("", String::as_str))
                    ),
                )),
            }
        };
        Ok(Self {
            external_user_id: column(options.external_user_id.as_ref(), 1, "externalUserId")?,
            amazon_id: column(options.amazon_id.as_ref(), 2, "amazonId")?,
            amazon_id_type: None,
            count: None,
            has_problem: false,
        })
    }
}

/// A name without what people write differently: case, blanks, hyphens, underscores.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().take(20).map(|name| format!("\"{}\"", printable(name))).collect();
    quoted.join(", ")
}
