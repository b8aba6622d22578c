//! The rows of resources as a store shows them, and whether they are whole: derived rows and counts follow from the
//! resources, and what a resource refers to is there.

use std::collections::{BTreeMap, BTreeSet};

use jackfield_model::wire::Unit;
use jackfield_model::{AmazonId, OrganizationId, limit};

use super::world;
use crate::Store;
use crate::resource::{ListKey, Resource, RowKey, Table, all_rows};

/// Rows that are read at once.
const PAGE: usize = 100;

type Rows = BTreeMap<RowKey, String>;

/// All rows of resources of these organizations, those of the ids in `also` included, which may belong to nothing that is
/// there any more.
///
/// # Panics
/// When the store cannot be read, or the rows are not whole.
pub async fn whole(store: &dyn Store, organizations: &[OrganizationId], also: &[&str]) -> Rows {
    let mut rows = Rows::new();
    let (mut resources, mut profiles) = (Vec::new(), BTreeMap::new());
    for organization in organizations {
        let own = world::profiles(store, organization, PAGE).await;
        let mut scopes: BTreeSet<String> = also.iter().map(|id| (*id).to_owned()).collect();
        scopes.extend([String::new(), organization.suffix().to_owned()]);
        scopes.extend(own.iter().map(|profile| profile.id.suffix().to_owned()));
        for table in [Table::Unit, Table::AddressBook, Table::BookOfContact] {
            scopes.extend(
                list(store, &ListKey::new(organization, table, "")).await.into_iter().map(|(id, _)| id),
            );
        }
        let counted = Table::ALL.into_iter().filter(|table| table.is_counted());
        let counts = counted.map(|table| (Table::Count, table.number().to_string()));
        let held = Table::ALL.into_iter().filter(|table| !matches!(table, Table::Owner | Table::Count));
        let lists = held.flat_map(|table| scopes.iter().map(move |scope| (table, scope.clone())));
        for (table, scope) in lists.chain(counts) {
            let key = ListKey::new(organization, table, &scope);
            rows.extend(list(store, &key).await.into_iter().map(|(id, text)| (key.clone().row(&id), text)));
        }
        rows.extend(plain_counts(store, organization).await);
        profiles.extend(own.into_iter().map(|profile| (profile.id, profile.organization)));
    }
    rows.extend(owners(store, organizations).await);
    for (key, text) in rows.iter().filter(|(key, _)| !key.list.table.is_derived()) {
        let organization = key.organization().expect("resources are of an organization");
        let resource =
            Resource::from_row(key.list.table, text).unwrap_or_else(|error| panic!("{key}: {error}"));
        assert_eq!(resource.key(&organization), *key, "a resource in the wrong place");
        assert!(
            store.registry().organizations.contains_key(&organization),
            "{key}: its organization is not there"
        );
        assert_refers(&rows, &profiles, &organization, &resource);
        resources.push((organization, resource));
    }
    let expected = all_rows(&resources);
    let only = |one: &Rows, other: &Rows| -> Vec<String> {
        let rest = one.iter().filter(|(key, text)| other.get(key) != Some(text));
        rest.map(|(key, text)| format!("{key}: {text}")).collect()
    };
    let (more, missing) = (only(&rows, &expected), only(&expected, &rows));
    assert!(
        more.is_empty() && missing.is_empty(),
        "rows that should not be: {more:#?}, missing: {missing:#?}"
    );
    rows
}

/// What a resource refers to is there.
fn assert_refers(
    rows: &Rows,
    profiles: &BTreeMap<AmazonId, OrganizationId>,
    organization: &OrganizationId,
    resource: &Resource,
) {
    let there = |table, id: &str| rows.contains_key(&ListKey::new(organization, table, "").row(id));
    let is_profile = |id: &AmazonId| profiles.get(id) == Some(organization);
    let level = |id: &str| -> Option<u8> {
        let text = rows.get(&ListKey::new(organization, Table::Unit, "").row(id));
        let unit = text.and_then(|text| serde_json::from_str::<Unit>(text).ok());
        if id == organization.suffix() { Some(0) } else { unit.map(|unit| unit.level) }
    };
    let is_so = match resource {
        Resource::Unit(unit) => {
            unit.level <= limit::UNIT_LEVELS && level(unit.parent_id.suffix()) == Some(unit.level - 1)
        }
        Resource::AddressBook(_) | Resource::Skill(_) => true,
        Resource::Contact(contact) => {
            there(Table::AddressBook, contact.address_book_id.suffix())
                && contact.contact.profile().is_none_or(is_profile)
        }
        Resource::UnitAssociation(association) => {
            there(Table::AddressBook, association.address_book_id.suffix())
                && level(association.unit_id.suffix()).is_some()
        }
        Resource::ReciprocalAssociation(association) => {
            is_profile(&association.profile_id)
                && there(Table::BookOfContact, association.contact_id.suffix())
        }
        Resource::ContactSetting(setting) => {
            is_profile(&setting.profile_id) && is_profile(&setting.alexa_communication_profile_id)
        }
    };
    assert!(is_so, "{resource:?} of {organization} refers to what is not there");
}

/// Every row of a list.
async fn list(store: &dyn Store, key: &ListKey) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    loop {
        let after = all.last().map(|(id, _)| id.clone()).unwrap_or_default();
        let page = store.list_rows(key, &after, PAGE).await.expect("the store is available");
        let full = page.len() == PAGE;
        all.extend(page);
        if !full {
            assert!(all.is_sorted(), "{key:?} is out of order");
            return all;
        }
    }
}

/// The counts of lists that have no scope: their rows have no id, so no list shows them.
async fn plain_counts(store: &dyn Store, organization: &OrganizationId) -> Rows {
    let counted = Table::ALL.into_iter().filter(|table| table.is_counted());
    let keys: Vec<RowKey> = counted.map(|table| ListKey::new(organization, table, "").count()).collect();
    let found = store.find_rows(&keys).await.expect("the store is available");
    keys.into_iter().zip(found).filter_map(|(key, text)| Some((key, text?))).collect()
}

/// The rows that say to whom ids belong: to these organizations, or to none that is there.
async fn owners(store: &dyn Store, organizations: &[OrganizationId]) -> Rows {
    let mut rows = Rows::new();
    for table in Table::OF_ORGANIZATION {
        let key = RowKey::owner(table, "").list;
        for (id, owner) in list(store, &key).await {
            let owned_by = OrganizationId::from_suffix(&owner).expect("the end of an id");
            let is_other =
                !organizations.contains(&owned_by) && store.registry().organizations.contains_key(&owned_by);
            if !is_other {
                rows.insert(key.clone().row(&id), owner);
            }
        }
    }
    rows
}
