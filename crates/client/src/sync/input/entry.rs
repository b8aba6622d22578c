//! What one row says, and what its values say together.

use jackfield_model::{AmazonId, ExternalUserId, InvalidId, UnitId, limit};

use super::PropertyRow;
use super::options::Parts;

/// What a valid row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) external_user_id: ExternalUserId,
    /// Nothing only where the profile is that of the unit.
    pub(super) amazon_id: Option<AmazonId>,
    pub(super) unit: Option<Box<str>>,
    pub(super) profile_name: Option<Box<str>>,
    pub(super) contact_name: Option<Box<str>>,
}

/// The values of a row that are about its unit, profile and contact, each valid by itself.
#[derive(Default)]
pub(super) struct PropertyValues {
    pub(super) unit: Option<Box<str>>,
    pub(super) profile_name: Option<Box<str>>,
    pub(super) contact_name: Option<Box<str>>,
}

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    AmazonId,
    Unit,
    ProfileName,
    ContactName,
}

impl Field {
    /// The property of JSON Lines, and what a column is called by itself.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AmazonId => "amazonId",
            Self::Unit => "unit",
            Self::ProfileName => "profileName",
            Self::ContactName => "contactName",
        }
    }
}

impl Entry {
    /// Holds the values of a row against each other.
    ///
    /// # Errors
    /// The value that is wrong, and the rule.
    pub(super) fn new(
        parts: Parts,
        external_user_id: ExternalUserId,
        amazon_id: Option<AmazonId>,
        values: PropertyValues,
    ) -> Result<Self, (Field, String)> {
        let PropertyValues { unit, profile_name, contact_name } = values;
        let entry = Self { external_user_id, amazon_id, unit, profile_name, contact_name };
        match entry.broken(parts) {
            Some((field, rule)) => Err((field, rule)),
            None => Ok(entry),
        }
    }

    /// The row of the input that says it.
    pub(super) fn at(self, line: u64) -> PropertyRow {
        let Self { external_user_id, amazon_id, unit, profile_name, contact_name } = self;
        PropertyRow { external_user_id, amazon_id, unit, profile_name, contact_name, line }
    }

    fn broken(&self, parts: Parts) -> Option<(Field, String)> {
        if parts.profiles {
            match (&self.amazon_id, &self.unit) {
                (None, None) => {
                    let rule = "is empty; the row needs a unit, or a profile of its own as amazonId";
                    return Some((Field::Unit, rule.to_owned()));
                }
                (Some(_), Some(_)) => {
                    let rule = "is a profile, and the row has a unit, whose profile is another; leave one of the two empty";
                    return Some((Field::AmazonId, rule.to_owned()));
                }
                (Some(_), None) if self.profile_name.is_some() => {
                    let rule = "names the profile of a unit, and the row has none";
                    return Some((Field::ProfileName, rule.to_owned()));
                }
                _ => {}
            }
        }
        if !parts.contacts {
            return None;
        }
        match self.contact() {
            None => Some((Field::ContactName, "is empty; a row without a unit needs it".to_owned())),
            Some(name) if name.chars().count() > limit::BOOK_NAME_CHARS => {
                let (count, most) = (name.chars().count(), limit::BOOK_NAME_CHARS);
                let rule = if self.contact_name.is_some() {
                    format!("is {count} characters long; at most {most} are allowed")
                } else {
                    format!(
                        "is empty, and the name of profile or unit, which takes its place, is {count} characters \
                         long; at most {most} are allowed"
                    )
                };
                Some((Field::ContactName, rule))
            }
            Some(_) => None,
        }
    }

    /// What its names are about: the unit, or the profile.
    pub(super) fn subject(&self) -> Option<&str> {
        self.unit.as_deref().or(self.amazon_id.as_ref().map(AmazonId::as_str))
    }

    /// The name of its contact: its own, else that of the profile, else that of the unit.
    fn contact(&self) -> Option<&str> {
        let unit = self.unit.as_deref().filter(|unit| !unit.starts_with(UnitId::PREFIX));
        self.contact_name.as_deref().or(self.profile_name.as_deref()).or(unit)
    }
}

/// Checks a unit: its id, or its name.
pub(super) fn unit(text: &str) -> Result<Box<str>, InvalidId> {
    if text.starts_with(UnitId::PREFIX) {
        UnitId::new(text)?;
    }
    name(text)
}

/// Checks the name of a unit or a profile.
pub(super) fn name(text: &str) -> Result<Box<str>, InvalidId> {
    let len = text.chars().count();
    if len > limit::NAME_CHARS {
        return Err(InvalidId::TooLong { len, max: limit::NAME_CHARS });
    }
    match text.chars().position(char::is_control) {
        Some(at) => Err(InvalidId::ControlCharacter { position: at + 1 }),
        None => Ok(text.into()),
    }
}
