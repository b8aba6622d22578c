//! Communication profiles.

use jackfield_model::admin::OrganizationPatch;

use super::Adapter;
use super::world::{NORTH, NORTHERN, World, amazon, organization_id, origin, profile};
use crate::{
    CreateOutcome, CreateProfileOutcome, DeleteOutcome, DeleteProfileOutcome, Operation, Profile,
    PutProfileOutcome, RegistryCommand, RegistryOutcome, UpdateOutcome,
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
    found.iter().map(|profile| profile.id.suffix().to_owned()).collect()
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
        let mut suffixes = ids.map(|id| format!("{id}{}", owner.len()));
        suffixes.sort_unstable();
        suffixes.to_vec()
    };
    for owner in [NORTH, NORTHERN] {
        for id in ids {
            let suffix = format!("{id}{}", owner.len());
            assert_eq!(
                create(&world, &profile(&suffix, owner, &suffix)).await,
                CreateProfileOutcome::Created
            );
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

pub(super) async fn profiles_are_found_by_their_unit(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let (lobby, bar) = (profile("p1", NORTH, "lobby"), profile("p2", NORTHERN, "bar"));
    for known in [&lobby, &bar] {
        assert_eq!(create(&world, known).await, CreateProfileOutcome::Created);
    }
    let world = world.again(adapter).await;
    for known in [&lobby, &bar] {
        assert_eq!(world.store.find_profile_of_unit(&known.unit).await.unwrap().as_ref(), Some(known));
    }
    assert_eq!(world.store.find_profile_of_unit(&profile("p1", NORTH, "p1").unit).await.unwrap(), None);
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::Deleted);
    assert_eq!(world.store.find_profile_of_unit(&lobby.unit).await.unwrap(), None);
}

pub(super) async fn many_profiles_are_put_at_once(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let theirs = profile("theirs", NORTHERN, "theirs");
    assert_eq!(create(&world, &theirs).await, CreateProfileOutcome::Created);
    let before = world.last_change().await;
    let nameless = |profile: Profile| Profile { name: None, ..profile };
    let (lobby, bar) = (profile("p1", NORTH, "lobby"), nameless(profile("p2", NORTH, "bar")));
    let items = vec![
        lobby.clone(),
        profile("p3", NORTH, "theirs"),
        bar.clone(),
        profile("p1", NORTH, "roof"),
        profile("p4", "nobody", "roof"),
        Profile { name: Some("hall".to_owned()), ..profile("p5", NORTH, "lobby") },
        nameless(profile("p6", NORTH, "lobby")),
    ];
    let hall = Profile { name: Some("hall".to_owned()), ..lobby.clone() };
    let outcomes = world.store.put_profiles(items, origin()).await.unwrap();
    let expected = [
        PutProfileOutcome::Stored(lobby.clone()),
        PutProfileOutcome::UnitTaken,
        PutProfileOutcome::Stored(bar.clone()),
        PutProfileOutcome::IdTaken,
        PutProfileOutcome::NoSuchOrganization,
        PutProfileOutcome::Stored(hall.clone()),
        PutProfileOutcome::Stored(hall.clone()),
    ];
    assert_eq!(outcomes, expected);
    let world = world.again(adapter).await;
    assert_eq!(world.store.find_profile(&lobby.id).await.unwrap(), Some(hall));
    assert_eq!(world.store.find_profile(&theirs.id).await.unwrap(), Some(theirs));
    assert_eq!(list(&world, NORTH, None, 10).await, ["p1", "p2"]);
    let recorded = world.changes().await;
    let kinds: Vec<_> =
        recorded.iter().filter(|change| change.sequence > before).map(|change| change.operation).collect();
    assert_eq!(kinds, [Operation::Create, Operation::Create, Operation::Update]);
    assert_eq!(world.store.put_profiles(Vec::new(), origin()).await.unwrap(), []);
}

async fn set_strict(world: &World, strict: bool) {
    let patch = OrganizationPatch { strict_profiles: Some(strict), ..OrganizationPatch::default() };
    world.done(RegistryCommand::UpdateOrganization(organization_id(NORTH), patch.into())).await;
}

pub(super) async fn a_strict_organization_keeps_profiles_in_use(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for (id, owner) in [("p1", NORTH), ("p2", NORTH), ("p3", NORTHERN)] {
        assert_eq!(create(&world, &profile(id, owner, id)).await, CreateProfileOutcome::Created);
    }
    set_strict(&world, true).await;
    // Those of other organizations do not count, nor does what names a profile of theirs.
    for (provider, id, to) in [
        (world.stranger, "1", "p2"),
        (world.providers[0], "1", "p1"),
        (world.providers[1], "1", "p1"),
        (world.providers[0], "3", "p3"),
    ] {
        assert_eq!(world.create_for(provider, id, to).await, CreateOutcome::Created);
    }
    let world = world.again(adapter).await;
    let last = world.last_change().await;
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::InUse);
    assert_eq!(world.last_change().await, last, "a refusal is not recorded");
    assert_eq!(world.store.find_profile(&amazon("p1")).await.unwrap(), Some(profile("p1", NORTH, "p1")));
    assert_eq!(delete(&world, NORTHERN, "p3").await, DeleteProfileOutcome::Deleted, "not strict");
    assert_eq!(world.update("1", "p2").await, UpdateOutcome::Updated);
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::InUse, "the second provider's");
    assert_eq!(world.delete_for(world.providers[1], "1").await, DeleteOutcome::Deleted);
    let world = world.again(adapter).await;
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::Deleted);
    assert_eq!(delete(&world, NORTH, "p2").await, DeleteProfileOutcome::InUse);
    world.done(RegistryCommand::DeleteServiceProviderWithAssociations(world.providers[0], 10)).await;
    let world = world.again(adapter).await;
    assert_eq!(delete(&world, NORTH, "p2").await, DeleteProfileOutcome::Deleted);
}

pub(super) async fn what_is_counted_is_taken_off_once(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    // Named before there was a profile: not counted, and not taken off later.
    assert_eq!(world.create("early", "p1").await, CreateOutcome::Created);
    assert_eq!(create(&world, &profile("p1", NORTH, "p1")).await, CreateProfileOutcome::Created);
    assert_eq!(world.create("late", "p1").await, CreateOutcome::Created);
    set_strict(&world, true).await;
    assert_eq!(world.delete("early").await, DeleteOutcome::Deleted);
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::InUse);
    // The profile goes and comes again while the association stays.
    set_strict(&world, false).await;
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::Deleted);
    let world = world.again(adapter).await;
    assert_eq!(create(&world, &profile("p1", NORTH, "p1")).await, CreateProfileOutcome::Created);
    set_strict(&world, true).await;
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::InUse);
    assert_eq!(world.update("late", "p1").await, UpdateOutcome::Updated);
    assert_eq!(world.delete("late").await, DeleteOutcome::Deleted);
    assert_eq!(delete(&world, NORTH, "p1").await, DeleteProfileOutcome::Deleted);
}
