//! …/unitAssociations: which units have which address books.

use http::StatusCode;
use jackfield_model::UnitId;
use jackfield_model::wire::{
    AddressBook, BatchItem, ItemResults, ListAnswer, NewUnitAssociation, Unit, UnitAssociation,
    UnitAssociationBatch,
};
use jackfield_store::resource::{Kind, Refusal, ResourceChange, Table};
use schemars::JsonSchema;

use super::BearerOperation;
use super::resource::{BATCH_DONE, Page, PageQuery, batch, optional_parameter, required_parameter};
use crate::auth::{Directory, Held, OfDirectory, OfHeld};
use crate::description::{Description, Status, Tag};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

/// Operations on the associations of the address book of the path.
type BookOperation = BearerOperation<OfHeld<AddressBook>>;

const fn describe(summary: &'static str) -> Description {
    super::resource::describe(Tag::AddressBooks, summary)
}

const NOT_FOUND: Status = (404, "No such address book or unit.");
const KIND: &str = "association with a unit";

pub(crate) static CREATE: BookOperation = BearerOperation::new(
    Operation::for_clients(
        "createUnitAssociation",
        "create_unit_association",
        describe("Associate an address book with a unit")
            .text("One that is there already stays: the answer is the same.")
            .request::<NewUnitAssociation>()
            .successes(&[(201, "The unit has the address book.")])
            .response::<UnitAssociation>()
            .errors(&[NOT_FOUND]),
    ),
    Group::Profiles,
    |context| Box::pin(async move { create(context.handle, &context.body).await }),
);

async fn create(Held { directory, object }: Held<'_, AddressBook>, body: &[u8]) -> Result<Reply, ApiError> {
    let NewUnitAssociation { unit_id } = NewUnitAssociation::parse(body)?;
    let unit = directory.held::<Unit>(unit_id.as_str()).await?;
    let association = UnitAssociation { address_book_id: object.address_book_id, unit_id: unit.id };
    match directory.change_one(ResourceChange::Create(association.clone().into())).await? {
        Ok(()) | Err(Refusal::Exists) => Ok(response::json(StatusCode::CREATED, &association)),
        Err(refused) => Err(ApiError::of_resource(refused, KIND)),
    }
}

pub(crate) static BATCH: BookOperation = BearerOperation::new(
    Operation::for_clients(
        "createUnitAssociations",
        "create_unit_associations",
        describe("Associate an address book with many units")
            .text(
                "Associates it with 1 to 100 units in one commit. Each item is decided as if it came alone; a bad one \
             spoils itself alone.",
            )
            .request::<UnitAssociationBatch>()
            .successes(BATCH_DONE)
            .response::<ItemResults<UnitAssociation>>()
            .errors(&[NOT_FOUND]),
    )
    .with_large_answer(),
    Group::Profiles,
    |context| Box::pin(async move { create_all(context.handle, &context.body).await }),
);

async fn create_all(
    Held { directory, object }: Held<'_, AddressBook>,
    body: &[u8],
) -> Result<Reply, ApiError> {
    let items = BatchItem::parse_all(body, NewUnitAssociation::from_object)?;
    let to_association = |new: NewUnitAssociation| UnitAssociation {
        address_book_id: object.address_book_id.clone(),
        unit_id: new.unit_id,
    };
    let items = items
        .into_iter()
        .map(|BatchItem { item_id, value }| BatchItem { item_id, value: value.map(to_association) });
    let to_change = |association: &UnitAssociation| ResourceChange::Create(association.clone().into());
    batch(&directory, items.collect(), KIND, to_change, |association| association).await
}

/// Which associations of an address book.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct OfBookQuery {
    /// That with this unit alone.
    unit_id: Option<UnitId>,
    #[schemars(flatten)]
    page: PageQuery,
}

pub(crate) static LIST: BookOperation = BearerOperation::new(
    Operation::for_clients(
        "listUnitAssociations",
        "list_unit_associations",
        describe("List the units of an address book")
            .text("Sorted by unit.")
            .query::<OfBookQuery>()
            .response::<ListAnswer<UnitAssociation>>()
            .errors(&[NOT_FOUND]),
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
    let page = Page::parse(query_string, vec!["units of", book])?;
    let found = match optional_parameter(query_string, "unitId")? {
        Some(unit) => {
            let unit = directory.held::<Unit>(&unit).await?;
            let found = directory.find::<UnitAssociation>(book, unit.id.suffix()).await?;
            found.into_iter().collect()
        }
        None => {
            let after = page.place(&directory).await?;
            directory.list::<UnitAssociation>(book, &after, page.limit + 1).await?
        }
    };
    Ok(page.answer_first(&directory, found, Kind::id, |association| association))
}

/// Which unit.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct OfUnitQuery {
    /// The unit.
    unit_id: UnitId,
    #[schemars(flatten)]
    page: PageQuery,
}

pub(crate) static LIST_OF_UNIT: BearerOperation<OfDirectory> = BearerOperation::new(
    Operation::for_clients(
        "listAddressBooksOfUnit",
        "list_unit_associations",
        describe("List the address books of a unit")
            .text("Sorted by address book.")
            .query::<OfUnitQuery>()
            .response::<ListAnswer<UnitAssociation>>()
            .errors(&[(404, "No such unit.")]),
    )
    .with_large_answer(),
    Group::Profiles,
    |context| Box::pin(list_of_unit(context.handle, context.query_string)),
);

async fn list_of_unit(directory: Directory<'_>, query_string: Option<&str>) -> Result<Reply, ApiError> {
    let unit = directory.held::<Unit>(&required_parameter(query_string, "unitId")?).await?;
    let id = unit.id.suffix();
    let page = Page::parse(query_string, vec!["address books of", id])?;
    let after = page.place(&directory).await?;
    let books = directory.list_ids(Table::BookOfUnit, id, &after, page.limit + 1).await?;
    let places = books.into_iter().map(|book| (book, id.to_owned()));
    let found = directory.find_all::<UnitAssociation>(places).await?;
    let place = |association: &UnitAssociation| association.scope().to_owned();
    Ok(page.answer_first(&directory, found, place, |association| association))
}

/// Which association.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct UnitQuery {
    /// The unit.
    unit_id: UnitId,
}

pub(crate) static DELETE: BookOperation = BearerOperation::new(
    Operation::for_clients(
        "deleteUnitAssociation",
        "delete_unit_association",
        describe("Take an address book from a unit").query::<UnitQuery>().errors(&[NOT_FOUND]),
    ),
    Group::Profiles,
    |context| Box::pin(delete(context.handle, context.query_string)),
);

async fn delete(
    Held { directory, object }: Held<'_, AddressBook>,
    query_string: Option<&str>,
) -> Result<Reply, ApiError> {
    let unit = directory.held::<Unit>(&required_parameter(query_string, "unitId")?).await?;
    let association = UnitAssociation { address_book_id: object.address_book_id, unit_id: unit.id };
    let removed = directory.change_one(ResourceChange::Delete(association.into())).await?;
    removed.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    Ok(response::empty(StatusCode::OK))
}
