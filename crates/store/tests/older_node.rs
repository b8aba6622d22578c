//! A node of a release that knows no resources beside one that does, on one database of PostgreSQL: what the older one
//! deletes leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

use jackfield_model::wire::{Contact, SettingName};
use jackfield_store::conformance::Postgres;
use jackfield_store::conformance::resource_rows::whole;
use jackfield_store::conformance::world::{
    NORTH, NORTHERN, World, amazon, association, book, contact, number, organization, organization_id,
    origin, profile, reciprocal, setting, to_profile, unit,
};
use jackfield_store::resource::{Resource, ResourceChange};
use jackfield_store::{Actor, Change, ChangeFilter, DeleteProfileOutcome, Origin, RegistryCommand, Subject};
use tokio_postgres::{Client, NoTls};

const SCOPES: [&str; 9] = ["p", "q", "desk", "bar", "one", "two", "three", "lobby", "room"];

/// Runs statements as another node does.
async fn other_node(adapter: &Postgres) -> Client {
    let url = adapter.url();
    let (url, _) = url.split_once("&pool_size").unwrap();
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Two profiles with contacts that name them, what refers to those, and what does not.
async fn lived_in(adapter: &Postgres) -> World {
    let world = World::new(adapter).await;
    for id in ["p", "q"] {
        world.store.create_profile(profile(id, NORTH, id), origin()).await.unwrap();
    }
    let resources: [Resource; 16] = [
        unit("lobby", NORTH).into(),
        unit("room", "lobby").into(),
        book("desk").into(),
        book("bar").into(),
        association("desk", "lobby").into(),
        association("bar", NORTH).into(),
        contact("desk", "one", to_profile("p")).into(),
        contact("desk", "two", number()).into(),
        contact("bar", "three", to_profile("p")).into(),
        reciprocal("p", "two").into(),
        reciprocal("p", "one").into(),
        reciprocal("q", "one").into(),
        reciprocal("q", "two").into(),
        setting("p", SettingName::Block, "p").into(),
        setting("p", SettingName::DropIn, "q").into(),
        setting("q", SettingName::Block, "p").into(),
    ];
    let changes = resources.map(ResourceChange::Create).into();
    let outcomes = world.store.change_resources(&organization_id(NORTH), changes, origin()).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    world
}

/// The rows of both organizations, which are whole.
async fn rows(world: &World) -> Vec<String> {
    let both = [NORTH, NORTHERN].map(organization_id);
    let rows = whole(&*world.store, &both, &SCOPES).await;
    rows.into_iter().map(|(key, text)| format!("{key} {text}")).collect()
}

/// What was recorded after a change, without what differs from time to time.
async fn recorded(world: &World, after: u64) -> Vec<(String, Subject)> {
    let filter = ChangeFilter { after, limit: 1_000, ..ChangeFilter::default() };
    let page = world.store.list_changes(&filter).await.unwrap();
    let mut changes: Vec<_> =
        page.changes.into_iter().map(|change: Change| (change.operation_name(), change.subject)).collect();
    changes.sort_by_key(|(name, subject)| format!("{name} {subject:?}"));
    changes
}

#[tokio::test]
async fn what_goes_with_a_profile_goes_whoever_deletes_it() {
    let (older, newer) = (Postgres::default(), Postgres::default());
    let (left, right) = (lived_in(&older).await, lived_in(&newer).await);
    let before = [left.last_change().await, right.last_change().await];
    let delete = format!(
        "BEGIN; SELECT FROM directory FOR UPDATE; DELETE FROM profile WHERE id = '{}'; COMMIT",
        amazon("p")
    );
    other_node(&older).await.batch_execute(&delete).await.unwrap();
    let origin = Origin { actor: Actor::Admin, ..origin() };
    let deleted = right.store.delete_profile(&organization_id(NORTH), &amazon("p"), origin).await.unwrap();
    assert_eq!(deleted, DeleteProfileOutcome::Deleted);
    assert_eq!(rows(&left).await, rows(&right).await);
    let mut expected = recorded(&right, before[1]).await;
    expected.retain(|(name, _)| name != "profile.delete");
    assert_eq!(expected.len(), 8, "{expected:#?}");
    assert_eq!(recorded(&left, before[0]).await, expected);
    // One that nothing names takes nothing along.
    let before = left.last_change().await;
    let delete = format!("DELETE FROM profile WHERE id = '{}'", amazon("q"));
    let rest = rows(&left).await.len();
    other_node(&older).await.batch_execute(&delete).await.unwrap();
    assert_eq!(
        rows(&left).await.len(),
        rest - 2,
        "its association with a contact, and what is derived from it"
    );
    assert_eq!(recorded(&left, before).await.len(), 1);
}

#[tokio::test]
async fn thousands_go_each_with_a_number_of_its_own() {
    const MANY: usize = 4_500;
    let adapter = Postgres::default();
    let world = World::new(&adapter).await;
    world.store.create_profile(profile("p", NORTH, "p"), origin()).await.unwrap();
    let new = ResourceChange::Create(book("desk").into());
    world.store.change_resources(&organization_id(NORTH), vec![new], origin()).await.unwrap();
    let like = to_json(&contact("desk", "SOME", to_profile("p")));
    let contacts = format!(
        "WITH one AS (SELECT number, 'c' || number AS id FROM generate_series(1, {MANY}) AS number)
         INSERT INTO resource (organization_id, kind, scope, id, value)
         SELECT '{NORTH}', 3, 'desk', id, replace('{like}', 'SOME', id) FROM one
         UNION ALL SELECT '{NORTH}', 34, 'p', id, 'desk' FROM one
         UNION ALL SELECT '{NORTH}', 35, '', id, 'desk' FROM one
         UNION ALL SELECT '{NORTH}', 39, '3', 'desk', '{MANY}'"
    );
    let client = other_node(&adapter).await;
    client.batch_execute(&contacts).await.unwrap();
    let before = world.last_change().await;
    client.batch_execute("DELETE FROM profile").await.unwrap();
    assert_eq!(rows(&world).await.len(), 3, "the book, its owner, the count of books");
    assert_eq!(world.changes_after(before).await, MANY);
}

fn to_json(contact: &Contact) -> String {
    let text = serde_json::to_string(contact).unwrap();
    assert!(text.contains("SOME\""), "the end of its id");
    text.replace("contact SOME", "contact")
}

#[tokio::test]
async fn an_organization_that_comes_again_has_nothing_of_the_one_before() {
    let adapter = Postgres::default();
    let world = lived_in(&adapter).await;
    let client = other_node(&adapter).await;
    client.batch_execute("DELETE FROM profile; DELETE FROM tenant").await.unwrap();
    assert!(rows(&world).await.len() > 10);
    let forget = format!(
        "BEGIN; UPDATE directory SET registry_version = registry_version + 1;
         UPDATE registry SET record = NULL, version = (SELECT registry_version FROM directory)
         WHERE id = '{}' OR record LIKE '%organization%{0}%'; COMMIT",
        organization_id(NORTH)
    );
    client.batch_execute(&forget).await.unwrap();
    let again = RegistryCommand::CreateOrganization(organization(NORTH));
    world.done(again).await;
    assert_eq!(rows(&world).await, [""; 0]);
    let anew = Resource::from(unit("lobby", NORTHERN));
    let north = organization_id(NORTHERN);
    let created =
        world.store.change_resources(&north, vec![ResourceChange::Create(anew)], origin()).await.unwrap();
    assert_eq!(created, [Ok(())], "its ids are free");
}
