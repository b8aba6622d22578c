//! Which column holds what: found by name in a header, by its values, or by number.

use jackfield_model::AmazonId;

use super::characters::{cleaned, printable};
use super::options::InputOptions;
use super::record::Record;
use super::understood::Taken;

/// Names that a column may have without being asked for, letters and digits only.
const EXTERNAL_USER_ID: &str = "externaluserid";
const AMAZON_ID: &str = "amazonid";
const AMAZON_ID_TYPE: &str = "amazonidtype";

/// What people call the column of the endpoint. Such a column is proposed, never taken.
const ENDPOINTS: &[&str] = &[
    "ext",
    "exten",
    "extno",
    "extnr",
    "extension",
    "extensionno",
    "extensionnumber",
    "phone",
    "phonenumber",
    "telephone",
    "number",
    "did",
    "sip",
    "sipuser",
    "user",
    "userid",
    "username",
    "endpoint",
    "endpointid",
    "externalid",
    "id",
    "room",
    "roomid",
    "roomno",
    "roomnr",
    "roomnumber",
    "roomname",
    "suite",
    "unit",
    "apartment",
    "nebenstelle",
    "nebenstellennummer",
    "nst",
    "durchwahl",
    "rufnummer",
    "telefon",
    "telefonnummer",
    "nummer",
    "zimmer",
    "zimmernr",
    "zimmernummer",
    "raum",
    "raumnr",
    "raumnummer",
    "poste",
    "posteno",
    "numérodeposte",
    "chambre",
    "numérodechambre",
    "nochambre",
    "interno",
    "numerointerno",
    "camera",
    "numerocamera",
    "stanza",
    "habitación",
    "habitacion",
    "extensión",
    "anexo",
    "内線",
    "内線番号",
    "部屋",
    "部屋番号",
    "客室",
    "客室番号",
];

/// What people call the column of the profile.
const PROFILES: &[&str] = &[
    "profile",
    "profileid",
    "alexaprofile",
    "alexaprofileid",
    "alexaid",
    "amazonprofile",
    "amazonprofileid",
    "amazon",
    "communicationprofile",
    "communicationprofileid",
    "commsprofile",
    "profil",
    "profilid",
    "alexaprofil",
    "profilalexa",
    "profilo",
    "idprofilo",
    "perfil",
    "idperfil",
    "プロファイル",
    "プロファイルid",
];

/// The first column of a file of rejects, which is not part of the input.
pub(super) const PROBLEM: &str = "problem";

/// The columns of an input.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) external_user_id: Column,
    pub(super) amazon_id: Column,
    pub(super) amazon_id_type: Option<Column>,
    /// Fields that the header has; nothing where there is none.
    pub(super) count: Option<usize>,
    /// Whether the first column is [`PROBLEM`].
    pub(super) has_problem: bool,
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
        candidate.columns().map_err(|rule| NoHeader { rule, score: candidate.score() })
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
        Ok(Self {
            external_user_id: column(options.external_user_id.as_ref(), 1, "externalUserId")?,
            amazon_id: column(options.amazon_id.as_ref(), 2, "amazonId")?,
            amazon_id_type: None,
            count: None,
            has_problem: false,
        })
    }

    /// Whether a row below repeats the header, as in lists that were joined.
    pub(super) fn are_named_by(&self, record: &Record) -> bool {
        let same = |column: &Column| {
            !column.name.is_empty() && plain(&record.text(column.index)) == plain(&column.name)
        };
        self.count.is_some() && same(&self.external_user_id) && same(&self.amazon_id)
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
        let (external_user_id, amazon_id) = match (external_user_id, amazon_id) {
            (Some(external_user_id), Some(amazon_id)) => (external_user_id, amazon_id),
            (None, _) => return Err(self.missing(self.options.external_user_id.as_deref(), "externalUserId")),
            (_, None) => return Err(self.missing(self.options.amazon_id.as_deref(), "amazonId")),
        };
        Ok(Columns {
            external_user_id,
            amazon_id,
            amazon_id_type: self.find(None, AMAZON_ID_TYPE, "amazonIdType")?,
            count: Some(self.names.len()),
            has_problem: self.names.len() > 1 && self.names[0] == PROBLEM,
        })
    }

    /// The column of a name: exactly that, or alike.
    fn find(&self, asked: Option<&str>, usual: &str, what: &str) -> Result<Option<Column>, String> {
        let wanted = asked.unwrap_or(what);
        let exact = |name: &String| asked.is_some_and(|asked| name == asked);
        let plainly = asked.map_or_else(|| usual.to_owned(), plain);
        let alike = |name: &String| !plainly.is_empty() && plain(name) == plainly;
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

    /// The options that name the columns that are probably meant.
    fn proposed(&self) -> Option<String> {
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
        let option = |name: &str, at: Option<usize>, asked: &Option<String>, usual: &str| {
            let known = |at: &usize| asked.is_none() && plain(&self.names[*at]) != usual;
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
        let asked =
            |asked: &Option<String>, usual: &str| asked.as_deref().map_or_else(|| usual.to_owned(), plain);
        let wanted = [
            asked(&self.options.external_user_id, EXTERNAL_USER_ID),
            asked(&self.options.amazon_id, AMAZON_ID),
        ];
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
