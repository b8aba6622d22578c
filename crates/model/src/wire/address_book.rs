//! The bodies of the operations on address books, and of their associations with units.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch::{ItemId, judge_alone};
use super::{name_or_number, named};
use crate::json::{InvalidRequest, Object};
use crate::{AddressBookId, UnitId, limit, schema};

/// An address book to create, or its new name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(extend("examples" = [{ "name": "Front desk" }]))]
pub struct NewAddressBook {
    /// Its name. An integer is the text of its digits.
    #[schemars(transform = schema::requested_book_name)]
    pub name: String,
}

/// An address book: as answered, stored and recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddressBook {
    /// Its id.
    pub address_book_id: AddressBookId,
    /// Its name.
    #[schemars(transform = schema::book_name)]
    pub name: String,
}

/// The id of a new address book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedAddressBook {
    /// Its id.
    pub address_book_id: AddressBookId,
}

/// A unit to associate with an address book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("examples" = [{ "unitId": "amzn1.alexa.unit.did.lobby" }]))]
pub struct NewUnitAssociation {
    /// The unit.
    pub unit_id: UnitId,
}

/// Units to associate with an address book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(extend("examples" = [{ "items": [{ "itemId": "1", "unitId": "amzn1.alexa.unit.did.lobby" }] }]))]
pub struct UnitAssociationBatch {
    /// The units.
    #[schemars(length(min = 1, max = limit::BATCH_ITEMS))]
    pub items: Vec<UnitAssociationBatchItem>,
}

/// An item of a batch, as a client writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline, transform = judge_alone)]
pub struct UnitAssociationBatchItem {
    /// The client's name for the item. One that stands in an earlier item is the error of this item alone.
    pub item_id: ItemId,
    /// The unit.
    pub unit_id: UnitId,
}

/// The association of an address book with a unit: as answered, stored and recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnitAssociation {
    /// The address book.
    pub address_book_id: AddressBookId,
    /// The unit whose devices have it.
    pub unit_id: UnitId,
}

impl NewAddressBook {
    /// Reads the body of a create or an update.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        Ok(Self { name: name_or_number(&Object::parse(body)?, "name", limit::BOOK_NAME_CHARS)? })
    }
}

impl NewUnitAssociation {
    /// Reads the body of a create.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        Self::from_object(&Object::parse(body)?)
    }

    /// Reads an item of a batch.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn from_object(object: &Object<'_>) -> Result<Self, InvalidRequest> {
        let unit_id = UnitId::new(object.text("unitId")?).map_err(|error| named("unitId", &error))?;
        Ok(Self { unit_id })
    }
}
