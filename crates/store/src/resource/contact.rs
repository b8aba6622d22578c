//! Contacts of address books. One that names a communication profile goes with that profile; telephone numbers and
//! endpoints of a provider's network are dialled as they are, and refer to nothing that could go.

use jackfield_model::OrganizationId;
use jackfield_model::wire::{AddressBook, Contact};

use super::change::{Pending, ReadRows, References};
use super::{Bound, Kind, ListKey, Reference, Refusal, ResourceOutcome, RowKey, Table};
use crate::registry::Quotas;

impl Kind for Contact {
    const TABLE: Table = Table::Contact;
    const NAME: &'static str = "contact";
    const LISTED_BY: Option<&'static str> = Some("address book");

    fn scope(&self) -> &str {
        self.address_book_id.suffix()
    }

    fn id(&self) -> String {
        self.contact_id.suffix().to_owned()
    }

    fn label(&self) -> String {
        self.contact_id.to_string()
    }
}

impl References for Contact {
    fn derived(&self, organization: &OrganizationId) -> Vec<(RowKey, String)> {
        let (book, id) = (self.address_book_id.suffix(), self.contact_id.suffix());
        let of = |table, scope: &str| (ListKey::new(organization, table, scope).row(id), book.to_owned());
        let mut rows = vec![of(Table::BookOfContact, "")];
        rows.extend(self.contact.profile().map(|profile| of(Table::ContactOfProfile, profile.suffix())));
        rows
    }

    fn references(&self, organization: &OrganizationId) -> Vec<Reference> {
        let mut references = vec![Reference::address_book(organization, &self.address_book_id)];
        references.extend(self.contact.profile().map(|profile| Reference::profile(organization, profile)));
        references
    }

    fn bounds(&self, organization: &OrganizationId, quotas: &Quotas) -> Vec<Bound> {
        vec![Bound {
            list: ListKey::new(organization, Table::Contact, self.address_book_id.suffix()),
            of: "contacts of an address book",
            most: quotas.contacts(),
        }]
    }

    async fn admit<R: ReadRows>(
        &mut self,
        before: Option<&Self>,
        pending: &mut Pending<'_, R>,
    ) -> Result<ResourceOutcome, R::Error> {
        let (book, id) = (self.address_book_id.suffix(), self.contact_id.suffix());
        if pending.find::<AddressBook>("", book).await?.is_none() {
            return Ok(Err(Refusal::Missing("address book")));
        }
        let book_of_contact = ListKey::new(pending.organization, Table::BookOfContact, "").row(id);
        if before.is_none() && pending.get(&book_of_contact).await?.is_some() {
            return Ok(Err(Refusal::IdTaken));
        }
        let profile = self.contact.profile();
        if let Some(profile) = profile
            && !pending.has_profile(profile).await?
        {
            return Ok(Err(Refusal::Missing("communication profile")));
        }
        if before.is_some_and(|before| before.contact.profile() != profile) {
            // They were associations with somebody else.
            pending.remove_with_contact(id).await?;
        }
        Ok(Ok(()))
    }

    async fn of_profile<R: ReadRows>(
        pending: &Pending<'_, R>,
        profile: &str,
        most: usize,
    ) -> Result<Vec<(String, String)>, R::Error> {
        let contacts = pending.list(Table::ContactOfProfile, profile, most).await?;
        Ok(contacts.into_iter().map(|(contact, book)| (book, contact)).collect())
    }

    async fn release<R: ReadRows>(&self, pending: &mut Pending<'_, R>) -> Result<ResourceOutcome, R::Error> {
        pending.remove_with_contact(self.contact_id.suffix()).await?;
        Ok(Ok(()))
    }
}
