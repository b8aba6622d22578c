//! The bodies of the operations on contacts: whom a device can call by name.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::batch::{ItemId, judge_alone};
use super::{name_or_number, named};
use crate::json::{InvalidRequest, Json, Object};
use crate::{AddressBookId, AmazonId, ContactId, ExternalUserId, limit, schema};

/// A telephone number in the form of E.164, of the United States, Canada or the United Kingdom.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, with = "String", extend("pattern" = r"^\+(1[0-9]{10}|44[0-9]{9,10})$"))]
pub struct PhoneNumber(Box<str>);

impl PhoneNumber {
    /// Checks a number.
    ///
    /// # Errors
    /// The rule that it breaks, as the end of a sentence.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let digits = |rest: &str, count: std::ops::RangeInclusive<usize>| {
            count.contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit())
        };
        let good = text.strip_prefix("+44").is_some_and(|rest| digits(rest, 9..=10))
            || text.strip_prefix("+1").is_some_and(|rest| digits(rest, 10..=10));
        if good {
            return Ok(Self(text.into()));
        }
        Err("must be a number of the US, Canada or the UK in the form of E.164, for example \"+12065550100\"")
    }

    /// The number as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0.into_string()
    }
}

/// A telephone number, as the API wraps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct NumberEntry {
    /// The number.
    pub number: PhoneNumber,
}

/// An endpoint of a service provider's network, as a contact names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ProviderContact {
    /// The `externalUserId` of the endpoint. It need not have an association: like a telephone number it is dialled as it
    /// is.
    #[schemars(with = "super::ExternalUserIdInRequest")]
    pub id: ExternalUserId,
}

/// Who a contact is: one of three kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContactTarget {
    /// A communication profile of the organization.
    AlexaCommunicationProfileId(AmazonId),
    /// A person who is reached by telephone.
    PhoneNumbers(Vec<NumberEntry>),
    /// An endpoint of a service provider's network.
    ProviderContact(ProviderContact),
}

/// A contact without its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCard {
    /// The name that a device listens for.
    pub name: String,
    /// Who it is.
    #[serde(flatten)]
    pub target: ContactTarget,
}

/// The wire form of a card, for the API description.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a card may have")]
struct CardProperties {
    /// The name that a device listens for. In a request an integer is the text of its digits.
    #[schemars(transform = schema::requested_book_name)]
    name: String,
    /// A communication profile of the organization.
    #[schemars(extend("nullable" = true))]
    alexa_communication_profile_id: Option<AmazonId>,
    /// A person who is reached by telephone.
    #[schemars(length(min = 1, max = limit::CONTACT_NUMBERS), extend("nullable" = true))]
    phone_numbers: Option<Vec<NumberEntry>>,
    /// An endpoint of a service provider's network.
    #[schemars(extend("nullable" = true))]
    provider_contact: Option<ProviderContact>,
}

impl JsonSchema for ContactCard {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ContactCard".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut card = CardProperties::json_schema(generator);
        let is = |name: &str, schema: serde_json::Value| json_schema!({ "required": [name], "properties": { (name): schema } });
        let kinds = [
            is("alexaCommunicationProfileId", serde_json::json!({ "type": "string" })),
            is("phoneNumbers", serde_json::json!({ "type": "array" })),
            is("providerContact", serde_json::json!({ "type": "object" })),
        ];
        card.insert("oneOf".to_owned(), serde_json::json!(kinds));
        card.insert(
            "description".to_owned(),
            "A contact: a name and exactly one of the three kinds. Null is as good as absent.".into(),
        );
        card
    }
}

/// A contact to create, or what takes the place of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(extend("examples" = [{
    "contact": { "name": "Front desk", "phoneNumbers": [{ "number": "+12065550100" }] },
}]))]
pub struct NewContact {
    /// The contact.
    pub contact: ContactCard,
}

/// Contacts to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(extend("examples" = [{ "items": [{
    "itemId": "1",
    "contact": { "name": "Front desk", "providerContact": { "id": "7201" } },
}] }]))]
pub struct ContactBatch {
    /// The contacts to create.
    #[schemars(length(min = 1, max = limit::BATCH_ITEMS))]
    pub items: Vec<ContactBatchItem>,
}

/// An item of a batch, as a client writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline, transform = judge_alone)]
pub struct ContactBatchItem {
    /// The client's name for the item. One that stands in an earlier item is the error of this item alone.
    pub item_id: ItemId,
    /// The contact to create.
    pub contact: ContactCard,
}

/// A contact: as answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContactAnswer {
    /// Its id.
    pub contact_id: ContactId,
    /// The contact.
    pub contact: ContactCard,
}

/// The id of a new contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedContact {
    /// Its id.
    pub contact_id: ContactId,
}

/// A contact: as stored and recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// The address book that it stands in.
    pub address_book_id: AddressBookId,
    /// Its id.
    pub contact_id: ContactId,
    /// The contact.
    pub contact: ContactCard,
}

impl From<Contact> for ContactAnswer {
    fn from(Contact { contact_id, contact, .. }: Contact) -> Self {
        Self { contact_id, contact }
    }
}

impl NewContact {
    /// Reads the body of a create or an update.
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
        Ok(Self { contact: object.object("contact", ContactCard::from_object)? })
    }
}

impl ContactCard {
    /// The profile that it names.
    #[must_use]
    pub const fn profile(&self) -> Option<&AmazonId> {
        match &self.target {
            ContactTarget::AlexaCommunicationProfileId(id) => Some(id),
            ContactTarget::PhoneNumbers(_) | ContactTarget::ProviderContact(_) => None,
        }
    }

    fn from_object(object: &Object<'_>) -> Result<Self, InvalidRequest> {
        const KINDS: [&str; 3] = ["alexaCommunicationProfileId", "phoneNumbers", "providerContact"];
        let name = name_or_number(object, "name", limit::BOOK_NAME_CHARS)?;
        // The published client sends null for the kinds that it was not given.
        let mut there = Vec::new();
        for kind in KINDS {
            there.extend(object.get(kind)?.filter(|value| **value != Json::Null).map(|_| kind));
        }
        let target = match there[..] {
            ["alexaCommunicationProfileId"] => {
                let id = AmazonId::new(object.text(KINDS[0])?).map_err(|error| named(KINDS[0], &error))?;
                ContactTarget::AlexaCommunicationProfileId(id)
            }
            ["phoneNumbers"] => ContactTarget::PhoneNumbers(numbers(object.array(KINDS[1])?)?),
            ["providerContact"] => object.object(KINDS[2], |provider| {
                let id = match provider.get("id")? {
                    Some(Json::Integer(number)) => ExternalUserId::new(&number.to_string()),
                    _ => ExternalUserId::new(provider.text("id")?),
                };
                let id = id.map_err(|error| named("id", &error))?;
                Ok(ContactTarget::ProviderContact(ProviderContact { id }))
            })?,
            [] => {
                return Err(InvalidRequest(format!(
                    "{} is missing; one of them is required.",
                    KINDS.join(" or ")
                )));
            }
            _ => {
                return Err(InvalidRequest(format!(
                    "{} are in one contact; a contact has one of them.",
                    there.join(" and ")
                )));
            }
        };
        Ok(Self { name, target })
    }
}

fn numbers(values: &[Json<'_>]) -> Result<Vec<NumberEntry>, InvalidRequest> {
    if !(1..=limit::CONTACT_NUMBERS).contains(&values.len()) {
        return Err(InvalidRequest(format!(
            "phoneNumbers holds {} numbers; 1 to {} are allowed.",
            values.len(),
            limit::CONTACT_NUMBERS
        )));
    }
    let number = |(place, value): (usize, &Json<'_>)| {
        value.object(&format!("phoneNumbers[{place}]"), |entry| {
            let number = PhoneNumber::new(entry.text("number")?)
                .map_err(|rule| InvalidRequest(format!("number {rule}.")))?;
            Ok(NumberEntry { number })
        })
    };
    values.iter().enumerate().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = r#""alexaCommunicationProfileId":"amzn1.alexa.communications.profile.did.1""#;

    fn parse(properties: &str) -> Result<ContactCard, String> {
        let body = format!(r#"{{"contact":{{"name":"Front desk",{properties}}}}}"#);
        NewContact::parse(body.as_bytes()).map(|new| new.contact).map_err(|error| error.0)
    }

    #[test]
    fn each_kind_is_read_and_written() {
        for properties in [
            PROFILE,
            r#""phoneNumbers":[{"number":"+12065550100"},{"number":"+442079460000"}]"#,
            r#""providerContact":{"id":"7201"}"#,
        ] {
            let card = parse(properties).unwrap();
            let text = serde_json::to_string(&card).unwrap();
            assert_eq!(text, format!(r#"{{"name":"Front desk",{properties}}}"#));
            assert_eq!(serde_json::from_str::<ContactCard>(&text).unwrap(), card);
        }
        let sent_by_the_client = format!(r#"{PROFILE},"phoneNumbers":null,"providerContact":null"#);
        assert!(parse(&sent_by_the_client).unwrap().profile().is_some());
    }

    #[test]
    fn refusals_name_the_property_and_the_rule() {
        let refusal = |properties: &str| parse(properties).unwrap_err();
        assert_eq!(
            refusal(r#""phoneNumbers":null"#),
            "contact.alexaCommunicationProfileId or phoneNumbers or providerContact is missing; one of them is required."
        );
        assert_eq!(
            refusal(&format!(r#"{PROFILE},"providerContact":{{"id":"1"}}"#)),
            "contact.alexaCommunicationProfileId and providerContact are in one contact; a contact has one of them."
        );
        assert_eq!(
            refusal(r#""phoneNumbers":[]"#),
            "contact.phoneNumbers holds 0 numbers; 1 to 3 are allowed."
        );
        assert!(
            refusal(r#""phoneNumbers":[{"number":"2065550100"}]"#)
                .starts_with("contact.phoneNumbers[0].number must be a number of the US, Canada or the UK")
        );
        let name = |name: &str| {
            let body = format!(r#"{{"contact":{{"name":"{name}",{PROFILE}}}}}"#);
            NewContact::parse(body.as_bytes()).map_err(|error| error.0)
        };
        assert!(name(&"x".repeat(50)).is_ok());
        assert_eq!(
            name(&"x".repeat(51)).unwrap_err(),
            "contact.name is 51 characters long; 1 to 50 are allowed."
        );
    }

    #[test]
    fn numbers_are_of_three_countries() {
        for good in ["+12065550100", "+14165550100", "+442079460000", "+441134960000"] {
            assert!(PhoneNumber::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "+",
            "12065550100",
            "+1206555010",
            "+120655501000",
            "+4915112345678",
            "+1 206 555 0100",
            "+1206555010a",
        ] {
            assert!(PhoneNumber::new(bad).is_err(), "{bad}");
        }
    }
}
