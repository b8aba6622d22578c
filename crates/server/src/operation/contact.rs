//! /v1/addressBooks/{addressBookId}/contacts: whom the devices of the units can call by name.

use http::StatusCode;
use jackfield_model::wire::{
    AddressBook, BatchItem, Contact, ContactAnswer, ContactBatch, CreatedContact, ItemResults, ListAnswer,
    NewContact,
};
use jackfield_model::{AddressBookId, ContactId};
use jackfield_store::resource::{Kind, ResourceChange};

use super::BearerOperation;
use super::address_book::NO_BOOK;
use super::resource::{BATCH_DONE, Page, PageQuery, batch};
use crate::auth::{Held, OfHeld};
use crate::description::{Description, Links, Status, Tag, UPDATED};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

/// Operations on the contacts of the address book of the path.
type BookOperation = BearerOperation<OfHeld<AddressBook>>;

const fn describe(summary: &'static str) -> Description {
    super::resource::describe(Tag::AddressBooks, summary)
}

const NOT_FOUND: Status = (404, "No such address book, contact or communication profile.");
const KIND: &str = "contact";

pub(crate) static CREATE: BookOperation = BearerOperation::new(
    Operation::for_clients(
        "createContact",
        "create_contact",
        describe("Create a contact")
            .text(
                "A contact is a communication profile of the organization, up to three telephone numbers, or an endpoint \
             of a service provider's network. The endpoint need not have an association.",
            )
            .request::<NewContact>()
            .successes(&[(201, "Created.")])
            .response::<CreatedContact>()
            .errors(&[NOT_FOUND])
            .links(&[Links::new(
                &["listContacts"],
                ("path.addressBookId", "$request.path.addressBookId"),
            )]),
    ),
    Group::Profiles,
    |context| Box::pin(async move { create(context.handle, &context.body).await }),
);

async fn create(Held { directory, object }: Held<'_, AddressBook>, body: &[u8]) -> Result<Reply, ApiError> {
    let new = NewContact::parse(body)?;
    let contact_id = directory.new_contact().await?;
    let contact = contact(&object.address_book_id, contact_id.clone(), new);
    let stored = directory.change_one(ResourceChange::Create(contact.into())).await?;
    stored.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    Ok(response::json(StatusCode::CREATED, &CreatedContact { contact_id }))
}

fn contact(book: &AddressBookId, contact_id: ContactId, new: NewContact) -> Contact {
    Contact { address_book_id: book.clone(), contact_id, contact: new.contact }
}

pub(crate) static BATCH: BookOperation = BearerOperation::new(
    Operation::for_clients(
        "createContacts",
        "create_contacts",
        describe("Create many contacts")
            .text(
                "Creates 1 to 100 contacts in one commit. Each item is decided as if it came alone; a bad one spoils \
             itself alone.",
            )
            .request::<ContactBatch>()
            .successes(BATCH_DONE)
            .response::<ItemResults<CreatedContact>>()
            .errors(&[NO_BOOK]),
    )
    .with_large_answer(),
    Group::Profiles,
    |context| Box::pin(async move { create_all(context.handle, &context.body).await }),
);

async fn create_all(
    Held { directory, object }: Held<'_, AddressBook>,
    body: &[u8],
) -> Result<Reply, ApiError> {
    let items = BatchItem::parse_all(body, NewContact::from_object)?;
    let mut contacts = Vec::with_capacity(items.len());
    for BatchItem { item_id, value } in items {
        let value = match value {
            Ok(new) => Ok(contact(&object.address_book_id, directory.new_contact().await?, new)),
            Err(invalid) => Err(invalid),
        };
        contacts.push(BatchItem { item_id, value });
    }
    batch(
        &directory,
        contacts,
        KIND,
        |contact| ResourceChange::Create(contact.clone().into()),
        |contact| CreatedContact { contact_id: contact.contact_id },
    )
    .await
}

pub(crate) static LIST: BookOperation = BearerOperation::new(
    Operation::for_clients(
        "listContacts",
        "list_contacts",
        describe("List the contacts of an address book")
            .text("Sorted by id.")
            .query::<PageQuery>()
            .response::<ListAnswer<ContactAnswer>>()
            .errors(&[NO_BOOK]),
    )
    .with_large_answer(),
    Group::Profiles,
    |context| Box::pin(list(context.handle, context.query_string)),
);

async fn list(
    Held { directory, object }: Held<'_, AddressBook>,
    query_string: Option<&str>,
) -> Result<Reply, ApiError> {
    let book = object.address_book_id.suffix();
    let page = Page::parse(query_string, vec!["contacts", book])?;
    let after = page.place(&directory).await?;
    let found = directory.list::<Contact>(book, &after, page.limit + 1).await?;
    Ok(page.answer_first(&directory, found, Kind::id, ContactAnswer::from))
}

/// The contact of the path.
async fn find(Held { directory, object }: &Held<'_, AddressBook>, id: &str) -> Result<Contact, ApiError> {
    let unknown = || ApiError::NotFound("There is no such contact.".to_owned());
    let id: ContactId = id.parse().map_err(|_| unknown())?;
    directory.find(object.address_book_id.suffix(), id.suffix()).await?.ok_or_else(unknown)
}

pub(crate) static GET: BookOperation = BearerOperation::new(
    Operation::for_clients(
        "getContact",
        "get_contact",
        describe("Get a contact").response::<ContactAnswer>().errors(&[NOT_FOUND]),
    ),
    Group::Profiles,
    |context| Box::pin(async move { get(context.handle, context.second_parameter).await }),
);

async fn get(book: Held<'_, AddressBook>, id: &str) -> Result<Reply, ApiError> {
    let contact = find(&book, id).await?;
    Ok(response::json(StatusCode::OK, &ContactAnswer::from(contact)))
}

pub(crate) static UPDATE: BookOperation = BearerOperation::new(
    Operation::for_clients(
        "updateContact",
        "update_contact",
        describe("Replace a contact")
            .text("The contact keeps its id. Where it was another profile, its reciprocal associations go.")
            .request::<NewContact>()
            .successes(UPDATED)
            .errors(&[NOT_FOUND]),
    ),
    Group::Profiles,
    |context| Box::pin(async move { update(context.handle, context.second_parameter, &context.body).await }),
);

async fn update(book: Held<'_, AddressBook>, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let before = find(&book, id).await?;
    let NewContact { contact } = NewContact::parse(body)?;
    let after = Contact { contact, ..before };
    let stored = book.directory.change_one(ResourceChange::Update(after.into())).await?;
    stored.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    Ok(response::empty(StatusCode::OK))
}

pub(crate) static DELETE: BookOperation = BearerOperation::new(
    Operation::for_clients(
        "deleteContact",
        "delete_contact",
        describe("Delete a contact").text("Its reciprocal associations go with it.").errors(&[NOT_FOUND]),
    ),
    Group::Profiles,
    |context| Box::pin(async move { delete(context.handle, context.second_parameter).await }),
);

async fn delete(book: Held<'_, AddressBook>, id: &str) -> Result<Reply, ApiError> {
    let contact = find(&book, id).await?;
    let removed = book.directory.change_one(ResourceChange::Delete(contact.into())).await?;
    removed.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    Ok(response::empty(StatusCode::OK))
}
