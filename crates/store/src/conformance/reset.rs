//! The reset to given content.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jackfield_model::wire::Association;

use super::Adapter;
use super::dump::{Dump, assert_whole, walk};
use super::property::furnish;
use super::world::{
    NORTH, NORTHERN, World, amazon, changes, client, external, organization_id, origin, owner_said, profile,
};
use crate::registry::Registry;
use crate::{
    Actor, AssociationRange, ChangeFilter, Content, CreateOutcome, CreateProfileOutcome, MemoryStore,
    Operation, RegistryCommand, RegistryStore, Store, Subject,
};

/// Content that a store of its own came to hold: the first provider has the associations, a client has a refresh
/// token, a profile speaks for a unit.
async fn content(world: &World, ids: &[&str]) -> Content {
    let store = MemoryStore::default();
    let mut registry = Registry::clone(&world.store.registry());
    registry.maintenance = jackfield_model::admin::Maintenance::default();
    registry.clients.clear();
    let association = |id: &&str| Association::new(external(id), amazon("seeded"));
    let associations = BTreeMap::from([(world.providers[0], ids.iter().map(association).collect())]);
    let kept =
        Content { registry, profiles: vec![profile("p", NORTH, "room")], associations, ..Content::default() };
    store.reset(kept, origin()).await.unwrap();
    furnish(&store, NORTH, "p").await;
    for command in [
        RegistryCommand::DeleteServiceProvider(world.stranger),
        RegistryCommand::DeleteOrganization(organization_id(NORTHERN)),
        RegistryCommand::CreateClient(client("seeded", NORTH, &[1])),
    ] {
        store.change_registry(command, origin()).await.unwrap();
    }
    store.content()
}

/// A world in which much has happened.
async fn lived_in(adapter: &dyn Adapter) -> World {
    let world = World::new(adapter).await;
    for number in 0..40 {
        world.create(&number.to_string(), "old").await;
        world.create_for(world.stranger, &number.to_string(), "old").await;
    }
    world.done(RegistryCommand::CreateClient(client("old", NORTHERN, &[2, 3]))).await;
    let maintenance = jackfield_model::admin::Maintenance { enabled: true, retry_after: 5 };
    world.done(RegistryCommand::SetMaintenance(maintenance)).await;
    for (id, owner) in [("one", NORTH), ("two", NORTHERN)] {
        world.store.create_profile(profile(id, owner, id), origin()).await.unwrap();
        furnish(&*world.store, owner, id).await;
    }
    world
}

pub(super) async fn a_reset_puts_other_content_in_place(adapter: &dyn Adapter) {
    let fresh = World::new(&super::Memory).await;
    let wanted = content(&fresh, &["7201", "7202"]).await;
    let model = MemoryStore::default();
    model.reset(wanted.clone(), origin()).await.unwrap();
    let organizations = [NORTH, NORTHERN].map(organization_id);
    let look = async |store: &dyn Store| {
        let dump = Dump::of(store, &fresh.all_providers(), &organizations, 7).await;
        Dump { changes: Vec::new(), last_change: 0, ..dump }
    };
    let expected = look(&model).await;
    assert!(!expected.resources.is_empty());
    assert_eq!((expected.total, expected.clients.len(), expected.organizations.len()), (2, 1, 1));
    let world = lived_in(adapter).await;
    let key = *world.store.root_key().as_bytes();
    for _ in 0..2 {
        world.store.reset(wanted.clone(), origin()).await.unwrap();
        assert_eq!(look(&*world.store).await.difference(&expected), None);
        assert_whole(&*world.store).await;
        world.create("by a client", "new").await;
        world.done(RegistryCommand::CreateClient(client("late", NORTH, &[9]))).await;
    }
    world.store.reset(wanted, origin()).await.unwrap();
    let world = world.again(adapter).await;
    if adapter.is_durable() {
        assert_eq!(look(&*world.store).await.difference(&expected), None);
        assert_eq!(*world.store.root_key().as_bytes(), key);
    }
}

pub(super) async fn the_change_record_goes_on_over_a_reset(adapter: &dyn Adapter) {
    let world = lived_in(adapter).await;
    let before = world.changes().await;
    let wanted = content(&world, &["7201"]).await;
    let asked = origin();
    world.store.reset(wanted, asked.clone()).await.unwrap();
    let world = world.again(adapter).await;
    let after = world.changes().await;
    assert_eq!(after[..before.len()], before[..], "what was recorded stays");
    let new = &after[before.len()..];
    assert!(
        new.is_sorted_by_key(|change| change.sequence) && new[0].sequence > before.last().unwrap().sequence
    );
    assert!(new.iter().all(|change| change.request_id == asked.request_id && change.time == asked.time));
    assert_eq!((&new[0].actor, new[0].operation_name().as_str()), (&Actor::Admin, "directory.reset"));
    let rest: Vec<(String, bool)> = new[1..]
        .iter()
        .map(|change| {
            (change.operation_name(), change.actor == Actor::Seed && change.operation == Operation::Create)
        })
        .collect();
    let names: Vec<&str> = rest.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        ("organization.create", 1),
        ("client.create", 1),
        ("service_provider.create", 2),
        ("profile.create", 1),
        ("unit.create", 2),
        ("address_book.create", 2),
        ("contact.create", 4),
        ("unit_association.create", 3),
        ("reciprocal_association.create", 2),
        ("contact_setting.create", 2),
        ("association.create", 1),
    ];
    let expected: Vec<&str> = expected.iter().flat_map(|(name, times)| vec![*name; *times]).collect();
    assert_eq!(names, expected);
    assert!(rest.iter().all(|(_, by_the_seed)| *by_the_seed));
    let of_objects = new[1..].iter().filter(|change| matches!(&change.subject, Subject::Object { .. }));
    for change in of_objects.filter(|change| change.operation_name() != "organization.create") {
        assert_eq!(owner_said(change), Some(organization_id(NORTH)), "{change:?}");
    }
    let Subject::Association { external_user_id, .. } = &new.last().unwrap().subject else {
        panic!("{new:?}")
    };
    assert_eq!(external_user_id.as_str(), "7201");
    let of_provider = ChangeFilter { provider: Some(world.providers[0]), after: 0, limit: 100 };
    assert_eq!(changes(&*world.store, &of_provider).await.last(), new.last());
}

pub(super) async fn a_reset_is_seen_whole(adapter: &dyn Adapter) {
    const ROUNDS: usize = 30;
    let world = World::new(adapter).await;
    let states: Vec<Vec<&str>> = vec![vec!["a", "b", "c"], vec!["b", "d"], vec![]];
    let mut contents = Vec::new();
    for ids in &states {
        contents.push(content(&world, ids).await);
    }
    world.store.reset(contents[0].clone(), origin()).await.unwrap();
    let allowed: BTreeSet<Vec<String>> =
        states.iter().map(|ids| ids.iter().map(|&id| id.to_owned()).collect()).collect();
    let (store, provider) = (Arc::clone(&world.store), world.providers[0]);
    let (done, mut finished) = tokio::sync::oneshot::channel::<()>();
    let (began, begun) = tokio::sync::oneshot::channel::<()>();
    let mut began = Some(began);
    let reader = tokio::spawn(async move {
        let mut seen = BTreeSet::new();
        while finished.try_recv() == Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
            let range = AssociationRange { limit: 10, ..AssociationRange::default() };
            let page = store.list_associations(provider, &range).await.unwrap();
            let ids: Vec<String> = page
                .associations
                .into_iter()
                .map(|association| association.external_user_id.into())
                .collect();
            assert!(allowed.contains(&ids), "a part of a reset was seen: {ids:?}");
            seen.insert(ids);
            if let Some(began) = began.take() {
                began.send(()).unwrap();
            }
            tokio::task::yield_now().await;
        }
        seen
    });
    begun.await.unwrap();
    for round in 0..ROUNDS {
        world.store.reset(contents[round % contents.len()].clone(), origin()).await.unwrap();
        let ids: Vec<String> =
            walk(&*world.store, provider, 10).await.into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, states[round % states.len()]);
    }
    done.send(()).unwrap();
    assert!(!reader.await.unwrap().is_empty());
}

pub(super) async fn after_a_reset_everything_is_as_free_as_in_a_new_store(adapter: &dyn Adapter) {
    let world = lived_in(adapter).await;
    world.store.reset(Content::default(), origin()).await.unwrap();
    assert_eq!(world.create("7201", "one").await, CreateOutcome::NoSuchProvider);
    let world = world.again(adapter).await;
    assert!(world.store.registry().organizations.is_empty());
    world.done(RegistryCommand::CreateOrganization(super::world::organization(NORTHERN))).await;
    let provider = super::world::service_provider(world.providers[1], NORTHERN, "network 0");
    world.done(RegistryCommand::CreateServiceProvider(provider)).await;
    world.done(RegistryCommand::CreateClient(client("other", NORTHERN, &[2, 3]))).await;
    let created = world.store.create_profile(profile("one", NORTHERN, "two"), origin()).await.unwrap();
    assert_eq!(created, CreateProfileOutcome::Created);
    furnish(&*world.store, NORTHERN, "one").await;
    assert_whole(&*world.store).await;
    assert_eq!(world.count(world.providers[1]).await, 0);
    assert_eq!(world.create_for(world.providers[1], "3", "one").await, CreateOutcome::Created);
    assert_eq!(world.store.stats().await.unwrap().associations, 1);
}
