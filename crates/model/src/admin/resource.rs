//! Units, address books and contacts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::InvalidRequest;
use crate::wire::{self, ContactCard, ContactTarget, NumberEntry, PhoneNumber, ProviderContact, UnitName};
use crate::{AddressBookId, AmazonId, ContactId, ExternalUserId, OrganizationId, UnitId, limit, schema};

/// A unit to create, or as answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AdminUnit")]
pub struct Unit {
    /// Its id; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<UnitId>,
    /// The organization that it belongs to; the path says it in a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// The unit that it is a part of; the organization when absent.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "parentId", alias = "parent_id")]
    pub parent: Option<UnitId>,
    /// Its level in the tree; answered only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// A name for people.
    #[schemars(transform = schema::name)]
    pub name: String,
}

/// An address book to create, or as answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AdminAddressBook")]
pub struct AddressBook {
    /// Its id; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<AddressBookId>,
    /// The organization that it belongs to; the path says it in a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrganizationId>,
    /// A name for people.
    #[schemars(transform = schema::book_name)]
    pub name: String,
    /// Contacts that it has; answered only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<u64>,
    /// Units that it is associated with; answered only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<u64>,
}

/// The new name of a unit or an address book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamePatch {
    /// The name.
    #[schemars(transform = schema::name)]
    pub name: String,
}

/// A contact to create, what takes the place of one, or one as answered: a name and one of three kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AdminContact")]
pub struct Contact {
    /// Its id; issued when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ContactId>,
    /// The address book that it stands in; the path says it in a create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_book_id: Option<AddressBookId>,
    /// The name that a device listens for.
    #[schemars(transform = schema::book_name)]
    pub name: String,
    /// A communication profile of the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<AmazonId>,
    /// A person who is reached by telephone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limit::CONTACT_NUMBERS))]
    pub phone_numbers: Vec<PhoneNumber>,
    /// An endpoint of a service provider's network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub provider_contact: Option<ExternalUserId>,
}

impl Unit {
    /// A unit as an operator sees it.
    #[must_use]
    pub fn new(organization: OrganizationId, unit: wire::Unit) -> Self {
        Self {
            id: Some(unit.id),
            organization_id: Some(organization),
            parent: Some(unit.parent_id),
            level: Some(unit.level),
            name: unit.name.value.text,
        }
    }

    /// The unit to store.
    #[must_use]
    pub fn into_wire(self, organization: &OrganizationId, id: UnitId) -> wire::Unit {
        let parent_id = self.parent.unwrap_or_else(|| organization.clone().into());
        wire::Unit { id, parent_id, level: 0, name: UnitName::plain(self.name) }
    }
}

impl Contact {
    /// A contact as an operator sees it.
    #[must_use]
    pub fn new(contact: wire::Contact) -> Self {
        let wire::Contact { address_book_id, contact_id, contact: ContactCard { name, target } } = contact;
        let mut shown = Self {
            id: Some(contact_id),
            address_book_id: Some(address_book_id),
            name,
            profile: None,
            phone_numbers: Vec::new(),
            provider_contact: None,
        };
        match target {
            ContactTarget::AlexaCommunicationProfileId(id) => shown.profile = Some(id),
            ContactTarget::PhoneNumbers(numbers) => {
                shown.phone_numbers = numbers.into_iter().map(|entry| entry.number).collect();
            }
            ContactTarget::ProviderContact(ProviderContact { id }) => shown.provider_contact = Some(id),
        }
        shown
    }

    /// The contact without its id.
    ///
    /// # Errors
    /// [`InvalidRequest`] unless it is of one kind.
    pub fn into_card(self) -> Result<ContactCard, InvalidRequest> {
        let Self { name, profile, phone_numbers, provider_contact, .. } = self;
        if phone_numbers.len() > limit::CONTACT_NUMBERS {
            return Err(InvalidRequest(format!(
                "phone_numbers holds {} numbers; 1 to {} are allowed.",
                phone_numbers.len(),
                limit::CONTACT_NUMBERS
            )));
        }
        let target = match (profile, phone_numbers.is_empty(), provider_contact) {
            (Some(id), true, None) => ContactTarget::AlexaCommunicationProfileId(id),
            (None, false, None) => {
                let entry = |number| NumberEntry { number };
                ContactTarget::PhoneNumbers(phone_numbers.into_iter().map(entry).collect())
            }
            (None, true, Some(id)) => ContactTarget::ProviderContact(ProviderContact { id }),
            _ => {
                let rule = "A contact has one of profile, phone_numbers and provider_contact.";
                return Err(InvalidRequest(rule.to_owned()));
            }
        };
        Ok(ContactCard { name, target })
    }
}
