//! Batches: items that are each decided as if alone, and what became of each.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ErrorBody, name};
use crate::json::{InvalidRequest, Json, Object};
use crate::{limit, schema};

/// A client's name for an item of a batch, answered as it came: `1` and `"1"` are two names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum ItemId {
    /// A text like a name.
    Text(#[schemars(transform = schema::name)] String),
    /// An integer: the vendor's request collection numbers its items.
    Number(#[schemars(range(min = i64::MIN, max = i64::MAX))] i64),
}

/// An item of a batch, as the server reads it: a bad one spoils itself alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchItem<T> {
    /// The client's name for the item.
    pub item_id: ItemId,
    /// What the item asks for, or why it cannot be.
    pub value: Result<T, InvalidRequest>,
}

/// The results of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Results")]
pub struct ItemResults<T> {
    /// One result an item, in their order.
    #[schemars(length(min = 1, max = limit::BATCH_ITEMS))]
    pub items: Vec<ItemResult<T>>,
}

/// What became of an item: a result or an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ItemResult<T> {
    /// The client's name for the item, as it came.
    pub item_id: ItemId,
    /// The status that a create of this item alone would have had: 201, or that of the error.
    #[schemars(with = "i64")]
    pub status: u16,
    /// The result, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<T>,
    /// The error otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// What the server reads of an item besides its name may be anything: a bad item is answered in its place.
pub(super) fn judge_alone(schema: &mut Schema) {
    schema.remove("examples");
    schema.insert("required".to_owned(), json!(["itemId"]));
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    for (_, property) in properties.iter_mut().filter(|(name, _)| *name != "itemId") {
        if let Value::Object(property) = property {
            schema::forbid_null(property);
        }
        *property =
            json!({ "anyOf": [property, {}], "description": "Not valid: the error of this item alone." });
    }
}

impl<T> BatchItem<T> {
    /// Reads the body of a batch. How many items there are and that each has an id must be right. Anything else that is
    /// wrong with an item, an id that an earlier one has included, is part of that item.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse_all(
        body: &[u8],
        read: impl Fn(&Object<'_>) -> Result<T, InvalidRequest>,
    ) -> Result<Vec<Self>, InvalidRequest> {
        let object = Object::parse(body)?;
        let values = object.array("items")?;
        if !(1..=limit::BATCH_ITEMS).contains(&values.len()) {
            return Err(InvalidRequest(format!(
                "items holds {} items; 1 to {} are allowed.",
                values.len(),
                limit::BATCH_ITEMS
            )));
        }
        let mut items: Vec<Self> = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let mut item = value.object(&format!("items[{index}]"), |object| {
                Ok(Self { item_id: item_id(object)?, value: read(object) })
            })?;
            if items.iter().any(|other| other.item_id == item.item_id) {
                let refusal = "itemId stands in an earlier item; each item has its own.";
                item.value = Err(InvalidRequest(refusal.to_owned()));
            }
            items.push(item);
        }
        Ok(items)
    }
}

fn item_id(object: &Object<'_>) -> Result<ItemId, InvalidRequest> {
    match object.get("itemId")? {
        Some(Json::Integer(number)) => Ok(ItemId::Number(*number)),
        Some(other @ Json::Number(_)) => Err(other.wrong_type("itemId", "a string or an integer of 64 bits")),
        _ => name(object, "itemId").map(ItemId::Text),
    }
}

impl From<&str> for ItemId {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
