//! The changes that lead from what there is to what is to be.

use jackfield_model::{AddressBookId, AmazonId, ContactId, ExternalUserId, UnitId};
use serde::Serialize;

use super::actual::Actual;
use super::desired::{Desired, ProfileKey, Room, UnitKey, WantedContact};
use super::{PropertyError, PropertyOptions};
use crate::sync::plan::{Counts, Kind, MaxDelete, Plan, TooManyDeletes};

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// A unit.
    Unit,
    /// The communication profile of a unit.
    Profile,
    /// An association.
    Association,
    /// An address book.
    AddressBook,
    /// A contact.
    Contact,
}

/// A unit to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitChange {
    /// Its name.
    pub name: String,
    /// The line of the list that first names it.
    pub line: u64,
}

/// The profile of a unit to make, or to give another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileChange {
    /// The unit, as the list has it.
    pub unit: String,
    /// Its id, where the unit is there.
    pub(super) unit_id: Option<UnitId>,
    /// What it is called now. Nothing where it is not there, or not known to be.
    pub before: Option<String>,
    /// What it is to be called. Nothing: as it is.
    pub name: Option<String>,
    /// Whether it is made. Where it is not known to be there, making it changes nothing but its name.
    pub kind: Kind,
    /// The line of the list.
    pub line: u64,
}

/// An association to make, to point at another profile, or to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssociationChange {
    /// The endpoint.
    pub external_user_id: ExternalUserId,
    /// The profile that stands for it now.
    pub before: Option<AmazonId>,
    /// The profile that is to stand for it, where it is known.
    pub after: Option<AmazonId>,
    /// The unit whose profile it will be, where that is not made yet.
    pub after_of_unit: Option<String>,
    /// The line of the list.
    pub line: Option<u64>,
}

/// A contact to make or to give another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactChange {
    /// The name of its address book.
    pub address_book: String,
    /// The profile, where it is known.
    pub(super) amazon_id: Option<AmazonId>,
    /// Where it stands, when it is there.
    pub(super) known: Option<(AddressBookId, ContactId)>,
    /// What it is called now.
    pub before: Option<String>,
    /// What it is to be called.
    pub name: String,
    /// The line of the list.
    pub line: u64,
}

/// What is as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unchanged {
    /// Units.
    pub units: u64,
    /// Profiles of units.
    pub profiles: u64,
    /// Associations.
    pub associations: u64,
    /// Address books.
    pub address_books: u64,
    /// Contacts.
    pub contacts: u64,
}

/// Changes that lead to the state that a list describes, in the order in which they are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertyPlan {
    /// Units.
    pub units: Vec<UnitChange>,
    /// Profiles.
    pub profiles: Vec<ProfileChange>,
    /// Associations: updates, creates, deletes.
    pub associations: Vec<AssociationChange>,
    /// Names of address books to make.
    pub address_books: Vec<String>,
    /// Contacts.
    pub contacts: Vec<ContactChange>,
    /// What is as it should be.
    pub unchanged: Unchanged,
    /// Associations that the list does not name and that stay. Zero where they were not looked for.
    pub kept: u64,
    /// Associations that the provider has, where that is known.
    pub total: Option<u64>,
}

/// Compares what is to be with what is known to be there.
pub(super) fn plan(
    desired: &Desired,
    actual: &Actual,
    options: &PropertyOptions,
) -> Result<PropertyPlan, PropertyError> {
    let mut plan = PropertyPlan { total: actual.total, ..PropertyPlan::default() };
    if options.parts.units {
        units(&mut plan, desired, actual)?;
    }
    if options.parts.profiles {
        profiles(&mut plan, desired, actual);
    }
    associations(&mut plan, desired, actual, options);
    if options.parts.contacts {
        contacts(&mut plan, desired, actual, options)?;
    }
    Ok(plan)
}

fn units(plan: &mut PropertyPlan, desired: &Desired, actual: &Actual) -> Result<(), PropertyError> {
    for Room { unit, line, .. } in &desired.rooms {
        let UnitKey::Name(name) = unit else { continue };
        match actual.units.get(name).map_or(0, Vec::len) {
            0 => plan.units.push(UnitChange { name: name.to_string(), line: *line }),
            1 => plan.unchanged.units += 1,
            count => {
                return Err(PropertyError::AmbiguousUnit { line: *line, name: name.to_string(), count });
            }
        }
    }
    Ok(())
}

fn profiles(plan: &mut PropertyPlan, desired: &Desired, actual: &Actual) {
    for room in &desired.rooms {
        let unit_id = actual.unit(&room.unit);
        let known = unit_id.and_then(|unit| actual.profiles.get(unit)).and_then(Option::as_ref);
        let wanted = room.profile_name.as_deref();
        let change = |kind, before: Option<String>, name: Option<&str>| ProfileChange {
            unit: room.unit.as_str().to_owned(),
            unit_id: unit_id.cloned(),
            before,
            name: name.map(str::to_owned),
            kind,
            line: room.line,
        };
        match known {
            // A profile that is not known to be there may have a name, which the list does not take from it.
            None => {
                let known_absent = unit_id.is_none_or(|unit| actual.profiles.contains_key(unit));
                let name = if known_absent { room.new_profile_name() } else { wanted };
                plan.profiles.push(change(Kind::Create, None, name));
            }
            Some(profile) if wanted.is_some_and(|name| profile.name.as_deref() != Some(name)) => {
                plan.profiles.push(change(Kind::Update, profile.name.clone(), wanted));
            }
            Some(_) => plan.unchanged.profiles += 1,
        }
    }
}

/// The profile of a key, where it is known.
fn profile<'a>(desired: &'a Desired, actual: &'a Actual, key: &'a ProfileKey) -> Option<&'a AmazonId> {
    match key {
        ProfileKey::Id(id) => Some(id),
        ProfileKey::OfRoom(at) => {
            let unit = actual.unit(&desired.rooms[*at].unit)?;
            Some(&actual.profiles.get(unit)?.as_ref()?.id)
        }
    }
}

fn associations(plan: &mut PropertyPlan, desired: &Desired, actual: &Actual, options: &PropertyOptions) {
    let (mut updates, mut creates) = (Vec::new(), Vec::new());
    let mut named = std::collections::HashSet::new();
    for endpoint in &desired.endpoints {
        named.insert(&endpoint.external_user_id);
        let before = actual.associations.get(&endpoint.external_user_id);
        let after = profile(desired, actual, &endpoint.profile);
        if before.is_some() && before == after {
            plan.unchanged.associations += 1;
            continue;
        }
        let after_of_unit = match &endpoint.profile {
            ProfileKey::OfRoom(at) if after.is_none() => Some(desired.rooms[*at].unit.as_str().to_owned()),
            _ => None,
        };
        let kind = if before.is_some() { &mut updates } else { &mut creates };
        kind.push(AssociationChange {
            external_user_id: endpoint.external_user_id.clone(),
            before: before.cloned(),
            after: after.cloned(),
            after_of_unit,
            line: Some(endpoint.line),
        });
    }
    let mut others: Vec<_> = actual.associations.iter().filter(|(id, _)| !named.contains(id)).collect();
    others.sort_unstable();
    plan.associations = updates;
    plan.associations.append(&mut creates);
    if options.delete_missing {
        plan.associations.extend(others.into_iter().map(|(id, before)| AssociationChange {
            external_user_id: id.clone(),
            before: Some(before.clone()),
            after: None,
            after_of_unit: None,
            line: None,
        }));
    } else {
        plan.kept = others.len() as u64;
    }
}

fn contacts(
    plan: &mut PropertyPlan,
    desired: &Desired,
    actual: &Actual,
    options: &PropertyOptions,
) -> Result<(), PropertyError> {
    if let Some((name, ids)) = actual.books.iter().find(|(_, ids)| ids.len() > 1) {
        return Err(PropertyError::AmbiguousAddressBook { name: name.clone(), count: ids.len() });
    }
    let book = |at: usize| actual.books.get(&options.book_name(at)).and_then(|ids| ids.first());
    let name_of = |id: &AddressBookId| {
        actual
            .books
            .iter()
            .find(|(_, ids)| ids.contains(id))
            .map(|(name, _)| name.clone())
            .unwrap_or_default()
    };
    let room = |at: usize| {
        let filled = book(at).and_then(|id| actual.filled.get(id)).copied().unwrap_or_default();
        options.contacts_per_book.max(1).saturating_sub(filled)
    };
    let (mut at, mut free) = (0, room(0));
    for WantedContact { profile: key, name, fallback, line } in &desired.contacts {
        let amazon_id = profile(desired, actual, key);
        if let Some(known) = amazon_id.and_then(|id| actual.contacts.get(id)) {
            match name {
                Some(name) if **name != *known.name => plan.contacts.push(ContactChange {
                    address_book: name_of(&known.book),
                    amazon_id: amazon_id.cloned(),
                    known: Some((known.book.clone(), known.id.clone())),
                    before: Some(known.name.clone()),
                    name: name.to_string(),
                    line: *line,
                }),
                _ => plan.unchanged.contacts += 1,
            }
            continue;
        }
        while free == 0 {
            at += 1;
            free = room(at);
        }
        free -= 1;
        plan.contacts.push(ContactChange {
            address_book: options.book_name(at),
            amazon_id: amazon_id.cloned(),
            known: None,
            before: None,
            name: name.as_ref().unwrap_or(fallback).to_string(),
            line: *line,
        });
    }
    plan.unchanged.address_books = actual.books.len() as u64;
    let new = (0..=at).filter(|&at| book(at).is_none()).map(|at| options.book_name(at));
    plan.address_books = new.filter(|_| !desired.contacts.is_empty()).collect();
    Ok(())
}

impl AssociationChange {
    /// What it does.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match (&self.before, &self.after, &self.after_of_unit) {
            (_, None, None) => Kind::Delete,
            (None, _, _) => Kind::Create,
            (Some(_), _, _) => Kind::Update,
        }
    }
}

impl ContactChange {
    /// What it does.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        if self.known.is_some() { Kind::Update } else { Kind::Create }
    }
}

impl PropertyPlan {
    /// How many changes of each kind there are of a subject.
    #[must_use]
    pub fn counts(&self, subject: Subject) -> Counts {
        let mut counts = Counts::default();
        let mut add = |kind| counts.add(kind);
        match subject {
            Subject::Unit => self.units.iter().for_each(|_| add(Kind::Create)),
            Subject::Profile => self.profiles.iter().for_each(|change| add(change.kind)),
            Subject::Association => self.associations.iter().for_each(|change| add(change.kind())),
            Subject::AddressBook => self.address_books.iter().for_each(|_| add(Kind::Create)),
            Subject::Contact => self.contacts.iter().for_each(|change| add(change.kind())),
        }
        counts
    }

    /// How many changes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.units.len()
            + self.profiles.len()
            + self.associations.len()
            + self.address_books.len()
            + self.contacts.len()
    }

    /// Whether there is nothing to change.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Holds the plan to a bound of deletes.
    ///
    /// # Errors
    /// [`TooManyDeletes`].
    pub fn check_deletes(&self, most: MaxDelete) -> Result<(), TooManyDeletes> {
        Plan::check_count(self.counts(Subject::Association).delete, self.total, most)
    }
}

impl Subject {
    /// Every subject, in the order in which they are changed.
    pub const ALL: [Self; 5] =
        [Self::Unit, Self::Profile, Self::Association, Self::AddressBook, Self::Contact];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Profile => "profile",
            Self::Association => "association",
            Self::AddressBook => "address book",
            Self::Contact => "contact",
        }
    }
}
