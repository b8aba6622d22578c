//! The part of a seed about units, address books and contacts: checked, with ids, as resources in the order in which they
//! refer to each other.

use std::collections::{BTreeMap, BTreeSet};

use jackfield_model::wire::{
    AddressBook, Contact, ContactCard, ContactTarget, NumberEntry, PhoneNumber, ProviderContact, Unit,
    UnitAssociation, UnitName,
};
use jackfield_model::{AddressBookId, AmazonId, ContactId, ExternalUserId, OrganizationId, UnitId, limit};
use jackfield_store::resource::Resource;
use serde::Deserialize;

use super::SeedError;
use crate::sandbox::ids::natural;
use crate::validate;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedUnit {
    #[serde(default)]
    id: Option<UnitId>,
    name: String,
    /// The id or the name of a unit before it.
    #[serde(default)]
    parent: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedAddressBook {
    #[serde(default)]
    id: Option<AddressBookId>,
    name: String,
    /// Ids or names of units.
    #[serde(default)]
    units: Vec<String>,
    #[serde(default, rename = "contact")]
    contacts: Vec<SeedContact>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedContact {
    #[serde(default)]
    id: Option<ContactId>,
    name: String,
    #[serde(default)]
    profile: Option<AmazonId>,
    #[serde(default)]
    phone_numbers: Option<Vec<String>>,
    #[serde(default)]
    provider_contact: Option<ExternalUserId>,
}

/// A resource, and how errors call it.
pub(super) type Named = (String, Resource);

/// The units of an organization, by id and by name.
pub(super) struct Units<'a> {
    organization: &'a OrganizationId,
    /// The ids of each name.
    named: BTreeMap<&'a str, Vec<UnitId>>,
}

impl<'a> Units<'a> {
    /// Checks the units of an organization.
    pub(super) fn read(
        organization: &'a OrganizationId,
        seeds: &'a [SeedUnit],
    ) -> Result<(Self, Vec<Named>), SeedError> {
        let mut units = Self { organization, named: BTreeMap::new() };
        let (mut resources, mut ids) = (Vec::new(), BTreeSet::new());
        for seed in seeds {
            let called = format!("unit {:?}", seed.name);
            check(&called, validate::name("name", &seed.name))?;
            let parent_id = match &seed.parent {
                None => UnitId::from_suffix(organization.suffix()).expect("an organization's id is a unit's"),
                Some(parent) => {
                    units.find(parent).map_err(|rule| invalid(&called, &format!("parent {rule}")))?
                }
            };
            let id = seed.id.clone().unwrap_or_else(|| natural::unit(organization, &parent_id, &seed.name));
            new_id(&mut ids, &called, id.as_str())?;
            units.named.entry(&seed.name).or_default().push(id.clone());
            let subject = format!("unit {id}");
            let unit = Unit { id, parent_id, level: 0, name: UnitName::plain(seed.name.clone()) };
            resources.push((subject, unit.into()));
        }
        Ok((units, resources))
    }

    /// The unit with this id, or with this name in the file.
    fn find(&self, text: &str) -> Result<UnitId, String> {
        if text.starts_with(UnitId::PREFIX) {
            return UnitId::new(text).map_err(|error| error.to_string());
        }
        match self.named.get(text).map(Vec::as_slice) {
            Some([id]) => Ok(id.clone()),
            Some(_) => Err(format!("{text:?} is the name of several units; their ids tell them apart")),
            None => Err(format!("{text:?} is neither an id nor the name of a unit before it in the file")),
        }
    }

    /// Checks the address books of the organization; with each its units and its contacts.
    pub(super) fn address_books(&self, seeds: &[SeedAddressBook]) -> Result<Vec<Named>, SeedError> {
        let (mut resources, mut ids) = (Vec::new(), BTreeSet::new());
        for seed in seeds {
            let called = format!("address_book {:?}", seed.name);
            check(&called, validate::short_name("name", &seed.name, limit::BOOK_NAME_CHARS))?;
            let address_book_id =
                seed.id.clone().unwrap_or_else(|| natural::address_book(self.organization, &seed.name));
            new_id(&mut ids, &called, address_book_id.as_str())?;
            let subject = format!("address_book {address_book_id}");
            let book = AddressBook { address_book_id: address_book_id.clone(), name: seed.name.clone() };
            resources.push((subject.clone(), book.into()));
            for unit in &seed.units {
                let unit_id = self.find(unit).map_err(|rule| invalid(&called, &format!("units: {rule}")))?;
                let association = UnitAssociation { address_book_id: address_book_id.clone(), unit_id };
                resources.push((format!("{subject}: units: {unit:?}"), association.into()));
            }
            for contact in &seed.contacts {
                let contact_id =
                    contact.id.clone().unwrap_or_else(|| natural::contact(&address_book_id, &contact.name));
                let called = format!("{called}: contact {:?}", contact.name);
                new_id(&mut ids, &called, contact_id.as_str())?;
                let card = contact.card(&called)?;
                let subject = format!("contact {contact_id}");
                let address_book_id = address_book_id.clone();
                resources.push((subject, Contact { address_book_id, contact_id, contact: card }.into()));
            }
        }
        Ok(resources)
    }
}

impl SeedContact {
    fn card(&self, called: &str) -> Result<ContactCard, SeedError> {
        check(called, validate::short_name("name", &self.name, limit::BOOK_NAME_CHARS))?;
        let target = match (&self.profile, &self.phone_numbers, &self.provider_contact) {
            (Some(profile), None, None) => ContactTarget::AlexaCommunicationProfileId(profile.clone()),
            (None, Some(numbers), None) => ContactTarget::PhoneNumbers(phone_numbers(called, numbers)?),
            (None, None, Some(id)) => ContactTarget::ProviderContact(ProviderContact { id: id.clone() }),
            _ => {
                let rule = "it must have exactly one of profile, phone_numbers and provider_contact";
                return Err(invalid(called, rule));
            }
        };
        Ok(ContactCard { name: self.name.clone(), target })
    }
}

fn phone_numbers(called: &str, numbers: &[String]) -> Result<Vec<NumberEntry>, SeedError> {
    let most = limit::CONTACT_NUMBERS;
    if !(1..=most).contains(&numbers.len()) {
        let rule = format!("phone_numbers holds {} numbers; 1 to {most} are allowed", numbers.len());
        return Err(invalid(called, &rule));
    }
    let number = |text: &String| match PhoneNumber::new(text) {
        Ok(number) => Ok(NumberEntry { number }),
        Err(rule) => Err(invalid(called, &format!("phone_numbers: {text:?} {rule}"))),
    };
    numbers.iter().map(number).collect()
}

/// Two objects without ids that have one name would silently become one.
fn new_id(ids: &mut BTreeSet<String>, called: &str, id: &str) -> Result<(), SeedError> {
    if ids.insert(id.to_owned()) {
        return Ok(());
    }
    Err(invalid(called, "another one has the same id, or the same name and none; it needs an id of its own"))
}

fn check(subject: &str, result: Result<(), validate::InvalidField>) -> Result<(), SeedError> {
    result.map_err(|error| invalid(subject, &error.to_string()))
}

fn invalid(subject: &str, rule: &str) -> SeedError {
    SeedError::Invalid { subject: subject.to_owned(), rule: rule.to_owned() }
}
