//! What a store shows after it was opened again, wherever its last commits left it: in rows of their own, or in those of
//! their changes.

use super::*;
use crate::conformance::Embedded;
use crate::conformance::world::{World, origin, write};
use crate::embedded::EmbeddedStore;
use crate::embedded::recent::Recent;
use crate::{
    AssociationStore as _, ChangeFilter, ChangeStore as _, RegistryStore as _, Store as _, StoreOptions,
};

/// A store with nothing but its accounts, and their changes.
async fn store(adapter: &Embedded) -> (EmbeddedStore, World, u64) {
    let world = World::new(adapter).await;
    let accounts = world.last_change().await;
    world.store.close().await;
    (open(adapter).await, world, accounts)
}

async fn open(adapter: &Embedded) -> EmbeddedStore {
    EmbeddedStore::open(adapter.dir(), StoreOptions::default()).await.unwrap()
}

/// Makes associations of the provider in one commit.
async fn create_together(store: &EmbeddedStore, provider: ServiceProviderId, names: std::ops::Range<u64>) {
    let create = move |group: &mut Group<'_>| {
        for name in names {
            let created = group.create(write(provider, &format!("room-{name}"), "one"))?;
            assert_eq!(created, CreateOutcome::Created);
        }
        Ok(())
    };
    store.write(create).await.unwrap();
}

async fn numbers(store: &EmbeddedStore, after: u64) -> Vec<u64> {
    let filter = ChangeFilter { after, limit: 1_000, ..ChangeFilter::default() };
    store.list_changes(&filter).await.unwrap().changes.iter().map(|change| change.sequence).collect()
}

#[tokio::test]
async fn counts_and_numbers_go_on_where_they_were_after_every_start() {
    let adapter = Embedded::in_memory();
    let (mut store, world, accounts) = store(&adapter).await;
    let [one, other] = [world.providers[0], world.providers[1]];
    let mut made = 0;
    // Around the number of commits after which the counts get rows again.
    let most = Recent::COMMITS_MAX as u64;
    for until in [1, 2, 5, most - 1, most, most + 1, most + 2, 2 * most + 3] {
        while made < until {
            let provider = if made % 3 == 0 { one } else { other };
            create_together(&store, provider, made..made + 1).await;
            made += 1;
        }
        let token = store.shared.view().await.unwrap().state.token;
        store.close().await;
        store = open(&adapter).await;
        let of_one = made.div_ceil(3);
        assert_eq!(store.count_associations(one).await.unwrap(), of_one, "after {made}");
        assert_eq!(store.count_associations(other).await.unwrap(), made - of_one, "after {made}");
        assert_eq!(store.stats().await.unwrap().last_change, accounts + made);
        assert_eq!(store.shared.view().await.unwrap().state.token, token);
    }
    store.close().await;
}

#[tokio::test]
async fn what_goes_with_an_organization_is_not_counted_again() {
    let adapter = Embedded::in_memory();
    let (store, world, _) = store(&adapter).await;
    let provider = world.providers[0];
    create_together(&store, provider, 0..3).await;
    let remove = RegistryCommand::DeleteServiceProviderWithAssociations(provider, 10);
    assert_eq!(store.change_registry(remove, origin()).await.unwrap(), RegistryOutcome::Done);
    store.close().await;
    let store = open(&adapter).await;
    assert_eq!(store.shared.view().await.unwrap().counts.provider(provider), None);
    assert_eq!(store.stats().await.unwrap().associations, 0);
    store.close().await;
}

#[tokio::test]
async fn a_commit_of_many_changes_is_read_and_forgotten_change_by_change() {
    let adapter = Embedded::in_memory();
    let (store, world, accounts) = store(&adapter).await;
    create_together(&store, world.providers[0], 0..200).await;
    create_together(&store, world.providers[0], 200..201).await;
    let view = store.shared.view().await.unwrap();
    let rows = view.keys(Space::Change, &[]).count() as u64;
    assert!(rows - accounts <= 9, "{rows} rows");
    drop(view);
    let made = accounts + 1..=accounts + 201;
    for after in [accounts, accounts + 1, accounts + 63, accounts + 64, accounts + 130, accounts + 200] {
        let expected: Vec<u64> = made.clone().filter(|number| *number > after).collect();
        assert_eq!(numbers(&store, after).await, expected, "after {after}");
        assert_eq!(store.backlog(after).await.unwrap().changes, expected.len() as u64);
    }
    // In the middle of a row, twice, and then up to its end.
    for (through, limit, forgotten) in
        [(accounts + 10, 1_000, accounts + 10), (accounts + 201, 3, 3), (accounts + 64, 1_000, 51)]
    {
        let found = store.trim_changes(through, limit).await.unwrap();
        assert_eq!(found as u64, forgotten);
    }
    assert_eq!(numbers(&store, 0).await.first(), Some(&(accounts + 65)));
    store.close().await;
    let store = open(&adapter).await;
    assert_eq!(numbers(&store, 0).await, (accounts + 65..=accounts + 201).collect::<Vec<_>>());
    assert_eq!(store.trim_changes(u64::MAX, 1_000).await.unwrap(), 137);
    let view = store.shared.view().await.unwrap();
    assert_eq!(view.keys(Space::Change, &[]).count(), 0, "no row is left");
    drop(view);
    store.close().await;
}

#[tokio::test]
async fn a_group_forgets_its_own_changes_too() {
    let adapter = Embedded::in_memory();
    let (store, world, accounts) = store(&adapter).await;
    let provider = world.providers[0];
    let work = move |group: &mut Group<'_>| {
        let create =
            |group: &mut Group<'_>, name: usize| group.create(write(provider, &format!("{name}"), "one"));
        for name in 0..70 {
            create(group, name)?;
        }
        // Past the first row of the group.
        let forgotten = group.trim_changes(accounts + 66, 1_000)?;
        create(group, 70)?;
        Ok(forgotten)
    };
    assert_eq!(store.write(work).await.unwrap() as u64, accounts + 66);
    let left = (accounts + 67..=accounts + 71).collect::<Vec<_>>();
    assert_eq!(numbers(&store, 0).await, left);
    let work = move |group: &mut Group<'_>| group.trim_changes(u64::MAX, 1_000);
    assert_eq!(store.write(work).await.unwrap(), 5);
    store.close().await;
    let store = open(&adapter).await;
    assert_eq!(numbers(&store, 0).await, [] as [u64; 0]);
    assert_eq!(store.count_associations(provider).await.unwrap(), 71);
    store.close().await;
}
