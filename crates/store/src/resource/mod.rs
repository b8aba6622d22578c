//! The resources of the calling family: units, address books, contacts and what ties them together, and skills.
//!
//! A resource is described once, in a file of its own: where it stands, what is derived from it, which bounds hold, what it
//! refers to, and what becomes of it when that goes ([`Kind`]). The rules run over rows (`change`), so an adapter adds only
//! how rows are read and how the decided ones are stored in one commit.

mod address_book;
mod change;
mod contact;
mod contact_setting;
mod moving;
mod reciprocal_association;
mod reference;
mod row;
mod setting_id;
mod skill;
mod unit;
mod unit_association;

use std::collections::BTreeMap;

use jackfield_model::wire::{
    AddressBook, Contact, ContactSetting, ReciprocalAssociation, Skill, Unit, UnitAssociation,
};
use jackfield_model::{OrganizationId, wire};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::change::Subject;

pub(crate) use change::{Decided, ReadRows, at_once, decide, decide_profile_removal};
pub(crate) use moving::{lengths, with_derived};
pub use reference::{Reference, Referred};
pub use row::{ListKey, RowKey, Table};
pub use setting_id::setting_id;

/// A resource of any kind. An export has it under the name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// A unit.
    Unit(Unit),
    /// An address book.
    AddressBook(AddressBook),
    /// A contact.
    Contact(Contact),
    /// An association of an address book with a unit.
    UnitAssociation(UnitAssociation),
    /// An association of a profile with a contact.
    ReciprocalAssociation(ReciprocalAssociation),
    /// What a profile decided of another.
    ContactSetting(ContactSetting),
    /// A skill.
    Skill(Skill),
}

/// A change of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceChange {
    /// Stores a new one; it must not be there.
    Create(Resource),
    /// Stores one in the place of the one that is there.
    Update(Resource),
    /// Stores one, whether it is there or not.
    Put(Resource),
    /// Removes the one that stands where this one does.
    Delete(Resource),
}

/// Why a change of a resource was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The organization is not there.
    NoSuchOrganization,
    /// There is nothing to update or delete.
    NotFound,
    /// It is there already.
    Exists,
    /// The id belongs to something else.
    IdTaken,
    /// It refers to something of this kind that is not there.
    Missing(&'static str),
    /// A unit would be more than this number of levels below its organization.
    TooDeep(u8),
    /// A unit has units below it.
    HasUnits,
    /// A unit has associated address books.
    HasAddressBooks,
    /// A unit has a communication profile.
    HasProfile,
    /// There are as many as the bound allows: so many of these.
    LimitReached {
        /// Of what, for people.
        of: &'static str,
        /// The bound.
        most: u32,
    },
    /// More would go with it than one commit takes: so many.
    TooManyDependents(usize),
}

/// What became of a change.
pub type ResourceOutcome = Result<(), Refusal>;

/// A bound on the length of a list.
pub(crate) struct Bound {
    pub(crate) list: ListKey,
    pub(crate) of: &'static str,
    pub(crate) most: u32,
}

/// What is said once of a kind of resource. The rules of references are in `admit` and `release`.
pub trait Kind: Clone + PartialEq + Serialize + DeserializeOwned + Into<Resource> + Send + Sync {
    /// Where its rows stand.
    const TABLE: Table;
    /// Its name in the change record, for example `address_book`.
    const NAME: &'static str;

    /// What its lists are of, in the words of people: nothing where there is one list of the organization's, else whose id
    /// is the scope.
    const LISTED_BY: Option<&'static str> = None;

    /// The scope of its row.
    fn scope(&self) -> &str;

    /// The id of its row.
    fn id(&self) -> String;

    /// Its id in the change record.
    fn label(&self) -> String;

    /// Its row.
    fn key(&self, organization: &OrganizationId) -> RowKey {
        ListKey::new(organization, Self::TABLE, self.scope()).row(&self.id())
    }

    /// What the change record says of a change of it: the resource as it is stored, and whose it is, since a resource that is
    /// gone can be asked no more.
    fn subject(organization: &OrganizationId, before: Option<&Self>, after: Option<&Self>) -> Subject {
        let said = |resource| to_json(&Recorded { organization, resource });
        Subject::Object {
            kind: Self::NAME.to_owned(),
            id: before.or(after).map(Self::label).unwrap_or_default(),
            before: before.map(said),
            after: after.map(said),
        }
    }
}

/// A resource in the change record.
#[derive(Serialize)]
struct Recorded<'a, K> {
    organization: &'a OrganizationId,
    #[serde(flatten)]
    resource: &'a K,
}

/// Runs a block once for each kind.
macro_rules! every_kind {
    ($kind:ident => $block:block) => {
        every_kind!(@ $kind $block Unit AddressBook Contact UnitAssociation ReciprocalAssociation ContactSetting Skill)
    };
    (@ $kind:ident $block:block $($one:ident)*) => {
        $({
            type $kind = jackfield_model::wire::$one;
            $block
        })*
    };
}
use every_kind;

/// What is said of a kind of resource, without one of it at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindOf {
    /// [`Kind::NAME`].
    pub name: &'static str,
    /// [`Kind::TABLE`].
    pub table: Table,
    /// [`Kind::LISTED_BY`].
    pub listed_by: Option<&'static str>,
}

impl KindOf {
    /// Every kind, in the order of their tables.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        every_kind!(K => { all.push(Self::of::<K>()); });
        all
    }

    /// Whether this is the name of a kind.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        let mut is_one = false;
        every_kind!(K => { is_one |= K::NAME == name; });
        is_one
    }

    const fn of<K: Kind>() -> Self {
        Self { name: K::NAME, table: K::TABLE, listed_by: K::LISTED_BY }
    }
}

/// A resource as the text of its row.
pub(crate) fn to_json(resource: &impl Serialize) -> String {
    serde_json::to_string(resource).expect("resources have text keys and no failing values")
}

/// Calls a generic function with the resource of whatever kind it is.
macro_rules! each_kind {
    ($resource:expr, $one:ident => $call:expr) => {
        match $resource {
            Resource::Unit($one) => $call,
            Resource::AddressBook($one) => $call,
            Resource::Contact($one) => $call,
            Resource::UnitAssociation($one) => $call,
            Resource::ReciprocalAssociation($one) => $call,
            Resource::ContactSetting($one) => $call,
            Resource::Skill($one) => $call,
        }
    };
}
use each_kind;

impl Resource {
    /// Reads the text of a row of a table that is not derived.
    ///
    /// # Errors
    /// Why the text is no such resource.
    pub fn from_row(table: Table, text: &str) -> Result<Self, String> {
        fn read<K: Kind>(text: &str) -> Result<Resource, String> {
            let read: Result<K, _> = serde_json::from_str(text);
            // The error's own text may hold a value.
            let cause = |error: serde_json::Error| format!("no {} from byte {} on", K::NAME, error.column());
            read.map(Into::into).map_err(cause)
        }
        match table {
            Table::Unit => read::<Unit>(text),
            Table::AddressBook => read::<AddressBook>(text),
            Table::Contact => read::<Contact>(text),
            Table::UnitAssociation => read::<UnitAssociation>(text),
            Table::ReciprocalAssociation => read::<ReciprocalAssociation>(text),
            Table::ContactSetting => read::<ContactSetting>(text),
            Table::Skill => read::<Skill>(text),
            other => Err(format!("rows of {other:?} are derived")),
        }
    }

    /// The text of its row, and where that stands.
    #[must_use]
    pub fn row(&self, organization: &OrganizationId) -> (RowKey, String) {
        each_kind!(self, one => (Kind::key(one, organization), to_json(one)))
    }

    /// Where its row stands.
    #[must_use]
    pub fn key(&self, organization: &OrganizationId) -> RowKey {
        each_kind!(self, one => Kind::key(one, organization))
    }

    /// Its row and the rows that are derived from it, but for those that count.
    #[must_use]
    pub fn rows(&self, organization: &OrganizationId) -> Vec<(RowKey, String)> {
        each_kind!(self, one => change::rows_of(one, organization))
    }

    /// What it refers to.
    #[must_use]
    pub fn references(&self, organization: &OrganizationId) -> Vec<Reference> {
        each_kind!(self, one => change::References::references(one, organization))
    }

    /// What the change record says of its creation.
    #[must_use]
    pub fn creation(&self, organization: &OrganizationId) -> Subject {
        each_kind!(self, one => Kind::subject(organization, None, Some(one)))
    }
}

/// Every row of these resources, those that count included.
pub(crate) fn all_rows(resources: &[(OrganizationId, Resource)]) -> BTreeMap<RowKey, String> {
    let rows = resources.iter().flat_map(|(organization, resource)| resource.rows(organization));
    let mut rows: BTreeMap<RowKey, String> = rows.collect();
    let lengths: Vec<(RowKey, String)> = lengths(rows.keys().cloned()).collect();
    rows.extend(lengths);
    rows
}

macro_rules! into_resource {
    ($($kind:ident),*) => {
        $(impl From<wire::$kind> for Resource {
            fn from(one: wire::$kind) -> Self {
                Self::$kind(one)
            }
        })*
    };
}
into_resource!(Unit, AddressBook, Contact, UnitAssociation, ReciprocalAssociation, ContactSetting, Skill);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_said() {
        let tables: Vec<Table> = Table::ALL.into_iter().filter(|table| !table.is_derived()).collect();
        assert_eq!(KindOf::all().into_iter().map(|kind| kind.table).collect::<Vec<_>>(), tables);
    }
}
