//! The bodies of the operations on communication profiles, one by one and in batches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch::{ItemId, judge_alone};
use super::{ErrorBody, name_or_number, named};
use crate::json::{InvalidRequest, Object};
use crate::{AmazonId, UnitId, limit, schema};

/// What a communication profile speaks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// The kind of entity: always a unit.
    #[serde(rename = "type")]
    pub kind: EntityType,
    /// The unit.
    pub id: UnitId,
}

/// A kind of entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum EntityType {
    /// A unit of a smart property: the only kind there is.
    #[default]
    #[serde(rename = "UNIT")]
    Unit,
}

/// A communication profile to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(
    rename = "NewUnitProfile",
    extend("examples" = [{ "entity": { "type": "UNIT", "id": "amzn1.alexa.unit.did.lobby" }, "name": "Lobby" }])
)]
pub struct NewProfile {
    /// What it speaks for.
    pub entity: Entity,
    /// A name for people. Absent: a profile that is there keeps its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::requested_name)]
    pub name: Option<String>,
}

/// What of a communication profile is to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "UnitProfileUpdate", extend("examples" = [{ "name": "Lobby" }]))]
pub struct ProfileUpdate {
    /// The new name.
    #[schemars(transform = schema::requested_name)]
    pub name: String,
}

/// A communication profile, as answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "UnitProfile")]
pub struct Profile {
    /// What it speaks for.
    pub entity: Entity,
    /// Its id, in an object of its own.
    pub profile_id: ProfileId,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::name)]
    pub name: Option<String>,
}

/// The id of a profile, wrapped as the API wraps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ProfileId {
    /// The id: the `amazonId` of associations.
    pub profile_id: AmazonId,
}

/// Communication profiles to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(
    rename = "ProfileBatch",
    extend("examples" = [{ "items": [{
        "itemId": "1",
        "entity": { "type": "UNIT", "id": "amzn1.alexa.unit.did.lobby" },
        "name": "Lobby",
    }] }])
)]
pub struct BatchRequest {
    /// The profiles to create.
    #[schemars(length(min = 1, max = limit::BATCH_ITEMS))]
    pub items: Vec<NewBatchItem>,
}

/// An item of a batch, as a client writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline, transform = judge_alone)]
pub struct NewBatchItem {
    /// The client's name for the item. One that stands in an earlier item is the error of this item alone.
    pub item_id: ItemId,
    /// The profile to create.
    #[serde(flatten)]
    pub profile: NewProfile,
}

/// The answer to a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ProfileBatchAnswer")]
pub struct BatchAnswer {
    /// One result an item, in their order.
    #[schemars(length(min = 1, max = limit::BATCH_ITEMS))]
    pub items: Vec<BatchResult>,
}

/// What became of an item: a profile or an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct BatchResult {
    /// The client's name for the item, as it came.
    pub item_id: ItemId,
    /// The status that a create of this item alone would have had: 201, or that of the error.
    #[schemars(with = "i64")]
    pub status: u16,
    /// The profile, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Profile>,
    /// The error otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

impl Entity {
    /// A unit.
    #[must_use]
    pub const fn unit(id: UnitId) -> Self {
        Self { kind: EntityType::Unit, id }
    }

    /// Reads an entity from its two properties, `type` and `id`.
    ///
    /// # Errors
    /// [`InvalidRequest`] beginning with the name of the property.
    pub fn parse(kind: &str, id: &str) -> Result<Self, InvalidRequest> {
        if kind != "UNIT" {
            return Err(InvalidRequest("type must be \"UNIT\".".to_owned()));
        }
        UnitId::new(id).map(Self::unit).map_err(|error| named("id", &error))
    }
}

impl Profile {
    /// A profile.
    #[must_use]
    pub const fn new(unit: UnitId, id: AmazonId, name: Option<String>) -> Self {
        Self { entity: Entity::unit(unit), profile_id: ProfileId { profile_id: id }, name }
    }
}

impl NewProfile {
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
        let entity =
            object.object("entity", |entity| Entity::parse(entity.text("type")?, entity.text("id")?))?;
        let name = object.get("name")?.map(|_| profile_name(object)).transpose()?;
        Ok(Self { entity, name })
    }
}

impl ProfileUpdate {
    /// Reads the body of an update.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        Ok(Self { name: profile_name(&Object::parse(body)?)? })
    }
}

/// A number is as good as its digits: rooms have numbers.
fn profile_name(object: &Object<'_>) -> Result<String, InvalidRequest> {
    name_or_number(object, "name", limit::NAME_CHARS)
}

#[cfg(test)]
mod tests {
    use super::super::BatchItem;
    use super::*;

    const ENTITY: &str = r#""entity":{"type":"UNIT","id":"amzn1.alexa.unit.did.lobby"}"#;

    fn refusal(body: &str) -> String {
        NewProfile::parse(body.as_bytes()).unwrap_err().0
    }

    fn batch(items: &str) -> Result<Vec<BatchItem<NewProfile>>, String> {
        BatchItem::parse_all(format!(r#"{{"items":{items}}}"#).as_bytes(), NewProfile::from_object)
            .map_err(|error| error.0)
    }

    #[test]
    fn a_profile_is_read_and_written() {
        for body in [format!("{{{ENTITY}}}"), format!(r#"{{{ENTITY},"name":"Lobby"}}"#)] {
            let profile = NewProfile::parse(body.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&profile).unwrap(), body);
        }
        let profile = Profile::new(
            UnitId::new("amzn1.alexa.unit.did.lobby").unwrap(),
            AmazonId::new("amzn1.alexa.communications.profile.did.1").unwrap(),
            None,
        );
        let text = serde_json::to_string(&profile).unwrap();
        let id = r#""profileId":{"profileId":"amzn1.alexa.communications.profile.did.1"}"#;
        assert_eq!(text, format!("{{{ENTITY},{id}}}"));
        assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile);
    }

    #[test]
    fn a_name_may_be_a_number() {
        let profile = NewProfile::parse(format!(r#"{{{ENTITY},"name":101}}"#).as_bytes()).unwrap();
        assert_eq!(profile.name.as_deref(), Some("101"));
        assert_eq!(ProfileUpdate::parse(br#"{"name":101}"#).unwrap().name, "101");
        let refusal = refusal(&format!(r#"{{{ENTITY},"name":1.5}}"#));
        assert_eq!(refusal, "name is a number; a string is expected.");
    }

    #[test]
    fn refusals_name_the_property_and_the_rule() {
        assert_eq!(refusal("{}"), "entity is missing; it is required.");
        assert_eq!(refusal(r#"{"entity":null}"#), "entity is null; an object is expected.");
        assert_eq!(refusal(r#"{"entity":{"id":"x"}}"#), "entity.type is missing; it is required.");
        assert_eq!(refusal(r#"{"entity":{"type":"ROOM","id":"x"}}"#), "entity.type must be \"UNIT\".");
        assert_eq!(
            refusal(r#"{"entity":{"type":"UNIT","id":"x"}}"#),
            "entity.id must begin with \"amzn1.alexa.unit.did.\"."
        );
        assert_eq!(
            refusal(&format!(r#"{{{ENTITY},"name":""}}"#)),
            "name is 0 characters long; 1 to 256 are allowed."
        );
        assert_eq!(refusal(&format!(r#"{{{ENTITY},"name":null}}"#)), "name is null; a string is expected.");
        assert_eq!(ProfileUpdate::parse(b"{}").unwrap_err().0, "name is missing; it is required.");
    }

    #[test]
    fn a_bad_item_spoils_itself_alone() {
        let items = batch(&format!(r#"[{{"itemId":"a",{ENTITY}}},{{"itemId":"b"}}]"#)).unwrap();
        assert_eq!(
            items.iter().map(|item| item.item_id.clone()).collect::<Vec<_>>(),
            [ItemId::from("a"), ItemId::from("b")]
        );
        assert!(items[0].value.is_ok());
        assert_eq!(items[1].value.as_ref().unwrap_err().0, "entity is missing; it is required.");
        let items = batch(&format!(r#"[{{"itemId":"a",{ENTITY}}},{{"itemId":"a",{ENTITY}}}]"#)).unwrap();
        assert!(items[0].value.is_ok());
        let refusal = &items[1].value.as_ref().unwrap_err().0;
        assert_eq!(refusal, "itemId stands in an earlier item; each item has its own.");
    }

    #[test]
    fn an_item_is_named_by_a_text_or_a_number() {
        let items =
            batch(&format!(r#"[{{"itemId":1,{ENTITY}}},{{"itemId":"1",{ENTITY}}},{{"itemId":1,{ENTITY}}}]"#));
        let items = items.unwrap();
        let ids: Vec<String> =
            items.iter().map(|item| serde_json::to_string(&item.item_id).unwrap()).collect();
        assert_eq!(ids, ["1", "\"1\"", "1"]);
        assert!(items[0].value.is_ok() && items[1].value.is_ok() && items[2].value.is_err());
    }

    #[test]
    fn a_batch_whose_items_cannot_be_named_is_refused() {
        let refused = |items: &str| batch(items).unwrap_err();
        assert_eq!(refused("7"), "items is a number; an array is expected.");
        assert_eq!(refused("[]"), "items holds 0 items; 1 to 100 are allowed.");
        assert_eq!(refused("[7]"), "items[0] is a number; an object is expected.");
        assert_eq!(refused("[{}]"), "items[0].itemId is missing; it is required.");
        assert_eq!(
            refused(r#"[{"itemId":1.5}]"#),
            "items[0].itemId is a number; a string or an integer of 64 bits is expected."
        );
        assert_eq!(refused(r#"[{"itemId":true}]"#), "items[0].itemId is a boolean; a string is expected.");
    }

    #[test]
    fn the_number_of_items_is_bounded() {
        let of = |count: usize| {
            let items: Vec<String> = (0..count).map(|number| format!(r#"{{"itemId":"{number}"}}"#)).collect();
            batch(&format!("[{}]", items.join(",")))
        };
        for count in [1, limit::BATCH_ITEMS - 1, limit::BATCH_ITEMS] {
            assert_eq!(of(count).unwrap().len(), count);
        }
        assert_eq!(of(limit::BATCH_ITEMS + 1).unwrap_err(), "items holds 101 items; 1 to 100 are allowed.");
    }

    #[test]
    fn a_batch_travels() {
        let profile = NewProfile::parse(format!(r#"{{{ENTITY},"name":"a"}}"#).as_bytes()).unwrap();
        let request =
            BatchRequest { items: vec![NewBatchItem { item_id: "a".into(), profile: profile.clone() }] };
        let read =
            BatchItem::parse_all(&serde_json::to_vec(&request).unwrap(), NewProfile::from_object).unwrap();
        assert_eq!(read, [BatchItem { item_id: "a".into(), value: Ok(profile) }]);
    }
}
