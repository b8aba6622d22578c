//! Random changes of resources: few ids, so that they collide, refer to each other and take each other along.

use jackfield_model::admin::{OrganizationPatch, Quotas};
use jackfield_model::wire::{
    ContactCard, ContactSetting, ContactTarget, ProviderContact, SettingName, Switch, Unit, UnitName,
};
use jackfield_store::conformance::world::{
    association, book, calling_skill, contact, external, number, organization_id, reciprocal, setting,
    to_profile, unit,
};
use jackfield_store::registry::OrganizationChange;
use jackfield_store::resource::{ListKey, Resource, ResourceChange, Table};
use jackfield_store::{RegistryCommand, Store, count_resources};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use super::{ORGANIZATIONS, PROFILES};

/// Units of the profiles, and one that is an organization.
const UNITS: [&str; 5] = [PROFILES[0], PROFILES[1], PROFILES[2], PROFILES[3], ORGANIZATIONS[0]];
/// What a unit can be below of.
const PARENTS: [&str; 7] = [
    ORGANIZATIONS[0],
    ORGANIZATIONS[1],
    ORGANIZATIONS[2],
    ORGANIZATIONS[1],
    PROFILES[0],
    PROFILES[1],
    PROFILES[2],
];
const BOOKS: [&str; 3] = ["b", "bb", "c"];
const CONTACTS: [&str; 4] = ["k", "kk", "l", "0"];

/// Every id that rows can be a list of.
pub(super) fn scopes() -> Vec<&'static str> {
    [&UNITS[..], &PARENTS, &BOOKS, &CONTACTS].concat()
}

/// One to five changes.
pub(super) fn batch() -> impl Strategy<Value = Vec<ResourceChange>> {
    vec(change(), 1..=5)
}

fn change() -> impl Strategy<Value = ResourceChange> {
    (resource(), 0_u8..8).prop_map(|(resource, kind)| match kind {
        0..=4 => ResourceChange::Create(resource),
        5 => ResourceChange::Update(resource),
        6 => ResourceChange::Put(resource),
        _ => ResourceChange::Delete(resource),
    })
}

fn resource() -> impl Strategy<Value = Resource> {
    let (book_id, contact_id) = (|| select(BOOKS.to_vec()), || select(CONTACTS.to_vec()));
    let profile_id = || select(PROFILES.to_vec());
    let new_name = || select(vec!["one", "other"]);
    let target = prop_oneof![
        3 => profile_id().prop_map(to_profile),
        1 => Just(number()),
        1 => Just(ContactTarget::ProviderContact(ProviderContact { id: external("7201") })),
    ];
    let settings = select(vec![SettingName::DropIn, SettingName::Block]);
    prop_oneof![
        4 => (select(UNITS.to_vec()), select(PARENTS.to_vec()), new_name()).prop_map(|(id, parent, name)| {
            Unit { name: UnitName::plain(name.to_owned()), ..unit(id, parent) }.into()
        }),
        4 => (book_id(), new_name()).prop_map(|(id, name)| {
            let mut book = book(id);
            name.clone_into(&mut book.name);
            book.into()
        }),
        8 => (book_id(), contact_id(), new_name(), target).prop_map(|(book, id, name, target)| {
            let mut contact = contact(book, id, target);
            contact.contact = ContactCard { name: name.to_owned(), ..contact.contact };
            contact.into()
        }),
        4 => (book_id(), select([&UNITS[..], &ORGANIZATIONS].concat()))
            .prop_map(|(book, unit)| association(book, unit).into()),
        4 => (profile_id(), contact_id()).prop_map(|(profile, id)| reciprocal(profile, id).into()),
        2 => (book_id(), new_name()).prop_map(|(id, endpoint)| calling_skill(id, endpoint).into()),
        4 => (profile_id(), settings, profile_id(), any::<bool>()).prop_map(|(profile, name, about, on)| {
            let value = if on { Switch::Enabled } else { Switch::Disabled };
            ContactSetting { value, ..setting(profile, name, about) }.into()
        }),
    ]
}

/// Small quotas of an organization, and whether it is strict about units.
pub(super) fn bounds() -> impl Strategy<Value = RegistryCommand> {
    let most = || select(vec![1_u32, 2, 3]);
    (select(ORGANIZATIONS.to_vec()), any::<bool>(), most(), most(), most()).prop_map(
        |(name, strict, units, books, contacts)| {
            let quotas = Quotas {
                units: Some(units),
                address_books: Some(books),
                contacts: Some(contacts),
                ..Quotas::default()
            };
            let patch = OrganizationPatch {
                strict_units: Some(strict),
                quotas: Some(quotas),
                ..OrganizationPatch::default()
            };
            RegistryCommand::UpdateOrganization(organization_id(name), OrganizationChange::from(patch))
        },
    )
}

/// A list of rows: its table, what it is a list of, after what, and how many.
pub(super) type List = (Table, &'static str, &'static str, usize);

/// A list that may have rows.
pub(super) fn list() -> impl Strategy<Value = List> {
    let table = select(Table::ALL.to_vec());
    let scope =
        prop_oneof![1 => Just(""), 1 => select(scopes()), 1 => select(vec!["1", "2", "3", "4", "33"])];
    (table, scope, select(scopes()), any::<bool>(), select(vec![0_usize, 1, 2, 100])).prop_map(
        |(table, scope, after, from_start, limit)| (table, scope, if from_start { "" } else { after }, limit),
    )
}

/// What a store shows of a list.
pub(super) async fn read(
    store: &dyn Store,
    organization: &str,
    (table, scope, after, limit): List,
) -> String {
    let organization = organization_id(organization);
    let key = ListKey::new(&organization, table, scope);
    let listed = store.list_rows(&key, after, limit).await.unwrap();
    let rows: Vec<_> = scopes().into_iter().map(|id| key.clone().row(id)).collect();
    let found = store.find_rows(&rows).await.unwrap();
    let count = match table.is_counted() {
        true => Some(count_resources(store, &organization, table, scope).await.unwrap()),
        false => None,
    };
    format!("{listed:?} {found:?} {count:?}")
}

/// Resources of every kind for an organization with one profile.
pub(super) fn seeded(organization: &str, profile: &str) -> Vec<ResourceChange> {
    let resources: [Resource; 8] = [
        unit(PROFILES[1], organization).into(),
        unit(PROFILES[2], PROFILES[1]).into(),
        book(BOOKS[0]).into(),
        contact(BOOKS[0], CONTACTS[0], to_profile(profile)).into(),
        association(BOOKS[0], PROFILES[2]).into(),
        reciprocal(profile, CONTACTS[0]).into(),
        setting(profile, SettingName::Block, profile).into(),
        calling_skill(BOOKS[0], "one").into(),
    ];
    resources.map(ResourceChange::Create).into()
}
