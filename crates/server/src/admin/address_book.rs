//! Address books, their associations with units, and their contacts.

use jackfield_model::admin::{self, List, NamePatch, Role};
use jackfield_model::wire::{AddressBook, Contact, UnitAssociation};
use jackfield_model::{AddressBookId, ContactId, OrganizationId, UnitId, limit};
use jackfield_store::resource::{ResourceChange, Table};
use jackfield_store::{Origin, find_resource};

use super::describe::{ADD_ERRORS, ITEM_ERRORS, PageQuery, WRITE_ERRORS, describe};
use super::{
    AdminOperation, Context, Query, created, no_content, not_found, ok, organization, parse, resource, unit,
};
use crate::description::{CREATED, NO_CONTENT};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;
use crate::validate;

const KIND: &str = "address book";
const CONTACT: &str = "contact";

pub(crate) static CREATE: AdminOperation = AdminOperation::new(
    "adminCreateAddressBook",
    Role::Admin,
    describe("Create an address book")
        .request::<admin::AddressBook>()
        .successes(CREATED)
        .response::<admin::AddressBook>()
        .errors(ADD_ERRORS),
    |context| Box::pin(create(context.state, context.origin, context.id, context.body)),
);

async fn create(state: &State, origin: Origin, of: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let organization = organization(state, of)?;
    let new: admin::AddressBook = parse(body)?;
    validate::short_name("name", &new.name, limit::BOOK_NAME_CHARS)?;
    let id = match new.id {
        Some(id) => id,
        None => state.sandbox.ids.address_book(&*state.store).await?,
    };
    let book = AddressBook { address_book_id: id.clone(), name: new.name };
    let change = ResourceChange::Create(book.clone().into());
    resource::change(state, &organization.id, change, origin, KIND).await?;
    created(&to_wire(state, &organization.id, book).await?)
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "adminListAddressBooks",
    Role::Viewer,
    describe("List the address books of an organization")
        .text("Sorted by id.")
        .query::<PageQuery>()
        .response::<List<admin::AddressBook>>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(list(context.state, context.id, context.query)),
);

async fn list(state: &State, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let id = organization(state, of)?.id.clone();
    let page: List<AddressBook> = resource::page(state, (&id, ""), query, AddressBookId::PREFIX).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for book in page.items {
        items.push(to_wire(state, &id, book).await?);
    }
    ok(&List { items, next_after: page.next_after })
}

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "adminGetAddressBook",
    Role::Viewer,
    describe("Get an address book").response::<admin::AddressBook>().errors(ITEM_ERRORS),
    |context| Box::pin(get(context.state, context.id)),
);

async fn get(state: &State, id: &str) -> Result<Reply, ApiError> {
    let (organization, book) = find(state, id).await?;
    ok(&to_wire(state, &organization, book).await?)
}

pub(crate) static UPDATE: AdminOperation = AdminOperation::new(
    "adminUpdateAddressBook",
    Role::Admin,
    describe("Rename an address book")
        .request::<NamePatch>()
        .response::<admin::AddressBook>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(update(context.state, context.origin, context.id, context.body)),
);

async fn update(state: &State, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let (organization, book) = find(state, id).await?;
    let NamePatch { name } = parse(body)?;
    validate::short_name("name", &name, limit::BOOK_NAME_CHARS)?;
    let change = ResourceChange::Update(AddressBook { name, ..book }.into());
    resource::change(state, &organization, change, origin, KIND).await?;
    get(state, id).await
}

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "adminDeleteAddressBook",
    Role::Admin,
    describe("Delete an address book")
        .text("Its contacts and its associations with units go with it.")
        .successes(NO_CONTENT)
        .errors(WRITE_ERRORS),
    |context| Box::pin(delete(context.state, context.origin, context.id)),
);

async fn delete(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let (organization, book) = find(state, id).await?;
    resource::change(state, &organization, ResourceChange::Delete(book.into()), origin, KIND).await?;
    no_content()
}

/// The address book with this id, and whose it is.
async fn find(state: &State, id: &str) -> Result<(OrganizationId, AddressBook), ApiError> {
    let id: AddressBookId = id.parse().map_err(|_| not_found(KIND))?;
    resource::find(state, id.suffix(), KIND).await
}

async fn to_wire(
    state: &State,
    organization: &OrganizationId,
    book: AddressBook,
) -> Result<admin::AddressBook, ApiError> {
    let scope = book.address_book_id.suffix();
    Ok(admin::AddressBook {
        contacts: resource::count(state, organization, Table::Contact, scope).await?,
        units: resource::count(state, organization, Table::UnitAssociation, scope).await?,
        id: Some(book.address_book_id),
        organization_id: Some(organization.clone()),
        name: book.name,
    })
}

pub(crate) static UNITS: AdminOperation = AdminOperation::new(
    "adminListUnitsOfAddressBook",
    Role::Viewer,
    describe("List the units of an address book")
        .text("Sorted by id.")
        .query::<PageQuery>()
        .response::<List<UnitAssociation>>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(units(context.state, context.id, context.query)),
);

async fn units(state: &State, id: &str, query: &Query) -> Result<Reply, ApiError> {
    let (organization, book) = find(state, id).await?;
    let scope = book.address_book_id.suffix();
    let page: List<UnitAssociation> =
        resource::page(state, (&organization, scope), query, UnitId::PREFIX).await?;
    ok(&page)
}

pub(crate) static ADD_UNIT: AdminOperation = AdminOperation::new(
    "adminAddUnitToAddressBook",
    Role::Admin,
    describe("Associate an address book with a unit")
        .text("One that is there already stays.")
        .successes(NO_CONTENT)
        .errors(ADD_ERRORS),
    |context| Box::pin(change_unit(context, ResourceChange::Put)),
);

pub(crate) static REMOVE_UNIT: AdminOperation = AdminOperation::new(
    "adminRemoveUnitFromAddressBook",
    Role::Admin,
    describe("Take an address book from a unit").successes(NO_CONTENT).errors(ITEM_ERRORS),
    |context| Box::pin(change_unit(context, ResourceChange::Delete)),
);

async fn change_unit(
    Context { state, origin, id, second_id, .. }: Context<'_>,
    change: impl FnOnce(jackfield_store::resource::Resource) -> ResourceChange,
) -> Result<Reply, ApiError> {
    let (organization, book) = find(state, id).await?;
    let unit_id = if second_id == organization.as_str() {
        organization.clone().into()
    } else {
        unit::find(state, second_id).await?.1.id
    };
    let association = UnitAssociation { address_book_id: book.address_book_id, unit_id };
    resource::change(state, &organization, change(association.into()), origin, "association").await?;
    no_content()
}

pub(crate) static CREATE_CONTACT: AdminOperation = AdminOperation::new(
    "adminCreateContact",
    Role::Admin,
    describe("Create a contact")
        .request::<admin::Contact>()
        .successes(CREATED)
        .response::<admin::Contact>()
        .errors(ADD_ERRORS),
    |context| Box::pin(create_contact(context.state, context.origin, context.id, context.body)),
);

async fn create_contact(state: &State, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let (organization, book) = find(state, id).await?;
    let new = parse_contact(body)?;
    let contact_id = match new.id.clone() {
        Some(id) => id,
        None => state.sandbox.ids.contact(&*state.store, &organization).await?,
    };
    let contact = Contact { address_book_id: book.address_book_id, contact_id, contact: new.into_card()? };
    let change = ResourceChange::Create(contact.clone().into());
    resource::change(state, &organization, change, origin, CONTACT).await?;
    created(&admin::Contact::new(contact))
}

fn parse_contact(body: &[u8]) -> Result<admin::Contact, ApiError> {
    let new: admin::Contact = parse(body)?;
    validate::short_name("name", &new.name, limit::BOOK_NAME_CHARS)?;
    Ok(new)
}

pub(crate) static CONTACTS: AdminOperation = AdminOperation::new(
    "adminListContacts",
    Role::Viewer,
    describe("List the contacts of an address book")
        .text("Sorted by id.")
        .query::<PageQuery>()
        .response::<List<admin::Contact>>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(contacts(context.state, context.id, context.query)),
);

async fn contacts(state: &State, id: &str, query: &Query) -> Result<Reply, ApiError> {
    let (organization, book) = find(state, id).await?;
    let scope = book.address_book_id.suffix();
    let List { items, next_after } =
        resource::page(state, (&organization, scope), query, ContactId::PREFIX).await?;
    let items = items.into_iter().map(admin::Contact::new).collect();
    ok(&List { items, next_after })
}

pub(crate) static GET_CONTACT: AdminOperation = AdminOperation::new(
    "adminGetContact",
    Role::Viewer,
    describe("Get a contact").response::<admin::Contact>().errors(ITEM_ERRORS),
    |context| Box::pin(get_contact(context.state, context.id, context.second_id)),
);

async fn get_contact(state: &State, id: &str, contact: &str) -> Result<Reply, ApiError> {
    ok(&admin::Contact::new(find_contact(state, id, contact).await?.1))
}

pub(crate) static UPDATE_CONTACT: AdminOperation = AdminOperation::new(
    "adminUpdateContact",
    Role::Admin,
    describe("Replace a contact")
        .text("It keeps its id.")
        .request::<admin::Contact>()
        .response::<admin::Contact>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(update_contact(context)),
);

async fn update_contact(
    Context { state, origin, id, second_id, body, .. }: Context<'_>,
) -> Result<Reply, ApiError> {
    let (organization, before) = find_contact(state, id, second_id).await?;
    let contact = Contact { contact: parse_contact(body)?.into_card()?, ..before };
    let change = ResourceChange::Update(contact.clone().into());
    resource::change(state, &organization, change, origin, CONTACT).await?;
    ok(&admin::Contact::new(contact))
}

pub(crate) static DELETE_CONTACT: AdminOperation = AdminOperation::new(
    "adminDeleteContact",
    Role::Admin,
    describe("Delete a contact").successes(NO_CONTENT).errors(ITEM_ERRORS),
    |context| Box::pin(delete_contact(context.state, context.origin, context.id, context.second_id)),
);

async fn delete_contact(state: &State, origin: Origin, id: &str, contact: &str) -> Result<Reply, ApiError> {
    let (organization, contact) = find_contact(state, id, contact).await?;
    let change = ResourceChange::Delete(contact.into());
    resource::change(state, &organization, change, origin, CONTACT).await?;
    no_content()
}

/// A contact of an address book, and whose it is.
async fn find_contact(
    state: &State,
    book: &str,
    contact: &str,
) -> Result<(OrganizationId, Contact), ApiError> {
    let (organization, book) = find(state, book).await?;
    let contact: ContactId = contact.parse().map_err(|_| not_found(CONTACT))?;
    let scope = book.address_book_id.suffix();
    let found = find_resource(&*state.store, &organization, scope, contact.suffix()).await?;
    Ok((organization, found.ok_or_else(|| not_found(CONTACT))?))
}
