//! Communication profiles.

use super::Adapter;
use super::world::{NORTH, NORTHERN, World, amazon, organization_id, origin, profile};
use crate::{
    CreateOutcome, CreateProfileOutcome, DeleteProfileOutcome, Profile, RegistryCommand, RegistryOutcome,
    UpdateOutcome,
};

async fn create(world: &World, new: &Profile) -> CreateProfileOutcome {
    world.store.create_profile(new.clone(), origin()).await.unwrap()
}

async fn delete(world: &World, owner: &str, id: &str) -> DeleteProfileOutcome {
    world.store.delete_profile(&organization_id(owner), &amazon(id), origin()).await.unwrap()
}

async fn list(world: &World, owner: &str, after: Option<&str>, limit: usize) -> Vec<String> {
    let after = after.map(amazon);
    let found = world.store.list_profiles(&organization_id(owner), after.as_ref(), limit).await.unwrap();
    found.iter().map(|own| own.id.suffix().to_owned()).collect()
}

pub(super) async fn profiles_are_stored_once(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let lobby = profile("p1", NORTH, "lobby");
    assert_eq!(world.store.find_profile(&lobby.id).await.unwrap(), None);
    assert_eq!(create(&world, &lobby).await, CreateProfileOutcome::Created);
    let before = world.last_change().await;
    assert_eq!(create(&world, &profile("p1", NORTH, "bar")).await, CreateProfileOutcome::IdTaken);
    assert_eq!(create(&world, &profile("p1", NORTHERN, "bar")).await, CreateProfileOutcome::IdTaken);
    assert_eq!(
        create(&world, &profile("p2", "nobody", "bar")).await,
        CreateProfileOutcome::NoSuchOrganization
    );
    assert_eq!(world.last_change().await, before);
    let world = world.again(adapter).await;
    assert_eq!(world.store.find_profile(&lobby.id).await.unwrap(), Some(lobby));
    assert_eq!(world.store.find_profile(&amazon("p2")).await.unwrap(), None);
    assert_eq!(list(&world, NORTH, None, 10).await, ["p1"]);
}

pub(super) async fn a_unit_has_one_profile(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let lobby = profile("p1", NORTH, "lobby");
    assert_eq!(create(&world, &lobby).await, CreateProfileOutcome::Created);
    for again in [lobby.clone(), profile("p2", NORTH, "lobby"), profile("p2", NORTHERN, "lobby")] {
        let outcome = create(&world, &again).await;
        assert_eq!(outcome, CreateProfileOutcome::UnitHasProfile(lobby.clone()));
    }
    let world = world.again(adapter).await;
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::Deleted);
    assert_eq!(create(&world, &profile("p2", NORTHERN, "lobby")).await, CreateProfileOutcome::Created);
}

pub(super) async fn profiles_are_renamed_and_removed_by_their_organization(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let lobby = profile("p1", NORTH, "lobby");
    assert_eq!(create(&world, &lobby).await, CreateProfileOutcome::Created);
    let rename = |owner: &'static str, name: Option<&'static str>| {
        let store = &world.store;
        async move {
            let name = name.map(str::to_owned);
            store.rename_profile(&organization_id(owner), &amazon("p1"), name, origin()).await.unwrap()
        }
    };
    assert_eq!(rename(NORTHERN, Some("bar")).await, UpdateOutcome::NotFound);
    assert_eq!(world.store.find_profile(&lobby.id).await.unwrap(), Some(lobby.clone()));
    assert_eq!(rename(NORTH, Some("bar")).await, UpdateOutcome::Updated);
    let before = world.last_change().await;
    assert_eq!(rename(NORTH, Some("bar")).await, UpdateOutcome::Updated);
    assert_eq!(world.last_change().await, before, "nothing changed");
    let renamed = Profile { name: Some("bar".to_owned()), ..lobby.clone() };
    assert_eq!(world.store.find_profile(&lobby.id).await.unwrap(), Some(renamed));
    assert_eq!(rename(NORTH, None).await, UpdateOutcome::Updated);
    let world = world.again(adapter).await;
    let nameless = Profile { name: None, ..lobby.clone() };
    assert_eq!(world.store.find_profile(&lobby.id).await.unwrap(), Some(nameless));
    assert_eq!(delete(&world, NORTHERN, "p1").await, DeleteProfileOutcome::NotFound);
    assert_eq!(world.create("7201", "p1").await, CreateOutcome::Created);
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::Deleted);
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::NotFound);
    assert_eq!(world.store.find_profile(&lobby.id).await.unwrap(), None);
    assert_eq!(world.get("7201").await.as_deref(), Some("p1"), "associations that name it stay");
}

pub(super) async fn profiles_are_listed_by_organization(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let ids = ["A", "Z", "a", "a-b", "a.b", "a_b", "aa", "b"];
    let expected = |owner: &str| {
        let mut own = ids.map(|id| format!("{id}{}", owner.len()));
        own.sort_unstable();
        own.to_vec()
    };
    for owner in [NORTH, NORTHERN] {
        for id in ids {
            let own = format!("{id}{}", owner.len());
            assert_eq!(create(&world, &profile(&own, owner, &own)).await, CreateProfileOutcome::Created);
        }
    }
    let world = world.again(adapter).await;
    for owner in [NORTH, NORTHERN] {
        let all = expected(owner);
        assert_eq!(list(&world, owner, None, 100).await, all);
        assert_eq!(list(&world, owner, None, 0).await, Vec::<String>::new());
        assert_eq!(list(&world, owner, None, 3).await, all[..3]);
        for (index, id) in all.iter().enumerate() {
            assert_eq!(
                list(&world, owner, Some(id), 2).await,
                all[index + 1..].iter().take(2).cloned().collect::<Vec<_>>()
            );
        }
        assert_eq!(list(&world, owner, Some("zzz"), 2).await, Vec::<String>::new());
    }
    assert_eq!(list(&world, "nobody", None, 10).await, Vec::<String>::new());
}

pub(super) async fn an_organization_with_profiles_stays(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(RegistryCommand::DeleteServiceProvider(world.stranger)).await;
    for id in ["p1", "p2"] {
        assert_eq!(create(&world, &profile(id, NORTHERN, id)).await, CreateProfileOutcome::Created);
    }
    let remove = || RegistryCommand::DeleteOrganization(organization_id(NORTHERN));
    assert_eq!(world.registry(remove()).await, RegistryOutcome::InUse);
    assert_eq!(delete(&world, NORTHERN, "p1").await, DeleteProfileOutcome::Deleted);
    let world = world.again(adapter).await;
    assert_eq!(world.registry(remove()).await, RegistryOutcome::InUse);
    assert_eq!(delete(&world, NORTHERN, "p2").await, DeleteProfileOutcome::Deleted);
    assert_eq!(world.registry(remove()).await, RegistryOutcome::Done);
}
