//! What a verification finds of resources: rows that are no resource, rows that do not follow from one, counts that are
//! wrong, what is referred to and is not there.

use jackfield_model::wire::SettingName;

use super::dump::{assert_whole, findings};
use super::property::furnish;
use super::world::{
    NORTH, NORTHERN, World, association, book, contact, number, organization_id, origin, profile, reciprocal,
    setting, to_profile, unit,
};
use super::{Adapter, Memory};
use crate::resource::{ListKey, Resource, RowKey, Table};

/// A world with resources of both organizations, as they are stored.
async fn furnished(adapter: &dyn Adapter) -> World {
    let world = World::new(adapter).await;
    for (id, owner) in [("p", NORTH), ("q", NORTHERN)] {
        world.store.create_profile(profile(id, owner, id), origin()).await.unwrap();
        furnish(&*world.store, owner, id).await;
    }
    world
}

fn row(table: Table, scope: &str, id: &str) -> RowKey {
    ListKey::new(&organization_id(NORTH), table, scope).row(id)
}

/// Puts other texts in the place of rows, looks at what is found, and puts the rows back. Answers place and problem of each
/// finding.
async fn found(adapter: &dyn Adapter, damage: &[(RowKey, Option<String>)]) -> Vec<String> {
    let store = adapter.open().await;
    let keys: Vec<RowKey> = damage.iter().map(|(key, _)| key.clone()).collect();
    let before = store.find_rows(&keys).await.unwrap();
    store.close().await;
    for (key, text) in damage {
        adapter.damage(key, text.as_deref()).await;
    }
    let store = adapter.open().await;
    let found = findings(&*store).await;
    store.close().await;
    for (key, text) in keys.iter().zip(before) {
        adapter.damage(key, text.as_deref()).await;
    }
    let store = adapter.open().await;
    assert_whole(&*store).await;
    store.close().await;
    found.into_iter().map(|finding| format!("{}: {}", finding.place, finding.problem)).collect()
}

pub(super) async fn what_follows_from_resources_is_verified(adapter: &dyn Adapter) {
    assert_whole(&*furnished(&Memory).await.store).await;
    if !adapter.is_durable() {
        return;
    }
    let world = furnished(adapter).await;
    assert_whole(&*world.store).await;
    world.store.close().await;
    let (contacts, books_of_unit) =
        (Table::Contact.number().to_string(), Table::BookOfUnit.number().to_string());
    let follows = |table: &str| format!("resources: the index {table} is not the one that follows from them");
    let counted = "resources: what is counted of their lists is not what is there".to_owned();
    for (key, text, expected) in [
        (row(Table::ChildUnit, NORTH, "north-tower"), None, vec![follows("ChildUnit")]),
        (row(Table::ChildUnit, NORTH, "nobody"), Some(""), vec![follows("ChildUnit")]),
        (
            row(Table::BookOfUnit, "north-floor", "north-bar"),
            None,
            vec![counted.clone(), follows("BookOfUnit")],
        ),
        (row(Table::BookOfContact, "", "north-room"), Some("north-bar"), vec![follows("BookOfContact")]),
        (row(Table::ContactOfProfile, "p", "north-room"), None, vec![follows("ContactOfProfile")]),
        (row(Table::ProfileOfContact, "north-room", "p"), None, vec![follows("ProfileOfContact")]),
        (row(Table::SettingAbout, "p", "DropIn:p"), None, vec![follows("SettingAbout")]),
        (RowKey::owner(Table::Unit, "north-floor"), Some(NORTHERN), vec![follows("Owner")]),
        (row(Table::Count, &contacts, "north-desk"), Some("4"), vec![counted.clone()]),
        (row(Table::Count, &contacts, "north-bar"), None, vec![counted.clone()]),
        (row(Table::Count, &contacts, "north-nowhere"), Some("1"), vec![counted.clone()]),
        (row(Table::Count, &books_of_unit, "north-floor"), Some("3"), vec![counted]),
    ] {
        let damage = [(key.clone(), text.map(str::to_owned))];
        assert_eq!(found(adapter, &damage).await, expected, "{key}");
    }
}

pub(super) async fn what_resources_refer_to_is_verified(adapter: &dyn Adapter) {
    if !adapter.is_durable() {
        return;
    }
    furnished(adapter).await.store.close().await;
    let north = organization_id(NORTH);
    let is_missing = |resource: &Resource, what: &str| {
        (resource.clone(), format!("{}: its {what} is not there", resource.key(&north)))
    };
    for (resource, problem) in [
        is_missing(&unit("new", "nowhere").into(), "unit"),
        is_missing(&unit("new", "northern-tower").into(), "unit"),
        is_missing(&contact("nowhere", "new", number()).into(), "address book"),
        is_missing(&contact("north-desk", "new", to_profile("nobody")).into(), "communication profile"),
        // Of the other organization.
        is_missing(&contact("north-desk", "new", to_profile("q")).into(), "communication profile"),
        is_missing(&association("nowhere", "north-floor").into(), "address book"),
        is_missing(&association("north-desk", "nowhere").into(), "unit"),
        is_missing(&reciprocal("q", "north-room").into(), "communication profile"),
        is_missing(&reciprocal("p", "nobody").into(), "contact"),
        is_missing(&setting("p", SettingName::Block, "q").into(), "communication profile"),
    ] {
        let rows = resource.rows(&north).into_iter();
        let damage: Vec<_> = rows.map(|(key, text)| (key, Some(text))).collect();
        let found = found(adapter, &damage).await;
        assert!(found.contains(&problem), "{problem}: {found:?}");
    }
    let desk = row(Table::AddressBook, "", "north-desk");
    let text = serde_json::to_string(&book("north-bar")).unwrap();
    for (key, text, problem) in [
        (desk.clone(), text, "it stands under the key of another"),
        (desk.clone(), "{}".to_owned(), "no address_book from byte"),
        (desk, "nonsense".to_owned(), "no address_book from byte"),
    ] {
        let found = found(adapter, &[(key.clone(), Some(text))]).await;
        let expected = format!("{key}: {problem}");
        assert!(found.iter().any(|found| found.starts_with(&expected)), "{expected}: {found:?}");
    }
    let text = serde_json::to_string(&unit("lost", "south")).unwrap();
    let lost = ListKey::new(&organization_id("south"), Table::Unit, "").row("lost");
    let found = found(adapter, &[(lost.clone(), Some(text))]).await;
    assert!(found.contains(&format!("{lost}: its organization is not there")), "{found:?}");
}
