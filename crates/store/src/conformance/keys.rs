//! The rotation of signing keys.

use std::sync::Arc;

use jackfield_model::limit;

use super::Adapter;
use super::world::{NORTH, World, client, origin};
use crate::registry::{KEY_SECONDS, Keyring, Rotation};
use crate::transfer::{Export, Import, copy};
use crate::{Content, MemoryStore, RegistryCommand, RegistryOutcome, RegistryStore, RootKey, Store};

const KEY: [u8; 32] = [0xab; 32];

fn rotation(now: u64) -> RegistryCommand {
    RegistryCommand::RotateKeys(Rotation { key: RootKey::new(KEY), now, revoke: false })
}

/// Number, beginning and end of each key that counts.
fn shape(store: &dyn Store) -> Vec<(u32, Option<u64>, Option<u64>)> {
    let keys = store.registry().keyring.keys(store.root_key());
    keys.iter().map(|key| (key.id, key.since, key.retired)).collect()
}

pub(super) async fn keys_are_rotated(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    assert_eq!(shape(&*world.store), [(1, None, None)]);
    let (root, before) = (world.store.root_key().clone(), Arc::clone(&world.store.registry().keyring));
    world.done(rotation(1_000)).await;
    assert!(!Arc::ptr_eq(&before, &world.store.registry().keyring));
    let kept = Arc::clone(&world.store.registry().keyring);
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[]))).await;
    assert!(Arc::ptr_eq(&kept, &world.store.registry().keyring), "other changes leave the keys alone");
    world.done(rotation(2_000)).await;
    let rotated = [(1, None, Some(1_000)), (2, Some(1_000), Some(2_000)), (3, Some(2_000), None)];
    let world = world.again(adapter).await;
    assert_eq!(shape(&*world.store), rotated);
    assert_eq!(*world.store.root_key(), root, "hashes rest on it");
    let keys = world.store.registry().keyring.keys(&root);
    assert_eq!((&keys[0].key, &keys[1].key), (&root, &RootKey::new(KEY)));
    for change in world.changes().await {
        let text = serde_json::to_string(&change).unwrap();
        assert!(!text.contains("abab"), "no key is in the change record: {text}");
    }
    for _ in 3..limit::SIGNING_KEYS {
        world.done(rotation(2_000)).await;
    }
    let before = world.last_change().await;
    assert_eq!(world.registry(rotation(2_000)).await, RegistryOutcome::TooManyKeys);
    assert_eq!(world.last_change().await, before);
    world.done(rotation(2_000 + KEY_SECONDS)).await;
    assert_eq!(shape(&*world.store).len(), 2, "the others are forgotten");
    let revoke = Rotation { key: RootKey::new(KEY), now: 2_000 + KEY_SECONDS, revoke: true };
    world.done(RegistryCommand::RotateKeys(revoke)).await;
    let world = world.again(adapter).await;
    assert_eq!(shape(&*world.store), [(10, Some(2_000 + KEY_SECONDS), None)]);
}

pub(super) async fn rotated_keys_move_and_outlive_a_reset(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(rotation(1_000)).await;
    let keyring = Keyring::clone(&world.store.registry().keyring);
    let content = Content { registry: (*MemoryStore::default().registry()).clone(), ..Content::default() };
    world.store.reset(content, origin()).await.unwrap();
    let world = world.again(adapter).await;
    assert!(world.store.registry().organizations.is_empty());
    assert_eq!(*world.store.registry().keyring, keyring);
    let copied = MemoryStore::default();
    copy(&*world.store, &copied, |_| {}).await.unwrap();
    assert_eq!((&*copied.registry().keyring, copied.root_key()), (&keyring, world.store.root_key()));
    let mut export = Export::new(world.store.snapshot().await.unwrap());
    let imported: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let mut import = Import::new(Arc::clone(&imported));
    while let Some(bytes) = export.next().await.unwrap() {
        import.push(&bytes).await.unwrap();
    }
    import.finish().await.unwrap();
    assert_eq!((&*imported.registry().keyring, imported.root_key()), (&keyring, world.store.root_key()));
}
