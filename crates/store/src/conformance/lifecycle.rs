//! Opening, closing, and what a store says of itself.

use super::Adapter;
use super::dump::Dump;
use super::world::{NORTH, NORTHERN, World, client, organization_id, origin, profile, write};
use crate::{ChangeFilter, RegistryCommand, StoreError};

pub(super) async fn an_empty_store_answers(adapter: &dyn Adapter) {
    let store = adapter.open().await;
    store.check().await.unwrap();
    let stats = store.stats().await.unwrap();
    assert_eq!((stats.associations, stats.last_change), (0, 0));
    assert!(store.registry().organizations.is_empty());
    let page = store.list_changes(&ChangeFilter { limit: 1, ..ChangeFilter::default() }).await.unwrap();
    assert_eq!((page.changes.len(), page.next_after, page.more), (0, 0, false));
}

pub(super) async fn the_root_key_stays(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let key = *world.store.root_key().as_bytes();
    assert_ne!(key, [0; 32]);
    let world = world.again(adapter).await;
    assert_eq!(*world.store.root_key().as_bytes(), key);
}

pub(super) async fn everything_is_there_again(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for (index, provider) in world.all_providers().into_iter().enumerate() {
        for number in 0..10 * index {
            world.create_for(provider, &number.to_string(), "one").await;
        }
    }
    world.delete_for(world.stranger, "3").await;
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[1, 2]))).await;
    for (id, owner) in [("p1", NORTH), ("p2", NORTHERN), ("p3", NORTH)] {
        world.store.create_profile(profile(id, owner, id), origin()).await.unwrap();
    }
    let organizations = [NORTH, NORTHERN].map(organization_id);
    let before = Dump::of(&*world.store, &world.all_providers(), &organizations, 7).await;
    assert_eq!(before.total, 29);
    assert_eq!(before.associations.iter().map(|(count, _)| *count).collect::<Vec<_>>(), [0, 10, 19]);
    let mut world = world;
    for page in [3, 100] {
        world = world.again(adapter).await;
        let again = Dump::of(&*world.store, &world.all_providers(), &organizations, page).await;
        assert_eq!(again, before);
    }
}

pub(super) async fn a_closed_store_refuses_writes(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.create("7201", "one").await;
    world.store.close().await;
    if adapter.is_durable() {
        let refused = world.store.create_association(write(world.providers[0], "7202", "one")).await;
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
        assert!(world.store.check().await.is_err());
        // A second close is as good as one.
        world.store.close().await;
        let world = world.again(adapter).await;
        assert_eq!(world.get("7201").await.as_deref(), Some("one"));
        assert_eq!(world.get("7202").await, None);
    }
}
