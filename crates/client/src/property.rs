//! Units, address books and contacts: the part of the public API with which a property is set up for calling.

use http::Method;
use jackfield_model::wire::{
    AddressBook, ContactAnswer, ContactBatch, ContactBatchItem, ContactCard, CreatedAddressBook,
    CreatedContact, ItemResults, ListAnswer, NewAddressBook, NewContact, NewUnit, Unit,
};
use jackfield_model::{AddressBookId, ContactId, UnitId, path};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::Error;
use crate::transport::Repeat;

const NO_BODY: Option<&()> = None;

/// Results on a page of these lists: the most that is answered.
const PAGE: u32 = 100;

/// What every endpoint of this API answers; Jackfield adds the other fields.
#[derive(Deserialize)]
struct CreatedUnit {
    id: UnitId,
}

impl Client {
    /// Makes a unit.
    ///
    /// # Errors
    /// [`Error`]; status 404 when there is no such parent, 403 at a bound. See [`Error::is_outcome_unknown`].
    pub async fn create_unit(&self, new: &NewUnit) -> Result<UnitId, Error> {
        let created: CreatedUnit = self.api.json(Method::POST, path::UNITS, Some(new), Repeat::Write).await?;
        Ok(created.id)
    }

    /// A page of the units below `parent` on every level, or of all of the organization's; `next_token` is that of the
    /// page before.
    ///
    /// # Errors
    /// [`Error`]; status 404 when there is no such parent.
    pub async fn units_below(
        &self,
        parent: Option<&UnitId>,
        next_token: Option<&str>,
    ) -> Result<ListAnswer<Unit>, Error> {
        let parent = parent.map(|id| format!("&parentId={id}")).unwrap_or_default();
        let path = format!("{}?expand=all&queryDepth=all{parent}", path::UNITS);
        self.page(&path, next_token).await
    }

    /// Makes an address book.
    ///
    /// # Errors
    /// [`Error`]; status 403 at a bound. See [`Error::is_outcome_unknown`].
    pub async fn create_address_book(&self, name: &str) -> Result<AddressBookId, Error> {
        let new = NewAddressBook { name: name.to_owned() };
        let created: CreatedAddressBook =
            self.api.json(Method::POST, path::ADDRESS_BOOKS, Some(&new), Repeat::Write).await?;
        Ok(created.address_book_id)
    }

    /// A page of the organization's address books.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn address_books(&self, next_token: Option<&str>) -> Result<ListAnswer<AddressBook>, Error> {
        self.page(path::ADDRESS_BOOKS, next_token).await
    }

    /// A page of the contacts of an address book.
    ///
    /// # Errors
    /// [`Error`]; status 404 when there is no such address book.
    pub async fn contacts(
        &self,
        book: &AddressBookId,
        next_token: Option<&str>,
    ) -> Result<ListAnswer<ContactAnswer>, Error> {
        self.page(&path::contacts(book), next_token).await
    }

    /// Makes up to [`jackfield_model::limit::BATCH_ITEMS`] contacts. The answer has the outcome of each item.
    ///
    /// # Errors
    /// [`Error`] when the batch as a whole is refused; then nothing was stored. See [`Error::is_outcome_unknown`].
    pub async fn create_contacts(
        &self,
        book: &AddressBookId,
        items: Vec<ContactBatchItem>,
    ) -> Result<ItemResults<CreatedContact>, Error> {
        let batch = ContactBatch { items };
        self.api.json(Method::POST, &path::contacts_batch(book), Some(&batch), Repeat::Write).await
    }

    /// Puts another card in the place of a contact's.
    ///
    /// # Errors
    /// [`Error`]; status 404 when there is no such contact or profile.
    pub async fn update_contact(
        &self,
        book: &AddressBookId,
        id: &ContactId,
        contact: ContactCard,
    ) -> Result<(), Error> {
        let update = NewContact { contact };
        self.api.send(Method::PUT, &path::contact(book, id), Some(&update), Repeat::Read).await.map(drop)
    }

    async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        next_token: Option<&str>,
    ) -> Result<ListAnswer<T>, Error> {
        let sign = if path.contains('?') { '&' } else { '?' };
        // A token needs no encoding.
        let next = next_token.map(|token| format!("&nextToken={token}")).unwrap_or_default();
        let path = format!("{path}{sign}maxResults={PAGE}{next}");
        self.api.json(Method::GET, &path, NO_BODY, Repeat::Read).await
    }
}
