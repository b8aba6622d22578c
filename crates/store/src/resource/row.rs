//! The rows in which resources are stored: an ordered map from keys to texts, the same on every adapter.
//!
//! A key is an organization, a table, a scope and an id, in this order; ids stand there without the prefix that all ids of
//! their kind begin with. The rows of one organization, table and scope are a list: it is read in the order of its ids,
//! and is what a bound counts. Rows of the first tables are the resources, as JSON. All others are derived from them.

use std::fmt;

use jackfield_model::OrganizationId;
use serde::{Deserialize, Serialize};

/// A kind of row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Table {
    /// Units, in the scope of the organization.
    Unit = 1,
    /// Address books, in the scope of the organization.
    AddressBook = 2,
    /// Contacts, in the scope of their address book.
    Contact = 3,
    /// Associations with units, in the scope of their address book.
    UnitAssociation = 4,
    /// Reciprocal associations, in the scope of their profile.
    ReciprocalAssociation = 5,
    /// Settings of contacts, in the scope of the profile that decides.
    ContactSetting = 6,
    /// Skills, in the scope of the organization.
    Skill = 7,
    /// Units below a unit.
    ChildUnit = 32,
    /// Address books of a unit.
    BookOfUnit = 33,
    /// Contacts that name a profile, each with its address book.
    ContactOfProfile = 34,
    /// The address book of each contact.
    BookOfContact = 35,
    /// Profiles with a reciprocal association with a contact.
    ProfileOfContact = 36,
    /// Settings that are about a profile.
    SettingAbout = 37,
    /// Of no organization: the organization of an id that no other may have.
    Owner = 38,
    /// How many rows a list has that is counted: its scope is the table, its id the scope of the list.
    Count = 39,
}

impl Table {
    /// Every table, in the order of their rows.
    pub const ALL: [Self; 15] = [
        Self::Unit,
        Self::AddressBook,
        Self::Contact,
        Self::UnitAssociation,
        Self::ReciprocalAssociation,
        Self::ContactSetting,
        Self::Skill,
        Self::ChildUnit,
        Self::BookOfUnit,
        Self::ContactOfProfile,
        Self::BookOfContact,
        Self::ProfileOfContact,
        Self::SettingAbout,
        Self::Owner,
        Self::Count,
    ];

    /// What keeps an organization from going: resources whose ids are nobody else's.
    pub const OF_ORGANIZATION: [Self; 3] = [Self::Unit, Self::AddressBook, Self::Skill];

    /// The number that stands for it in a store.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The table with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.number() == number)
    }

    /// Whether its rows are derived from those of other tables.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        self as u8 >= Self::ChildUnit as u8
    }

    /// Whether the rows of its lists are counted.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(
            self,
            Self::Unit
                | Self::AddressBook
                | Self::Contact
                | Self::UnitAssociation
                | Self::BookOfUnit
                | Self::Skill
        )
    }
}

/// Names a list of rows. Its rows are sorted by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ListKey {
    /// The end of the organization's id; empty for [`Table::Owner`].
    pub organization: String,
    /// The kind of row.
    pub table: Table,
    /// What the rows are a list of.
    pub scope: String,
}

/// Names a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowKey {
    /// The list that it stands in.
    pub list: ListKey,
    /// Its id there.
    pub id: String,
}

impl ListKey {
    /// A list of an organization.
    #[must_use]
    pub fn new(organization: &OrganizationId, table: Table, scope: &str) -> Self {
        Self { organization: organization.suffix().to_owned(), table, scope: scope.to_owned() }
    }

    /// The row with this id.
    #[must_use]
    pub fn row(self, id: &str) -> RowKey {
        RowKey { list: self, id: id.to_owned() }
    }

    /// The row that has the number of its rows.
    #[must_use]
    pub(crate) fn count(&self) -> RowKey {
        let list = Self {
            organization: self.organization.clone(),
            table: Table::Count,
            scope: self.table.number().to_string(),
        };
        list.row(&self.scope)
    }
}

impl RowKey {
    /// The row that says to whom an id of this table belongs.
    #[must_use]
    pub fn owner(table: Table, id: &str) -> Self {
        let list =
            ListKey { organization: String::new(), table: Table::Owner, scope: table.number().to_string() };
        list.row(id)
    }

    /// The organization that the row belongs to.
    #[must_use]
    pub fn organization(&self) -> Option<OrganizationId> {
        OrganizationId::from_suffix(&self.list.organization).ok()
    }
}

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ListKey { organization, table, scope } = &self.list;
        write!(f, "{table:?} {organization}/{scope}/{id}", id = self.id)
    }
}
