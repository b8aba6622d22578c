//! The bodies of what a communication profile has with others: reciprocal associations, and the settings of contacts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::named;
use crate::json::{InvalidRequest, Object};
use crate::{AmazonId, ContactId};

/// A contact to associate a profile with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(extend("examples" = [{ "contact": { "id": "amzn1.alexa.contacts.did.lobby" } }]))]
pub struct NewReciprocalAssociation {
    /// The contact, in an object of its own.
    pub contact: ContactReference,
}

/// A contact, by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ContactReference {
    /// The contact's id.
    pub id: ContactId,
}

/// A reciprocal association: as stored and recorded. The profile and the person of the contact know each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReciprocalAssociation {
    /// The profile.
    pub profile_id: AmazonId,
    /// The contact.
    pub contact_id: ContactId,
}

/// Whether a profile is associated with a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReciprocalStatus {
    /// The status.
    pub status: AssociationStatus,
}

/// A status of an association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum AssociationStatus {
    /// It is there.
    Associated,
    /// It is not there.
    NotAssociated,
}

/// What a profile can decide of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum SettingName {
    /// Whether the contact may drop in.
    DropIn,
    /// Whether calls of the contact are blocked.
    Block,
}

impl SettingName {
    /// The name as it stands in paths.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DropIn => "DropIn",
            Self::Block => "Block",
        }
    }
}

/// The value of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("examples" = [{ "value": "ENABLED" }]))]
pub struct SettingValue {
    /// On or off.
    pub value: Switch,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(inline)]
pub enum Switch {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

/// What a profile decided of another: as stored and recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactSetting {
    /// The profile that decides.
    pub profile_id: AmazonId,
    /// The profile that it is about.
    pub alexa_communication_profile_id: AmazonId,
    /// What is decided.
    pub setting: SettingName,
    /// How.
    pub value: Switch,
}

/// A profile of whose calls a setting is on: an item of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SettingOfContact {
    /// The profile that the setting is about.
    pub alexa_communication_profile_id: AmazonId,
    /// On or off.
    pub value: Switch,
}

impl NewReciprocalAssociation {
    /// Reads the body of a create.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        let id = Object::parse(body)?.object("contact", |contact| {
            ContactId::new(contact.text("id")?).map_err(|error| named("id", &error))
        })?;
        Ok(Self { contact: ContactReference { id } })
    }
}

impl SettingValue {
    /// Reads the body of an update.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        let value = match Object::parse(body)?.text("value")? {
            "ENABLED" => Switch::Enabled,
            "DISABLED" => Switch::Disabled,
            _ => return Err(InvalidRequest("value must be \"ENABLED\" or \"DISABLED\".".to_owned())),
        };
        Ok(Self { value })
    }
}
