//! What a resource refers to, and where that has to be.

use jackfield_model::{AddressBookId, AmazonId, ContactId, OrganizationId, UnitId};

use super::{ListKey, RowKey, Table};

/// Something that a resource refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it is, for people.
    pub what: &'static str,
    /// Where it has to be.
    pub target: Referred,
}

/// Where something has to be that is referred to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Referred {
    /// A row.
    Row(RowKey),
    /// A communication profile of this organization.
    Profile(OrganizationId, AmazonId),
}

impl Reference {
    /// A unit; none for the organization, which is one that has no row.
    pub(super) fn unit(organization: &OrganizationId, id: &UnitId) -> Option<Self> {
        let row = || ListKey::new(organization, Table::Unit, "").row(id.suffix());
        (id.as_str() != organization.as_str()).then(|| Self { what: "unit", target: Referred::Row(row()) })
    }

    pub(super) fn address_book(organization: &OrganizationId, id: &AddressBookId) -> Self {
        let row = ListKey::new(organization, Table::AddressBook, "").row(id.suffix());
        Self { what: "address book", target: Referred::Row(row) }
    }

    /// A contact, in whatever address book it is.
    pub(super) fn contact(organization: &OrganizationId, id: &ContactId) -> Self {
        let row = ListKey::new(organization, Table::BookOfContact, "").row(id.suffix());
        Self { what: "contact", target: Referred::Row(row) }
    }

    pub(super) fn profile(organization: &OrganizationId, id: &AmazonId) -> Self {
        Self { what: "communication profile", target: Referred::Profile(organization.clone(), id.clone()) }
    }
}
