//! The bodies of the public API: of the four operations on associations here, of the others in files of their own.
//!
//! Requests are read with `parse`, which answers with a value that needs no further check or with the message of
//! the 400. The same types serialize, for the client.

mod address_book;
mod batch;
mod contact;
mod external_user_id;
mod list;
mod network;
mod plain;
mod profile;
mod query;
mod reciprocal;
mod service_provider;
mod skill;
mod unit;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::{InvalidRequest, Json, Object};
use crate::note::{Note, Reading};
use crate::{AmazonId, ExternalUserId, InvalidId, limit};

pub use address_book::{
    AddressBook, CreatedAddressBook, NewAddressBook, NewUnitAssociation, UnitAssociation,
    UnitAssociationBatch, UnitAssociationBatchItem,
};
pub use batch::{BatchItem, ItemId, ItemResult, ItemResults};
pub use contact::{
    Contact, ContactAnswer, ContactBatch, ContactBatchItem, ContactCard, ContactTarget, CreatedContact,
    NewContact, NumberEntry, PhoneNumber, ProviderContact,
};
pub use external_user_id::ExternalUserIdInRequest;
pub use list::{ListAnswer, NextPage};
pub use network::{Network, NetworkType, SkillConfiguration};
pub use profile::{
    BatchAnswer, BatchRequest, BatchResult, Entity, EntityType, NewBatchItem, NewProfile, Profile, ProfileId,
    ProfileUpdate,
};
pub use query::{LAST_PAGE_TOKEN, PaginationContext, QueryRequest, QueryResponse};
pub use reciprocal::{
    AssociationStatus, ContactReference, ContactSetting, NewReciprocalAssociation, ReciprocalAssociation,
    ReciprocalStatus, SettingName, SettingOfContact, SettingValue, Switch,
};
pub use service_provider::{
    DEFAULT_LOCALE, DisplayName, NewServiceProvider, ServiceProvider, ServiceProviderUpdate,
};
pub use skill::Skill;
pub use unit::{NewUnit, Unit, UnitListItem, UnitName, UnitNameType, UnitNameValue, UnitUpdate};

/// The only value of `amazonIdType`.
pub const AMAZON_ID_TYPE: &str = "communication-profile";

/// An account association: which communication profile answers for which endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// The endpoint of the provider's network.
    pub external_user_id: ExternalUserId,
    /// The communication profile that answers for it.
    pub amazon_id: AmazonId,
    /// Always `communication-profile`.
    pub amazon_id_type: AmazonIdType,
}

/// The body of a create or an update, for the API description. It is read as an [`Association`].
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "camelCase", description = "An association to create or to update.")]
pub struct AssociationRequest {
    /// The endpoint of the provider's network.
    pub external_user_id: ExternalUserIdInRequest,
    /// The communication profile that answers for it.
    pub amazon_id: AmazonId,
    /// Always `communication-profile`.
    pub amazon_id_type: AmazonIdType,
}

/// The constant `communication-profile`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum AmazonIdType {
    /// A communication profile: the only type there is.
    #[default]
    #[serde(rename = "communication-profile")]
    CommunicationProfile,
}

/// Which association to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeleteRequest {
    /// The endpoint whose association goes.
    #[schemars(with = "ExternalUserIdInRequest")]
    pub external_user_id: ExternalUserId,
}

/// The body of every answer with a status of 400 or more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Error", extend("closed" = true))]
pub struct ErrorBody {
    /// The kind of error, for programs.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = [
        "BAD_REQUEST",
        "UNAUTHORIZED",
        "FORBIDDEN",
        "NOT_FOUND",
        "METHOD_NOT_ALLOWED",
        "CONFLICT",
        "TOO_MANY_REQUESTS",
        "INTERNAL_ERROR",
        "SERVICE_UNAVAILABLE",
    ]))]
    pub kind: String,
    /// What went wrong and what would be right, for people who debug. No program may depend on it.
    pub message: String,
}

impl Association {
    /// The association of an endpoint with a profile.
    #[must_use]
    pub const fn new(external_user_id: ExternalUserId, amazon_id: AmazonId) -> Self {
        Self { external_user_id, amazon_id, amazon_id_type: AmazonIdType::CommunicationProfile }
    }

    /// Reads the body of a create. A query body sent here, which a published client does, gets a hint.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse_create(body: &[u8], reading: &mut Reading) -> Result<Self, InvalidRequest> {
        plain::association(body).map_or_else(|| Self::parse_any_create(body, reading), Ok)
    }

    fn parse_any_create(body: &[u8], reading: &mut Reading) -> Result<Self, InvalidRequest> {
        let object = Object::parse(body)?;
        // `filters` is unknown here, so that nothing is wrong with it where the rest is right.
        if object.get("externalUserId")?.is_none() && !matches!(object.get("filters"), Ok(None)) {
            return Err(InvalidRequest(
                "filters belongs to a query, which is a POST to …/externalUsers/query; \
                 externalUserId is missing for a create."
                    .to_owned(),
            ));
        }
        Self::from_object(&object, reading)
    }

    /// Reads the body of an update.
    ///
    /// # Errors
    /// [`InvalidRequest`] naming the property and the rule.
    pub fn parse_update(body: &[u8], reading: &mut Reading) -> Result<Self, InvalidRequest> {
        plain::association(body).map_or_else(|| Self::parse_any_update(body, reading), Ok)
    }

    fn parse_any_update(body: &[u8], reading: &mut Reading) -> Result<Self, InvalidRequest> {
        Self::from_object(&Object::parse(body)?, reading)
    }

    fn from_object(object: &Object<'_>, reading: &mut Reading) -> Result<Self, InvalidRequest> {
        let external_user_id = external_user_id(object, reading)?;
        let amazon_id = AmazonId::new(object.text("amazonId")?).map_err(|e| named("amazonId", &e))?;
        let amazon_id_type = object.text("amazonIdType")?;
        if amazon_id_type != AMAZON_ID_TYPE {
            return Err(InvalidRequest(format!("amazonIdType must be \"{AMAZON_ID_TYPE}\".")));
        }
        ignore_others(object, &["externalUserId", "amazonId", "amazonIdType"], reading);
        Ok(Self::new(external_user_id, amazon_id))
    }
}

impl DeleteRequest {
    /// Reads a delete from its body, its `externalUserId` query parameter, or both when they are the same.
    ///
    /// # Errors
    /// [`InvalidRequest`] when neither names a valid id, or they differ.
    pub fn parse(
        body: &[u8],
        parameter: Option<&str>,
        reading: &mut Reading,
    ) -> Result<Self, InvalidRequest> {
        let read = |text| ExternalUserId::new(text).map_err(|error| named("externalUserId", &error));
        let from_parameter = parameter.map(read).transpose()?;
        if from_parameter.is_some() {
            reading.note(Note::DeleteQuery);
        }
        if body.is_empty()
            && let Some(external_user_id) = from_parameter
        {
            return Ok(Self { external_user_id });
        }
        let object = Object::parse(body)?;
        let external_user_id = external_user_id(&object, reading)?;
        ignore_others(&object, &["externalUserId"], reading);
        if from_parameter.is_some_and(|other| other != external_user_id) {
            return Err(InvalidRequest(
                "externalUserId in the body and in the query string differ; one of them is enough."
                    .to_owned(),
            ));
        }
        Ok(Self { external_user_id })
    }
}

/// The required property `externalUserId`.
fn external_user_id(object: &Object<'_>, reading: &mut Reading) -> Result<ExternalUserId, InvalidRequest> {
    const NAME: &str = "externalUserId";
    match object.get(NAME)? {
        None => Err(InvalidRequest(format!("{NAME} is missing; it is required."))),
        Some(value) => external_user_id::read(value, reading, || NAME.to_owned()),
    }
}

/// Ignores what an operation does not know. Which properties that were is nobody's business: they may be anything.
fn ignore_others(object: &Object<'_>, known: &[&str], reading: &mut Reading) {
    if object.has_besides(known) {
        reading.note(Note::UnknownProperties);
    }
}

fn named(property: &str, error: &InvalidId) -> InvalidRequest {
    InvalidRequest(format!("{property} {error}."))
}

/// A required text that is a name: 1 to [`limit::NAME_CHARS`] characters, none of them a control character.
fn name(object: &Object<'_>, property: &str) -> Result<String, InvalidRequest> {
    text_of(object, property, limit::NAME_CHARS)
}

/// A required name that may be an integer, as the vendor's client sends names that look like one. It is the text of its
/// digits.
fn name_or_number(object: &Object<'_>, property: &str, most: usize) -> Result<String, InvalidRequest> {
    match object.get(property)? {
        Some(Json::Integer(number)) => Ok(number.to_string()),
        _ => text_of(object, property, most),
    }
}

/// A required text of 1 to so many characters, none of them a control character.
fn text_of(object: &Object<'_>, property: &str, most: usize) -> Result<String, InvalidRequest> {
    let text = object.text(property)?;
    let count = text.chars().count();
    if !(1..=most).contains(&count) {
        return Err(InvalidRequest(format!(
            "{property} is {count} characters long; 1 to {most} are allowed."
        )));
    }
    if let Some(at) = text.chars().position(char::is_control) {
        return Err(InvalidRequest(format!(
            "{property} holds a control character (at character {}).",
            at + 1
        )));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod plain_tests;
#[cfg(test)]
mod tests;
