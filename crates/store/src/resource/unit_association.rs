//! Associations of address books with units. They keep a unit from going, and go with their address book.

use jackfield_model::wire::{AddressBook, Unit, UnitAssociation};
use jackfield_model::{OrganizationId, limit};

use super::change::{Pending, ReadRows, References};
use super::{Bound, Kind, ListKey, Reference, Refusal, ResourceOutcome, RowKey, Table};
use crate::registry::Quotas;

impl Kind for UnitAssociation {
    const TABLE: Table = Table::UnitAssociation;
    const NAME: &'static str = "unit_association";
    const LISTED_BY: Option<&'static str> = Some("address book");

    fn scope(&self) -> &str {
        self.address_book_id.suffix()
    }

    fn id(&self) -> String {
        self.unit_id.suffix().to_owned()
    }

    fn label(&self) -> String {
        format!("{} {}", self.address_book_id, self.unit_id)
    }
}

impl References for UnitAssociation {
    fn derived(&self, organization: &OrganizationId) -> Vec<(RowKey, String)> {
        let of_unit = ListKey::new(organization, Table::BookOfUnit, self.unit_id.suffix());
        vec![(of_unit.row(self.address_book_id.suffix()), String::new())]
    }

    fn references(&self, organization: &OrganizationId) -> Vec<Reference> {
        let mut references = vec![Reference::address_book(organization, &self.address_book_id)];
        references.extend(Reference::unit(organization, &self.unit_id));
        references
    }

    fn bounds(&self, organization: &OrganizationId, _: &Quotas) -> Vec<Bound> {
        let (book, unit) = (self.address_book_id.suffix(), self.unit_id.suffix());
        vec![
            Bound {
                list: ListKey::new(organization, Table::BookOfUnit, unit),
                of: "address books of a unit",
                most: limit::BOOKS_OF_UNIT,
            },
            Bound {
                list: ListKey::new(organization, Table::UnitAssociation, book),
                of: "units of an address book",
                most: limit::UNITS_OF_BOOK,
            },
        ]
    }

    async fn admit<R: ReadRows>(
        &mut self,
        _: Option<&Self>,
        pending: &mut Pending<'_, R>,
    ) -> Result<ResourceOutcome, R::Error> {
        if pending.find::<AddressBook>("", self.address_book_id.suffix()).await?.is_none() {
            return Ok(Err(Refusal::Missing("address book")));
        }
        let is_organization = self.unit_id.as_str() == pending.organization.as_str();
        if !is_organization && pending.find::<Unit>("", self.unit_id.suffix()).await?.is_none() {
            return Ok(Err(Refusal::Missing("unit")));
        }
        Ok(Ok(()))
    }
}
