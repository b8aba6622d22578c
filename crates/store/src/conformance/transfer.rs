//! Snapshots, and the filling of an empty store.

use std::sync::Arc;

use jackfield_model::admin::{Maintenance, OrganizationPatch};

use super::dump::{Dump, assert_whole};
use super::property::furnish;
use super::world::{
    NORTH, NORTHERN, World, amazon, book, client, external, organization_id, origin, profile, unit, write,
};
use super::{Adapter, Memory};
use crate::contract::{Load, LoadOutcome, LoadStart, Part, Position, Row};
use crate::resource::{ListKey, ResourceChange, RowKey, Table};
use crate::source::Source;
use crate::transfer::copy;
use crate::{
    AssociationRange, CreateOutcome, DeleteProfileOutcome, MemoryStore, RegistryCommand, Store, StoreError,
};

/// Resources of a world that has lived.
const RESOURCES: u64 = 30;

/// A world with something of every kind, of which some was there before.
async fn lived_in(adapter: &dyn Adapter) -> World {
    let world = World::new(adapter).await;
    for (id, owner) in [("p1", NORTH), ("p2", NORTHERN), ("p3", NORTH), ("gone", NORTH)] {
        world.store.create_profile(profile(id, owner, id), origin()).await.unwrap();
    }
    assert_eq!(furnish(&*world.store, NORTH, "p1").await, RESOURCES / 2);
    assert_eq!(furnish(&*world.store, NORTHERN, "p2").await, RESOURCES / 2);
    for number in 0..30 {
        world.create(&number.to_string(), ["p1", "p2", "gone"][number % 3]).await;
        world.create_for(world.stranger, &format!("é{number}"), "p2").await;
    }
    world.update("4", "p3").await;
    world.delete("5").await;
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[1, 2]))).await;
    let north = organization_id(NORTH);
    world.store.delete_profile(&north, &amazon("gone"), origin()).await.unwrap();
    world.store.trim_changes(u64::MAX, 3).await.unwrap();
    let maintenance = Maintenance { enabled: true, retry_after: 5 };
    world.done(RegistryCommand::SetMaintenance(maintenance)).await;
    world
}

async fn look(store: &dyn Store, world: &World) -> Dump {
    let organizations = [NORTH, NORTHERN].map(organization_id);
    Dump::of(store, &world.all_providers(), &organizations, 7).await
}

/// That what was moved is as good as what it was moved from.
async fn assert_moved(world: &World, moved: Arc<dyn Store>, adapter: &dyn Adapter) {
    let wanted = look(&*world.store, world).await;
    let mut there = World { store: moved, providers: world.providers, stranger: world.stranger };
    let key = *world.store.root_key().as_bytes();
    for _ in 0..2 {
        assert_eq!(look(&*there.store, world).await.difference(&wanted), None);
        assert_eq!(*there.store.root_key().as_bytes(), key);
        assert_whole(&*there.store).await;
        there = there.again(adapter).await;
    }
    // Associations are counted as they were: those of "gone" too, should the profile come again.
    let north = organization_id(NORTH);
    let strict = OrganizationPatch { strict_profiles: Some(true), ..OrganizationPatch::default() };
    there.done(RegistryCommand::UpdateOrganization(north.clone(), strict.into())).await;
    there.store.create_profile(profile("gone", NORTH, "gone"), origin()).await.unwrap();
    let delete = async |id| there.store.delete_profile(&north, &amazon(id), origin()).await.unwrap();
    for id in ["p1", "p3", "gone"] {
        assert_eq!(delete(id).await, DeleteProfileOutcome::InUse, "{id}");
    }
    there.delete("4").await;
    assert_eq!(delete("p3").await, DeleteProfileOutcome::Deleted);
    assert_eq!(there.create("new", "p1").await, CreateOutcome::Created);
    let northern = organization_id(NORTHERN);
    let outcome = there.store.delete_profile(&northern, &amazon("p2"), origin()).await.unwrap();
    assert_eq!(outcome, DeleteProfileOutcome::Deleted);
    // A contact, its association and another, and two settings went with it.
    assert_whole(&*there.store).await;
    let changes = there.changes().await;
    assert!(changes.is_sorted_by_key(|change| change.sequence));
    assert_eq!(changes.iter().filter(|change| change.sequence > wanted.last_change).count(), 11);
}

async fn start(world: &World) -> LoadStart {
    let snapshot = world.store.snapshot().await.unwrap();
    LoadStart {
        source: Source::store(snapshot.root_key()),
        root_key: snapshot.root_key().clone(),
        registry: Arc::clone(snapshot.registry()),
        last_change: snapshot.totals().last_change,
    }
}

async fn begin(store: &dyn Store, start: LoadStart) -> Box<dyn Load> {
    store.load(start).await.unwrap().ready().unwrap()
}

fn rows(ids: &[&str]) -> Vec<Row> {
    ids.iter()
        .map(|id| Row { external_user_id: external(id), amazon_id: amazon("p1"), counted: true })
        .collect()
}

pub(super) async fn a_snapshot_shows_one_moment(adapter: &dyn Adapter) {
    let world = lived_in(adapter).await;
    let (before, changes) = (look(&*world.store, &world).await, world.changes().await);
    let mut snapshot = world.store.snapshot().await.unwrap();
    for number in 100..120 {
        world.create(&number.to_string(), "p1").await;
    }
    world.delete("7").await;
    let late = ResourceChange::Create(unit("late", NORTH).into());
    world.store.change_resources(&organization_id(NORTH), vec![late], origin()).await.unwrap();
    world.store.create_profile(profile("p0", NORTH, "p0"), origin()).await.unwrap();
    world.done(RegistryCommand::CreateClient(client("c2", NORTH, &[]))).await;
    assert_eq!(snapshot.totals().associations, before.total);
    assert_eq!(snapshot.totals().last_change, before.last_change);
    assert_eq!(snapshot.registry().clients.len(), 1);
    for (provider, (count, expected)) in world.all_providers().into_iter().zip(&before.associations) {
        assert_eq!(snapshot.count(provider).await.unwrap(), *count);
        let mut found: Vec<Row> = Vec::new();
        loop {
            let after = found.last().map(|row| row.external_user_id.clone());
            let page = snapshot.associations(provider, after.as_ref(), 7).await.unwrap();
            let full = page.len() == 7;
            found.extend(page);
            if !full {
                break;
            }
        }
        let found: Vec<(String, String)> = found
            .into_iter()
            .map(|row| (row.external_user_id.into(), row.amazon_id.suffix().to_owned()))
            .collect();
        assert_eq!(found, *expected);
    }
    let profiles = snapshot.profiles(None, 2).await.unwrap();
    let rest = snapshot.profiles(profiles.last().map(|last| &last.id), 2).await.unwrap();
    let ids: Vec<&str> = profiles.iter().chain(&rest).map(|profile| profile.id.suffix()).collect();
    assert_eq!(ids, ["p1", "p2", "p3"]);
    let resources = snapshot.resources(None, 1_000).await.unwrap();
    let rows = before.resources.into_iter().filter(|(key, _)| !key.list.table.is_derived());
    assert!(rows.eq(resources.iter().cloned()));
    assert_eq!(resources.len() as u64, RESOURCES);
    for (at, (key, _)) in resources.iter().enumerate() {
        let page = snapshot.resources(Some(key), 4).await.unwrap();
        assert_eq!(page, resources[at + 1..].iter().take(4).cloned().collect::<Vec<_>>(), "after {key}");
    }
    let (one, all) = (snapshot.changes(0, 1).await.unwrap(), snapshot.changes(0, 1_000).await.unwrap());
    assert_eq!((one.len(), all), (1, changes));
}

pub(super) async fn everything_moves_in(adapter: &dyn Adapter) {
    let world = lived_in(&Memory).await;
    let store = adapter.open().await;
    let moved = copy(&*world.store, &*store, |_| {}).await.unwrap();
    assert_eq!((moved.associations, moved.profiles, moved.repaired, moved.skipped), (59, 3, 0, 0));
    assert_eq!(moved.resources, RESOURCES);
    assert_moved(&world, store, adapter).await;
}

pub(super) async fn everything_moves_out(adapter: &dyn Adapter) {
    let world = lived_in(adapter).await;
    let store = Arc::new(MemoryStore::default());
    copy(&*world.store, &*store, |_| {}).await.unwrap();
    assert_moved(&world, store, &Memory).await;
}

pub(super) async fn nothing_is_seen_before_a_load_is_finished(adapter: &dyn Adapter) {
    let world = lived_in(&Memory).await;
    let store = adapter.open().await;
    let mut load = begin(&*store, start(&world).await).await;
    load.add(Part::Profiles(vec![profile("p1", NORTH, "p1")])).await.unwrap();
    let part = Part::Associations(vec![(world.providers[0], rows(&["1", "2", "3"]))]);
    load.add(part).await.unwrap();
    // A store that shows nothing, or refuses to show anything.
    let empty = async |store: &dyn Store| {
        assert!(store.registry().organizations.is_empty());
        let found = store.find_profile(&amazon("p1")).await;
        if matches!(found, Err(StoreError::Unavailable { .. })) {
            return;
        }
        assert_eq!(found.unwrap(), None);
        let all = AssociationRange { limit: 9, ..AssociationRange::default() };
        let page = store.list_associations(world.providers[0], &all).await.unwrap();
        assert_eq!((page.associations.len(), store.stats().await.unwrap().associations), (0, 0));
    };
    empty(&*store).await;
    assert_eq!(load.snapshot().await.unwrap().totals().associations, 3);
    if adapter.is_durable() {
        let refused = store.create_association(write(world.providers[0], "7", "p1")).await;
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
        assert!(store.load(start(&world).await).await.is_err(), "one load at a time");
    }
    load.finish().await.unwrap();
    assert_eq!(store.count_associations(world.providers[0]).await.unwrap(), 3);
    assert_eq!(store.registry().organizations.len(), 2);
    assert!(store.find_profile(&amazon("p1")).await.unwrap().is_some());
    store.check().await.unwrap();
}

pub(super) async fn an_interrupted_load_goes_on(adapter: &dyn Adapter) {
    if !adapter.is_durable() {
        return;
    }
    let world = lived_in(&Memory).await;
    let mut snapshot = world.store.snapshot().await.unwrap();
    let profiles = snapshot.profiles(None, 10).await.unwrap();
    let first = snapshot.associations(world.providers[0], None, 10).await.unwrap();
    let last = first.last().unwrap().external_user_id.clone();
    let resources = snapshot.resources(None, 1_000).await.unwrap();
    let first_part = Part::Profiles(profiles);
    let parts =
        [first_part, Part::Resources(resources), Part::Associations(vec![(world.providers[0], first)])];
    let mut store = adapter.open().await;
    let mut expected = Position::Start;
    for part in parts {
        let mut load = begin(&*store, start(&world).await).await;
        assert_eq!(*load.position(), expected);
        expected = part.end().unwrap();
        load.add(part).await.unwrap();
        drop(load);
        store.close().await;
        store = adapter.open_unfinished().await;
    }
    assert_eq!(expected, Position::Association(world.providers[0], last));
    let moved = copy(&*world.store, &*store, |_| {}).await.unwrap();
    assert_eq!((moved.skipped, moved.associations, moved.profiles, moved.repaired), (10, 49, 0, 0));
    assert_eq!(moved.resources, 0);
    assert_moved(&world, store, adapter).await;
}

pub(super) async fn a_load_that_was_interrupted_within_resources_goes_on(adapter: &dyn Adapter) {
    if !adapter.is_durable() {
        return;
    }
    let world = lived_in(&Memory).await;
    let mut snapshot = world.store.snapshot().await.unwrap();
    let store = adapter.open().await;
    let mut load = begin(&*store, start(&world).await).await;
    load.add(Part::Profiles(snapshot.profiles(None, 10).await.unwrap())).await.unwrap();
    let some = snapshot.resources(None, 11).await.unwrap();
    let last = some.last().unwrap().0.clone();
    load.add(Part::Resources(some)).await.unwrap();
    assert_eq!(*load.position(), Position::Resource(last));
    drop(load);
    store.close().await;
    let store = adapter.open_unfinished().await;
    let moved = copy(&*world.store, &*store, |_| {}).await.unwrap();
    assert_eq!((moved.resources, moved.associations, moved.repaired), (RESOURCES - 11, 59, 0));
    assert_moved(&world, store, adapter).await;
}

pub(super) async fn what_is_no_resource_is_not_stored(adapter: &dyn Adapter) {
    let world = lived_in(&Memory).await;
    let mut snapshot = world.store.snapshot().await.unwrap();
    let (key, text) = snapshot.resources(None, 1).await.unwrap().remove(0);
    let store = adapter.open().await;
    let mut load = begin(&*store, start(&world).await).await;
    let another = RowKey { id: "another".to_owned(), ..key.clone() };
    let derived = ListKey::new(&organization_id(NORTH), Table::ChildUnit, "u").row("v");
    for (key, text) in [(&another, &*text), (&key, "{}"), (&key, "nonsense"), (&derived, "")] {
        let refused = load.add(Part::Resources(vec![(key.clone(), text.to_owned())])).await;
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{key} {text}: {refused:?}");
        assert_eq!(*load.position(), Position::Start);
    }
    load.add(Part::Resources(vec![(key.clone(), text)])).await.unwrap();
    assert_eq!(*load.position(), Position::Resource(key));
}

pub(super) async fn what_changed_at_the_source_is_moved_again(adapter: &dyn Adapter) {
    if !adapter.is_durable() {
        return;
    }
    let world = lived_in(&Memory).await;
    let mut snapshot = world.store.snapshot().await.unwrap();
    let store = adapter.open().await;
    let mut load = begin(&*store, start(&world).await).await;
    load.add(Part::Profiles(snapshot.profiles(None, 10).await.unwrap())).await.unwrap();
    load.add(Part::Resources(snapshot.resources(None, 1_000).await.unwrap())).await.unwrap();
    for provider in [world.providers[0], world.stranger] {
        let rows = snapshot.associations(provider, None, 1_000).await.unwrap();
        load.add(Part::Associations(vec![(provider, rows)])).await.unwrap();
    }
    load.add(Part::Changes(snapshot.changes(0, 40).await.unwrap())).await.unwrap();
    drop(load);
    store.close().await;
    world.delete("1").await;
    world.update("3", "p2").await;
    world.create("0", "p1").await;
    world.create_for(world.providers[1], "late", "p1").await;
    world.store.create_profile(profile("p9", NORTH, "p9"), origin()).await.unwrap();
    world.store.trim_changes(u64::MAX, 5).await.unwrap();
    for id in world.store.find_associations(world.stranger, &[external("é1")]).await.unwrap() {
        world.delete_for(world.stranger, id.external_user_id.as_str()).await;
    }
    let (new, gone) = (unit("late", NORTH).into(), book("north-bar").into());
    let changed = vec![ResourceChange::Create(new), ResourceChange::Delete(gone)];
    let changed = world.store.change_resources(&organization_id(NORTH), changed, origin()).await.unwrap();
    assert_eq!(changed, [Ok(()), Ok(())]);
    let store = adapter.open_unfinished().await;
    let moved = copy(&*world.store, &*store, |_| {}).await.unwrap();
    // Both providers with changes, the one that came after the position, profiles, resources, and changes that were
    // trimmed.
    assert_eq!(moved.repaired, 6);
    assert_moved(&world, store, adapter).await;
}

/// A load that has everything but the changes, of a source in which `change` was made since, moves one section again.
async fn one_section_is_moved_again(adapter: &dyn Adapter, change: impl AsyncFn(&World)) {
    if !adapter.is_durable() {
        return;
    }
    let world = lived_in(&Memory).await;
    let mut snapshot = world.store.snapshot().await.unwrap();
    let store = adapter.open().await;
    let mut load = begin(&*store, start(&world).await).await;
    load.add(Part::Profiles(snapshot.profiles(None, 10).await.unwrap())).await.unwrap();
    load.add(Part::Resources(snapshot.resources(None, 1_000).await.unwrap())).await.unwrap();
    for provider in [world.providers[0], world.stranger] {
        let rows = snapshot.associations(provider, None, 1_000).await.unwrap();
        load.add(Part::Associations(vec![(provider, rows)])).await.unwrap();
    }
    drop(load);
    store.close().await;
    change(&world).await;
    let store = adapter.open_unfinished().await;
    let moved = copy(&*world.store, &*store, |_| {}).await.unwrap();
    assert_eq!(moved.repaired, 1);
    assert_moved(&world, store, adapter).await;
}

pub(super) async fn profiles_are_moved_again_without_resources(adapter: &dyn Adapter) {
    let change = async |world: &World| {
        world.store.create_profile(profile("p9", NORTH, "p9"), origin()).await.unwrap();
    };
    one_section_is_moved_again(adapter, change).await;
}

pub(super) async fn resources_are_moved_again_without_profiles(adapter: &dyn Adapter) {
    let change = async |world: &World| {
        let late = vec![ResourceChange::Create(unit("late", NORTH).into())];
        let created = world.store.change_resources(&organization_id(NORTH), late, origin()).await.unwrap();
        assert_eq!(created, [Ok(())]);
    };
    one_section_is_moved_again(adapter, change).await;
}

pub(super) async fn a_load_goes_on_with_the_same_only(adapter: &dyn Adapter) {
    if !adapter.is_durable() {
        return;
    }
    let (world, other) = (lived_in(&Memory).await, lived_in(&Memory).await);
    let store = adapter.open().await;
    drop(begin(&*store, start(&world).await).await);
    store.close().await;
    let store = adapter.open_unfinished().await;
    let outcome = store.load(start(&other).await).await.unwrap();
    let LoadOutcome::Another(found) = outcome else { panic!("{outcome:?}") };
    assert_eq!(found, Source::store(world.store.root_key()));
    copy(&*world.store, &*store, |_| {}).await.unwrap();
    assert_moved(&world, store, adapter).await;
}

pub(super) async fn only_a_new_store_is_filled(adapter: &dyn Adapter) {
    let (source, world) = (lived_in(&Memory).await, World::new(adapter).await);
    let before = look(&*world.store, &world).await;
    let outcome = world.store.load(start(&source).await).await.unwrap();
    assert!(matches!(outcome, LoadOutcome::NotEmpty), "{outcome:?}");
    assert_eq!(look(&*world.store, &world).await.difference(&before), None);
    // One that was emptied again is not new: its change record would be mixed with that of the other.
    world.store.reset(crate::Content::default(), origin()).await.unwrap();
    assert!(matches!(world.store.load(start(&source).await).await.unwrap(), LoadOutcome::NotEmpty));
}

pub(super) async fn an_abandoned_load_leaves_an_empty_store(adapter: &dyn Adapter) {
    let world = lived_in(&Memory).await;
    let mut snapshot = world.store.snapshot().await.unwrap();
    let store = adapter.open().await;
    let key = *store.root_key().as_bytes();
    let mut load = begin(&*store, start(&world).await).await;
    load.add(Part::Profiles(snapshot.profiles(None, 10).await.unwrap())).await.unwrap();
    load.add(Part::Resources(snapshot.resources(None, 1_000).await.unwrap())).await.unwrap();
    load.add(Part::Associations(vec![(world.providers[0], rows(&["1", "2"]))])).await.unwrap();
    load.add(Part::Changes(snapshot.changes(0, 40).await.unwrap())).await.unwrap();
    load.abandon().await.unwrap();
    let store = if adapter.is_durable() {
        store.close().await;
        adapter.open().await
    } else {
        store
    };
    assert_eq!(*store.root_key().as_bytes(), key);
    store.check().await.unwrap();
    let dump = look(&*store, &world).await;
    assert_eq!((dump.total, dump.last_change, dump.changes.len(), dump.organizations.len()), (0, 0, 0, 0));
    assert_eq!((dump.resources, store.find_profile(&amazon("p1")).await.unwrap()), (Vec::new(), None));
    assert_whole(&*store).await;
    copy(&*world.store, &*store, |_| {}).await.unwrap();
    assert_moved(&world, store, adapter).await;
}
