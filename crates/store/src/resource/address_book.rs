//! Address books. One that goes takes its contacts and its associations with units along.

use jackfield_model::wire::{AddressBook, Contact, UnitAssociation};
use jackfield_model::{OrganizationId, limit};

use super::change::{Pending, ReadRows, References};
use super::{Bound, Kind, ListKey, Reference, Refusal, ResourceOutcome, RowKey, Table};
use crate::registry::Quotas;

impl Kind for AddressBook {
    const TABLE: Table = Table::AddressBook;
    const NAME: &'static str = "address_book";

    fn scope(&self) -> &'static str {
        ""
    }

    fn id(&self) -> String {
        self.address_book_id.suffix().to_owned()
    }

    fn label(&self) -> String {
        self.address_book_id.to_string()
    }
}

impl References for AddressBook {
    fn derived(&self, organization: &OrganizationId) -> Vec<(RowKey, String)> {
        let owner = RowKey::owner(Table::AddressBook, self.address_book_id.suffix());
        vec![(owner, organization.suffix().to_owned())]
    }

    fn references(&self, _: &OrganizationId) -> Vec<Reference> {
        Vec::new()
    }

    fn bounds(&self, organization: &OrganizationId, quotas: &Quotas) -> Vec<Bound> {
        vec![Bound {
            list: ListKey::new(organization, Table::AddressBook, ""),
            of: "address books of an organization",
            most: quotas.address_books(),
        }]
    }

    async fn admit<R: ReadRows>(
        &mut self,
        before: Option<&Self>,
        pending: &mut Pending<'_, R>,
    ) -> Result<ResourceOutcome, R::Error> {
        let owner = RowKey::owner(Table::AddressBook, self.address_book_id.suffix());
        if before.is_none() && pending.get(&owner).await?.is_some() {
            return Ok(Err(Refusal::IdTaken));
        }
        Ok(Ok(()))
    }

    async fn release<R: ReadRows>(&self, pending: &mut Pending<'_, R>) -> Result<ResourceOutcome, R::Error> {
        let id = self.address_book_id.suffix();
        let most = limit::CASCADE_RESOURCES;
        let contacts = pending.list(Table::Contact, id, most).await?;
        let units = pending.list(Table::UnitAssociation, id, most).await?;
        if contacts.len() + units.len() > most {
            return Ok(Err(Refusal::TooManyDependents(most)));
        }
        for (contact, _) in contacts {
            pending.remove_at::<Contact>(id, &contact).await?;
        }
        for (unit, _) in units {
            pending.remove_at::<UnitAssociation>(id, &unit).await?;
        }
        Ok(Ok(()))
    }
}
