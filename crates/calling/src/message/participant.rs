//! The two parties of a call, as messages name them.

use jackfield_model::json::{InvalidRequest, Json, Object};
use jackfield_model::limit;
use serde_json::{Value, json};

/// How a party is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressType {
    /// The id of a communication profile.
    CommunicationProfileId,
    /// A telephone number.
    PhoneNumber,
    /// An address of the provider's network: an `externalUserId`.
    RawAddress,
}

/// A party of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// How it is named.
    pub address_type: AddressType,
    /// Its name.
    pub value: String,
    /// Whether it began the call.
    pub is_originator: bool,
}

impl AddressType {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::CommunicationProfileId, Self::PhoneNumber, Self::RawAddress];

    /// The word that stands on the wire.
    #[must_use]
    pub const fn to_wire(self) -> &'static str {
        match self {
            Self::CommunicationProfileId => "COMMUNICATION_PROFILE_ID",
            Self::PhoneNumber => "PHONE_NUMBER",
            Self::RawAddress => "RAW_ADDRESS",
        }
    }
}

impl Participant {
    /// The form on the wire.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": { "type": self.address_type.to_wire(), "value": self.value },
            "isOriginator": self.is_originator,
        })
    }

    fn read(object: &Object<'_>) -> Result<Self, InvalidRequest> {
        let (address_type, value) = object.object("id", |id| {
            let kind = id.text("type")?;
            let known = AddressType::ALL.into_iter().find(|known| known.to_wire() == kind);
            let known = known.ok_or_else(|| {
                let all = AddressType::ALL.map(AddressType::to_wire).join(", ");
                InvalidRequest(format!("type must be one of {all}."))
            })?;
            Ok((known, bounded(id, "value", limit::EXTERNAL_USER_ID_CHARS)?))
        })?;
        let is_originator = match object.get("isOriginator")? {
            None => return Err(InvalidRequest("isOriginator is missing; it is required.".to_owned())),
            Some(Json::Bool(is_originator)) => *is_originator,
            Some(other) => return Err(other.wrong_type("isOriginator", "a boolean")),
        };
        Ok(Self { address_type, value, is_originator })
    }

    /// Reads the two parties of a call: the one that began it and the other.
    pub(super) fn read_all(object: &Object<'_>) -> Result<Vec<Self>, InvalidRequest> {
        let values = object.array("participants")?;
        if values.len() != 2 {
            return Err(InvalidRequest(format!(
                "participants has {} items; there must be 2, the caller and the called.",
                values.len()
            )));
        }
        let read =
            |(place, value): (usize, &Json<'_>)| value.object(&format!("participants[{place}]"), Self::read);
        let read: Vec<Self> = values.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        if read.iter().filter(|participant| participant.is_originator).count() != 1 {
            let rule = "participants: isOriginator must be true for one of the two, and false for the other.";
            return Err(InvalidRequest(rule.to_owned()));
        }
        Ok(read)
    }
}

/// A required text of 1 to `most` characters.
pub(super) fn bounded(object: &Object<'_>, name: &str, most: usize) -> Result<String, InvalidRequest> {
    let text = object.text(name)?;
    let length = text.chars().count();
    if !(1..=most).contains(&length) {
        return Err(InvalidRequest(format!("{name} has {length} characters; 1 to {most} are allowed.")));
    }
    Ok(text.to_owned())
}
