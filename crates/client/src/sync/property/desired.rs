//! What a list wants there to be.

use std::collections::HashMap;

use jackfield_model::{AmazonId, ExternalUserId, UnitId};

use crate::sync::input::{Parts, PropertyRow};

/// What is to be.
#[derive(Debug, Default)]
pub(super) struct Desired {
    /// Each unit once, in the order of the list.
    pub(super) rooms: Vec<Room>,
    /// Each endpoint once, in the order of the list.
    pub(super) endpoints: Vec<Endpoint>,
    /// Each profile once.
    pub(super) contacts: Vec<WantedContact>,
}

/// A unit, and what its profile is to be called.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) unit: UnitKey,
    /// Nothing: a profile that is there keeps its name.
    pub(super) profile_name: Option<Box<str>>,
    pub(super) line: u64,
}

/// How a list names a unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum UnitKey {
    Id(UnitId),
    Name(Box<str>),
}

/// An endpoint and the profile that is to answer for it.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) external_user_id: ExternalUserId,
    pub(super) profile: ProfileKey,
    pub(super) line: u64,
}

/// A profile: its id, or the place in [`Desired::rooms`] of the unit whose profile it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum ProfileKey {
    Id(AmazonId),
    OfRoom(usize),
}

/// A contact of a profile.
#[derive(Debug)]
pub(super) struct WantedContact {
    pub(super) profile: ProfileKey,
    /// What the list calls it. Nothing: a contact that is there keeps its name.
    pub(super) name: Option<Box<str>>,
    /// What a new one is called then.
    pub(super) fallback: Box<str>,
    pub(super) line: u64,
}

impl Desired {
    /// The rows of a list, which do not contradict each other.
    pub(super) fn new(rows: Vec<PropertyRow>, parts: Parts) -> Self {
        let mut desired = Self::default();
        let mut rooms: HashMap<UnitKey, usize> = HashMap::new();
        let mut contacts: HashMap<ProfileKey, usize> = HashMap::new();
        for row in rows {
            let PropertyRow { external_user_id, amazon_id, unit, profile_name, contact_name, line } = row;
            let key = unit.map(UnitKey::new);
            let room = key.clone().map(|unit| {
                let at = *rooms.entry(unit.clone()).or_insert_with(|| {
                    desired.rooms.push(Room { unit, profile_name: None, line });
                    desired.rooms.len() - 1
                });
                let named = &mut desired.rooms[at].profile_name;
                *named = named.take().or_else(|| profile_name.clone());
                at
            });
            let profile = match (amazon_id, room) {
                (Some(id), _) => ProfileKey::Id(id),
                (None, Some(room)) => ProfileKey::OfRoom(room),
                // The input has no such row.
                (None, None) => continue,
            };
            if parts.contacts {
                let unit = key.as_ref().map(|unit| unit.as_str().into());
                let fallback = profile_name.or(unit).unwrap_or_default();
                let at = *contacts.entry(profile.clone()).or_insert_with(|| {
                    let profile = profile.clone();
                    desired.contacts.push(WantedContact { profile, name: None, fallback, line });
                    desired.contacts.len() - 1
                });
                let named = &mut desired.contacts[at].name;
                *named = named.take().or(contact_name);
            }
            desired.endpoints.push(Endpoint { external_user_id, profile, line });
        }
        // Another row of the unit may have named the profile.
        for contact in &mut desired.contacts {
            if let ProfileKey::OfRoom(at) = contact.profile
                && let Some(name) = desired.rooms[at].new_profile_name()
            {
                contact.fallback = name.into();
            }
        }
        desired
    }
}

impl Room {
    /// What a new profile is called.
    pub(super) fn new_profile_name(&self) -> Option<&str> {
        match (&self.profile_name, &self.unit) {
            (Some(name), _) | (None, UnitKey::Name(name)) => Some(name),
            (None, UnitKey::Id(_)) => None,
        }
    }
}

impl UnitKey {
    fn new(text: Box<str>) -> Self {
        match UnitId::new(&text) {
            Ok(id) => Self::Id(id),
            Err(_) => Self::Name(text),
        }
    }

    /// As the list has it.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Id(id) => id.as_str(),
            Self::Name(name) => name,
        }
    }
}
