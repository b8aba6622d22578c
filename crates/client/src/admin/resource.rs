//! Units, address books and contacts.

use http::Method;
use jackfield_model::admin::{AddressBook, Contact, List, NamePatch, Unit};
use jackfield_model::wire::UnitAssociation;
use jackfield_model::{AddressBookId, ContactId, OrganizationId, UnitId};

use serde_json::{Map, Value};

use super::{AdminClient, NO_BODY, Page, with_query};
use crate::error::Error;
use crate::transport::Repeat;

impl AdminClient {
    /// A page of the resources of a kind, for example `reciprocal_association`. `of` is the id of the address book or
    /// profile whose list it is, for kinds that are listed by one.
    ///
    /// # Errors
    /// [`Error`]; status 400 when there is no such kind, or `of` is missing or not allowed.
    pub async fn resources(
        &self,
        organization: &OrganizationId,
        kind: &str,
        of: Option<&str>,
        page: &Page,
    ) -> Result<List<Map<String, Value>>, Error> {
        let path = page.path(&format!("/admin/v1/organizations/{organization}/resources"));
        let which = [("kind", Some(kind.to_owned())), ("of", of.map(str::to_owned))];
        self.get(&with_query(&path, &which)).await
    }

    /// A page of an organization's units.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn units(&self, organization: &OrganizationId, page: &Page) -> Result<List<Unit>, Error> {
        self.get(&page.path(&format!("/admin/v1/organizations/{organization}/units"))).await
    }

    /// Makes a unit.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_unit(&self, organization: &OrganizationId, new: &Unit) -> Result<Unit, Error> {
        self.post(&format!("/admin/v1/organizations/{organization}/units"), new).await
    }

    /// One unit.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn unit(&self, id: &UnitId) -> Result<Unit, Error> {
        self.get(&format!("/admin/v1/units/{id}")).await
    }

    /// Renames a unit.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn rename_unit(&self, id: &UnitId, name: String) -> Result<Unit, Error> {
        self.patch(&format!("/admin/v1/units/{id}"), &NamePatch { name }).await
    }

    /// Removes a unit.
    ///
    /// # Errors
    /// [`Error`]; status 400 when units are below it or address books associated, 409 when it has a profile.
    pub async fn delete_unit(&self, id: &UnitId) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/units/{id}")).await
    }

    /// A page of an organization's address books.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn address_books(
        &self,
        organization: &OrganizationId,
        page: &Page,
    ) -> Result<List<AddressBook>, Error> {
        self.get(&page.path(&format!("/admin/v1/organizations/{organization}/addressBooks"))).await
    }

    /// Makes an address book.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_address_book(
        &self,
        organization: &OrganizationId,
        new: &AddressBook,
    ) -> Result<AddressBook, Error> {
        self.post(&format!("/admin/v1/organizations/{organization}/addressBooks"), new).await
    }

    /// One address book.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn address_book(&self, id: &AddressBookId) -> Result<AddressBook, Error> {
        self.get(&format!("/admin/v1/addressBooks/{id}")).await
    }

    /// Renames an address book.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn rename_address_book(&self, id: &AddressBookId, name: String) -> Result<AddressBook, Error> {
        self.patch(&format!("/admin/v1/addressBooks/{id}"), &NamePatch { name }).await
    }

    /// Removes an address book with its contacts and its associations with units.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_address_book(&self, id: &AddressBookId) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/addressBooks/{id}")).await
    }

    /// A page of the units of an address book.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn units_of_address_book(
        &self,
        id: &AddressBookId,
        page: &Page,
    ) -> Result<List<UnitAssociation>, Error> {
        self.get(&page.path(&format!("/admin/v1/addressBooks/{id}/units"))).await
    }

    /// Associates an address book with a unit.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn add_unit_to_address_book(&self, id: &AddressBookId, unit: &UnitId) -> Result<(), Error> {
        let path = format!("/admin/v1/addressBooks/{id}/units/{unit}");
        // The same wish twice is the same state: a lost answer is asked for again.
        self.api.send(Method::PUT, &path, NO_BODY, Repeat::Read).await.map(drop)
    }

    /// Takes an address book from a unit.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn remove_unit_from_address_book(
        &self,
        id: &AddressBookId,
        unit: &UnitId,
    ) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/addressBooks/{id}/units/{unit}")).await
    }

    /// A page of the contacts of an address book.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn contacts(&self, book: &AddressBookId, page: &Page) -> Result<List<Contact>, Error> {
        self.get(&page.path(&format!("/admin/v1/addressBooks/{book}/contacts"))).await
    }

    /// Makes a contact.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn create_contact(&self, book: &AddressBookId, new: &Contact) -> Result<Contact, Error> {
        self.post(&format!("/admin/v1/addressBooks/{book}/contacts"), new).await
    }

    /// One contact.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn contact(&self, book: &AddressBookId, id: &ContactId) -> Result<Contact, Error> {
        self.get(&format!("/admin/v1/addressBooks/{book}/contacts/{id}")).await
    }

    /// Puts a contact in the place of one, which keeps its id.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn update_contact(
        &self,
        book: &AddressBookId,
        id: &ContactId,
        new: &Contact,
    ) -> Result<Contact, Error> {
        let path = format!("/admin/v1/addressBooks/{book}/contacts/{id}");
        self.api.json(Method::PUT, &path, Some(new), Repeat::Read).await
    }

    /// Removes a contact.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_contact(&self, book: &AddressBookId, id: &ContactId) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/addressBooks/{book}/contacts/{id}")).await
    }
}
