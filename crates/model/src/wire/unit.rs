//! The bodies of the operations on units: the tree of an organization's buildings, floors and rooms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{name_or_number, named};
use crate::json::{InvalidRequest, Json, Object};
use crate::{UnitId, limit, schema};

/// The name of a unit, as the API wraps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct UnitName {
    /// The kind of name: always plain text.
    #[serde(rename = "type")]
    pub kind: UnitNameType,
    /// The text, in an object of its own.
    pub value: UnitNameValue,
}

/// A kind of name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum UnitNameType {
    /// Plain text: the only kind there is.
    #[default]
    #[serde(rename = "PLAIN")]
    Plain,
}

/// The text of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct UnitNameValue {
    /// The name for people. In a request an integer is the text of its digits.
    #[schemars(transform = schema::requested_name)]
    pub text: String,
}

/// A unit to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("examples" = [{ "name": { "type": "PLAIN", "value": { "text": "Room 7201" } } }]))]
pub struct NewUnit {
    /// Its name.
    pub name: UnitName,
    /// The unit that it is a part of. Absent or null: the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("nullable" = true))]
    pub parent_id: Option<UnitId>,
}

/// What of a unit is to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(extend("examples" = [{ "name": { "type": "PLAIN", "value": { "text": "Room 7201" } } }]))]
pub struct UnitUpdate {
    /// The new name.
    pub name: UnitName,
}

/// A unit: as answered, stored and recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unit {
    /// Its id.
    pub id: UnitId,
    /// The unit that it is a part of; on the first level the organization.
    pub parent_id: UnitId,
    /// Its level in the tree; the organization is on level 0.
    #[schemars(range(min = 0, max = limit::UNIT_LEVELS))]
    pub level: u8,
    /// Its name.
    pub name: UnitName,
}

/// An item of a list of units: the unit, or its id alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum UnitListItem {
    /// With `expand=all`.
    Unit(Unit),
    /// Without it.
    Id {
        /// Its id.
        id: UnitId,
    },
}

impl UnitName {
    /// Plain text.
    #[must_use]
    pub const fn plain(text: String) -> Self {
        Self { kind: UnitNameType::Plain, value: UnitNameValue { text } }
    }

    fn from_object(object: &Object<'_>) -> Result<Self, InvalidRequest> {
        object.object("name", |wrapped| {
            if wrapped.text("type")? != "PLAIN" {
                return Err(InvalidRequest("type must be \"PLAIN\".".to_owned()));
            }
            wrapped.object("value", |value| name_or_number(value, "text", limit::NAME_CHARS)).map(Self::plain)
        })
    }
}

impl NewUnit {
    /// Reads the body of a create.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        let object = Object::parse(body)?;
        let parent_id = match object.get("parentId")? {
            None | Some(Json::Null) => None,
            Some(Json::Text(id)) => Some(UnitId::new(id).map_err(|error| named("parentId", &error))?),
            Some(other) => return Err(other.wrong_type("parentId", "a string")),
        };
        Ok(Self { name: UnitName::from_object(&object)?, parent_id })
    }
}

impl UnitUpdate {
    /// Reads the body of an update.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        Ok(Self { name: UnitName::from_object(&Object::parse(body)?)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_read_and_written() {
        let name = r#""name":{"type":"PLAIN","value":{"text":"Room 7201"}}"#;
        for (body, parent) in [
            (format!("{{{name}}}"), None),
            (format!(r#"{{{name},"parentId":null}}"#), None),
            (format!(r#"{{{name},"parentId":"amzn1.alexa.unit.did.floor"}}"#), Some("floor")),
        ] {
            let unit = NewUnit::parse(body.as_bytes()).unwrap();
            assert_eq!(unit.name.value.text, "Room 7201");
            assert_eq!(unit.parent_id.as_ref().map(UnitId::suffix), parent);
        }
        let text = format!(
            r#"{{"id":"amzn1.alexa.unit.did.u","parentId":"amzn1.alexa.unit.did.o","level":1,{name}}}"#
        );
        let unit: Unit = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&unit).unwrap(), text);
    }

    #[test]
    fn refusals_name_the_property_and_the_rule() {
        let refusal = |body: &str| NewUnit::parse(body.as_bytes()).unwrap_err().0;
        assert_eq!(refusal("{}"), "name is missing; it is required.");
        assert_eq!(refusal(r#"{"name":"x"}"#), "name is a string; an object is expected.");
        assert_eq!(refusal(r#"{"name":{"type":"SSML"}}"#), "name.type must be \"PLAIN\".");
        assert_eq!(
            refusal(r#"{"name":{"type":"PLAIN","value":{"text":""}}}"#),
            "name.value.text is 0 characters long; 1 to 256 are allowed."
        );
        assert_eq!(refusal(r#"{"parentId":7}"#), "parentId is a number; a string is expected.");
        assert_eq!(refusal(r#"{"parentId":"x"}"#), "parentId must begin with \"amzn1.alexa.unit.did.\".");
    }
}
