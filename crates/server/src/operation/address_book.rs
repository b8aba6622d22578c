//! /v1/addressBooks: the address books of the caller's organization.

use http::StatusCode;
use jackfield_model::wire::{AddressBook, CreatedAddressBook, ListAnswer, NewAddressBook};
use jackfield_store::resource::{Kind, ResourceChange};

use super::BearerOperation;
use super::resource::{Page, PageQuery};
use crate::auth::{Directory, Held, OfDirectory, OfHeld};
use crate::description::{Description, Links, Status, Tag, UPDATED};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

const fn describe(summary: &'static str) -> Description {
    super::resource::describe(Tag::AddressBooks, summary)
}

pub(super) const NO_BOOK: Status = (404, "No such address book.");
const KIND: &str = "address book";

const LINKS: &[Links] = &[Links::new(
    &["getAddressBook", "updateAddressBook", "deleteAddressBook", "createContact", "listContacts"],
    ("path.addressBookId", "$response.body#/addressBookId"),
)];

pub(crate) static CREATE: BearerOperation<OfDirectory> = BearerOperation::new(
    Operation::for_clients(
        "createAddressBook",
        "create_address_book",
        describe("Create an address book")
            .request::<NewAddressBook>()
            .successes(&[(201, "Created.")])
            .response::<CreatedAddressBook>()
            .links(LINKS),
    ),
    Group::Profiles,
    |context| Box::pin(async move { create(context.handle, &context.body).await }),
);

async fn create(directory: Directory<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let NewAddressBook { name } = NewAddressBook::parse(body)?;
    let address_book_id = directory.new_address_book().await?;
    let book = AddressBook { address_book_id: address_book_id.clone(), name };
    let stored = directory.change_one(ResourceChange::Create(book.into())).await?;
    stored.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    Ok(response::json(StatusCode::CREATED, &CreatedAddressBook { address_book_id }))
}

pub(crate) static LIST: BearerOperation<OfDirectory> = BearerOperation::new(
    Operation::for_clients(
        "listAddressBooks",
        "list_address_books",
        describe("List address books")
            .text("Sorted by id.")
            .query::<PageQuery>()
            .response::<ListAnswer<AddressBook>>(),
    )
    .with_large_answer(),
    Group::Profiles,
    |context| Box::pin(list(context.handle, context.query_string)),
);

async fn list(directory: Directory<'_>, query_string: Option<&str>) -> Result<Reply, ApiError> {
    let page = Page::parse(query_string, vec!["address books"])?;
    let after = page.place(&directory).await?;
    let found = directory.list::<AddressBook>("", &after, page.limit + 1).await?;
    Ok(page.answer_first(&directory, found, Kind::id, |book| book))
}

pub(crate) static GET: BearerOperation<OfHeld<AddressBook>> = BearerOperation::new(
    Operation::for_clients(
        "getAddressBook",
        "get_address_book",
        describe("Get an address book").response::<AddressBook>().errors(&[NO_BOOK]),
    ),
    Group::Profiles,
    |context| Box::pin(std::future::ready(Ok(response::json(StatusCode::OK, &context.handle.object)))),
);

pub(crate) static UPDATE: BearerOperation<OfHeld<AddressBook>> = BearerOperation::new(
    Operation::for_clients(
        "updateAddressBook",
        "update_address_book",
        describe("Rename an address book").request::<NewAddressBook>().successes(UPDATED).errors(&[NO_BOOK]),
    ),
    Group::Profiles,
    |context| Box::pin(async move { update(context.handle, &context.body).await }),
);

async fn update(Held { directory, object }: Held<'_, AddressBook>, body: &[u8]) -> Result<Reply, ApiError> {
    let NewAddressBook { name } = NewAddressBook::parse(body)?;
    let renamed = AddressBook { name, ..object };
    let stored = directory.change_one(ResourceChange::Update(renamed.into())).await?;
    stored.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    Ok(response::empty(StatusCode::OK))
}

pub(crate) static DELETE: BearerOperation<OfHeld<AddressBook>> = BearerOperation::new(
    Operation::for_clients(
        "deleteAddressBook",
        "delete_address_book",
        describe("Delete an address book")
            .text("Its contacts and its associations with units go with it, in one commit.")
            .errors(&[NO_BOOK, (409, "More than 100,000 objects would go with it.")]),
    ),
    Group::Profiles,
    |context| Box::pin(delete(context.handle)),
);

async fn delete(Held { directory, object }: Held<'_, AddressBook>) -> Result<Reply, ApiError> {
    let removed = directory.change_one(ResourceChange::Delete(object.into())).await?;
    removed.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    Ok(response::empty(StatusCode::OK))
}
