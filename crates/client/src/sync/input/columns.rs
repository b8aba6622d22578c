//! Which column holds what: found by name in a header, by its values, or by number.

use jackfield_model::AmazonId;

use super::characters::{cleaned, printable};
use super::column_names::{ENDPOINTS, PROFILES};
use super::entry::Field;
use super::options::InputOptions;
use super::record::Record;
use super::understood::Taken;

/// Names that a column may have without being asked for, letters and digits only.
const EXTERNAL_USER_ID: &[&str] = &["externaluserid"];
const AMAZON_ID: &[&str] = &["amazonid"];
const AMAZON_ID_TYPE: &[&str] = &["amazonidtype"];
const UNIT: &[&str] = &["unit", "unitname"];
const PROFILE_NAME: &[&str] = &["profilename"];
const CONTACT_NAME: &[&str] = &["contactname"];

/// The first column of a file of rejects, which is not part of the input.
pub(super) const PROBLEM: &str = "problem";

/// The columns of an input.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) external_user_id: Column,
    /// Not where the profiles are those of units, and the list has none of its own.
    pub(super) amazon_id: Option<Column>,
    pub(super) amazon_id_type: Option<Column>,
    pub(super) property: PropertyColumns,
    /// Fields that the header has; nothing where there is none.
    pub(super) count: Option<usize>,
    /// Whether the first column is [`PROBLEM`].
    pub(super) has_problem: bool,
}

/// The columns that are read where a list says more than associations.
#[derive(Clone, Debug, Default)]
pub(super) struct PropertyColumns {
    pub(super) unit: Option<Column>,
    pub(super) profile_name: Option<Column>,
    pub(super) contact_name: Option<Column>,
}

/// One column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Counted from 0.
    pub(super) index: usize,
    pub(super) name: String,
    /// Why it was taken.
    because: &'static str,
}

/// Why a row is no header.
#[derive(Debug)]
pub(super) struct NoHeader {
    pub(super) rule: String,
    /// How much speaks for it being the header all the same.
    pub(super) score: usize,
    /// The columns that are probably meant.
    pub(super) meant: Meant,
}

/// The columns that are probably those of endpoint and profile, counted from 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meant {
    pub(super) endpoint: Option<usize>,
    pub(super) profile: Option<usize>,
}

/// A row that may be the header, and those below it.
struct Candidate<'a> {
    names: Vec<String>,
    below: &'a [Record],
    options: &'a InputOptions,
}

impl Columns {
    /// Reads a row as the header.
    pub(super) fn by_name(
        header: &Record,
        below: &[Record],
        options: &InputOptions,
    ) -> Result<Self, NoHeader> {
        let names = header.texts().map(|text| cleaned(&text).into_owned()).collect();
        let candidate = Candidate { names, below, options };
        candidate.columns().map_err(|rule| NoHeader {
            rule,
            score: candidate.score(),
            meant: candidate.meant(),
        })
    }

    /// Columns by number, for an input without a header.
    pub(super) fn by_number(options: &InputOptions) -> Result<Self, String> {
        let column = |asked: Option<&String>, usual: usize, name: &str| {
            let number = match asked {
                None => Some(usual),
                Some(text) => text.parse().ok().filter(|number| *number > 0),
            };
            let asked = asked.map_or("", String::as_str);
            let because = if asked.is_empty() { "by its place" } else { "as asked" };
            match number {
                Some(number) => Ok(Column { index: number - 1, name: name.to_owned(), because }),
                None => Err(format!(
                    "without a header the column of {name} is a number from 1, not \"{}\"",
                    printable(asked)
                )),
            }
        };
        let optional = |asked: &Option<String>, name: &str| match asked {
            Some(asked) => column(Some(asked), 0, name).map(Some),
            None => Ok(None),
        };
        let parts = options.parts;
        let unit = optional(&options.unit, "unit")?;
        if parts.units && unit.is_none() {
            return Err("without a header --unit-column says which column holds the unit".to_owned());
        }
        let property = PropertyColumns {
            unit,
            profile_name: optional(&options.profile_name, "profileName")?,
            contact_name: optional(&options.contact_name, "contactName")?,
        };
        if parts.contacts && !parts.units && property.contact_name.is_none() {
            return Err(
                "without a header --contact-name-column says which column holds the contact".to_owned()
            );
        }
        let amazon_id = if parts.profiles {
            optional(&options.amazon_id, "amazonId")?
        } else {
            Some(column(options.amazon_id.as_ref(), 2, "amazonId")?)
        };
        Ok(Self {
            external_user_id: column(options.external_user_id.as_ref(), 1, "externalUserId")?,
            amazon_id,
            amazon_id_type: None,
            property,
            count: None,
            has_problem: false,
        })
    }

    /// The columns without which a row says nothing.
    pub(super) fn needed(&self) -> impl Iterator<Item = &Column> {
        let other = match (&self.amazon_id, &self.property.unit) {
            (one, None) | (None, one) => one.as_ref(),
            (Some(_), Some(_)) => None,
        };
        std::iter::once(&self.external_user_id).chain(other)
    }

    /// The column of a value.
    pub(super) fn of(&self, field: Field) -> Option<&Column> {
        let property = &self.property;
        match field {
            Field::AmazonId => self.amazon_id.as_ref(),
            Field::Unit => property.unit.as_ref(),
            Field::ProfileName => property.profile_name.as_ref(),
            Field::ContactName => property.contact_name.as_ref(),
        }
    }

    /// Whether a row below repeats the header, as in lists that were joined.
    pub(super) fn are_named_by(&self, record: &Record) -> bool {
        let same = |column: &Column| {
            !column.name.is_empty() && plain(&record.text(column.index)) == plain(&column.name)
        };
        let other = self.amazon_id.as_ref().or(self.property.unit.as_ref());
        self.count.is_some() && same(&self.external_user_id) && other.is_some_and(same)
    }
}

impl Column {
    /// Counted from 1.
    pub(super) const fn number(&self) -> u64 {
        self.index as u64 + 1
    }

    pub(super) fn taken(&self) -> Taken {
        Taken { column: self.number(), name: printable(&self.name), because: self.because }
    }
}

impl Candidate<'_> {
    fn columns(&self) -> Result<Columns, String> {
        let external_user_id =
            self.find(self.options.external_user_id.as_deref(), EXTERNAL_USER_ID, "externalUserId")?;
        let amazon_id = match self.find(self.options.amazon_id.as_deref(), AMAZON_ID, "amazonId")? {
            None if self.options.amazon_id.is_none() && external_user_id.is_some() => self.by_values()?,
            found => found,
        };
        let Some(external_user_id) = external_user_id else {
            return Err(self.missing(self.options.external_user_id.as_deref(), "externalUserId"));
        };
        if amazon_id.is_none() && !(self.options.parts.profiles && self.options.amazon_id.is_none()) {
            return Err(self.missing(self.options.amazon_id.as_deref(), "amazonId"));
        }
        Ok(Columns {
            external_user_id,
            amazon_id,
            property: self.property()?,
            amazon_id_type: self.find(None, AMAZON_ID_TYPE, "amazonIdType")?,
            count: Some(self.names.len()),
            has_problem: self.names.len() > 1 && self.names[0] == PROBLEM,
        })
    }

    /// The columns of units, profiles and contacts that are asked for.
    fn property(&self) -> Result<PropertyColumns, String> {
        let (options, parts) = (self.options, self.options.parts);
        let find = |asked: &Option<String>, usual, what: &str, wanted: bool, required: bool| {
            let found = if wanted { self.find(asked.as_deref(), usual, what)? } else { None };
            if found.is_none() && wanted && (required || asked.is_some()) {
                return Err(self.missing(asked.as_deref(), what));
            }
            Ok(found)
        };
        Ok(PropertyColumns {
            unit: find(&options.unit, UNIT, "unit", parts.units, true)?,
            profile_name: find(&options.profile_name, PROFILE_NAME, "profileName", parts.profiles, false)?,
            // A contact of a unit has a name without it.
            contact_name: find(
                &options.contact_name,
                CONTACT_NAME,
                "contactName",
                parts.contacts,
                !parts.units,
            )?,
        })
    }

    /// The column of a name: exactly that, or alike.
    fn find(&self, asked: Option<&str>, usual: &[&str], what: &str) -> Result<Option<Column>, String> {
        let wanted = asked.unwrap_or(what);
        let exact = |name: &String| asked.is_some_and(|asked| name == asked);
        let asked_plainly = asked.map(plain);
        let alike = |name: &String| {
            let name = plain(name);
            !name.is_empty() && asked_plainly.as_ref().map_or(usual.contains(&&*name), |asked| *asked == name)
        };
        let mut matches: Vec<usize> = (0..self.names.len()).filter(|&at| exact(&self.names[at])).collect();
        if matches.is_empty() {
            matches = (0..self.names.len()).filter(|&at| alike(&self.names[at])).collect();
        }
        let because = if asked.is_some() { "as asked" } else { "by its name" };
        match matches[..] {
            [index] => Ok(Some(self.column(index, because))),
            [] => Ok(None),
            [one, other, ..] => Err(format!(
                "the header has the column \"{}\" twice, as column {} and {}",
                printable(wanted),
                one + 1,
                other + 1
            )),
        }
    }

    /// The column whose values are profiles.
    fn by_values(&self) -> Result<Option<Column>, String> {
        match self.with_profiles()[..] {
            [] => Ok(None),
            [index] => Ok(Some(self.column(index, "because its values are profiles"))),
            [one, other, ..] => Err(format!(
                "the header has no column \"amazonId\", and column {} and {} both hold profiles; --amazon-id-column \
                 says which",
                one + 1,
                other + 1
            )),
        }
    }

    fn column(&self, index: usize, because: &'static str) -> Column {
        Column { index, name: self.names[index].clone(), because }
    }

    /// Columns whose values, as far as they were looked at, are profiles.
    fn with_profiles(&self) -> Vec<usize> {
        let is = |at: usize| {
            let values: Vec<_> =
                self.below.iter().map(|row| row.text(at)).filter(|value| !value.trim().is_empty()).collect();
            let profiles = values.iter().filter(|value| value.contains(AmazonId::PREFIX)).count();
            profiles > 0 && profiles * 2 >= values.len()
        };
        (0..self.names.len()).filter(|&at| is(at)).collect()
    }

    fn missing(&self, asked: Option<&str>, what: &str) -> String {
        let wanted = printable(asked.unwrap_or(what));
        if self.names.iter().any(|name| name.contains(AmazonId::PREFIX)) {
            return format!(
                "the first row is data, not a header with the column \"{wanted}\"; --no-header reads it, with columns \
                 by number"
            );
        }
        let meant = self.proposed().map(|meant| format!("; perhaps {meant}")).unwrap_or_default();
        format!("the header has no column \"{wanted}\"; it has {}{meant}", listed(&self.names))
    }

    /// The columns that are probably meant.
    fn meant(&self) -> Meant {
        let called = |names: &[&str]| {
            let mut found = (0..self.names.len()).filter(|&at| names.contains(&&*plain(&self.names[at])));
            found.next().filter(|_| found.next().is_none())
        };
        let profiles = self.with_profiles();
        let profile = match profiles[..] {
            [at] => Some(at),
            _ => called(PROFILES),
        };
        let named = |at: &usize| !self.names[*at].is_empty() && Some(*at) != profile;
        let others: Vec<usize> = (0..self.names.len()).filter(named).collect();
        let endpoint = match others[..] {
            // Where there is only one other column, it is that.
            [at] if profile.is_some() => Some(at),
            _ => called(ENDPOINTS),
        };
        Meant { endpoint, profile }
    }

    /// The options that name the columns that are probably meant.
    fn proposed(&self) -> Option<String> {
        let Meant { endpoint, profile } = self.meant();
        let option = |name: &str, at: Option<usize>, asked: &Option<String>, usual: &[&str]| {
            let known = |at: &usize| asked.is_none() && !usual.contains(&&*plain(&self.names[*at]));
            at.filter(known).map(|at| format!("{name} \"{}\"", printable(&self.names[at])))
        };
        let words: Vec<String> = [
            option("--id-column", endpoint, &self.options.external_user_id, EXTERNAL_USER_ID),
            option("--amazon-id-column", profile, &self.options.amazon_id, AMAZON_ID),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// How much speaks for this row being the header.
    fn score(&self) -> usize {
        let options = self.options;
        let asked = |asked: &Option<String>, usual: &[&str]| {
            asked.as_deref().map_or_else(
                || usual.iter().map(|&name| name.to_owned()).collect(),
                |asked| vec![plain(asked)],
            )
        };
        let mut wanted =
            [asked(&options.external_user_id, EXTERNAL_USER_ID), asked(&options.amazon_id, AMAZON_ID)]
                .concat();
        if options.parts.units {
            wanted.extend(asked(&options.unit, UNIT));
        }
        let mut score = 0;
        for name in self.names.iter().map(|name| plain(name)).filter(|name| !name.is_empty()) {
            score += if wanted.contains(&name) {
                20
            } else if ENDPOINTS.contains(&&*name) || PROFILES.contains(&&*name) {
                5
            } else {
                0
            };
        }
        let several = self.names.iter().filter(|name| !name.is_empty()).count() > 1;
        score + usize::from(several) + usize::from(several && !self.with_profiles().is_empty())
    }
}

/// A name without what people write differently: case, blanks, hyphens, underscores.
fn plain(name: &str) -> String {
    cleaned(name).chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().take(20).map(|name| format!("\"{}\"", printable(name))).collect();
    quoted.join(", ")
}
