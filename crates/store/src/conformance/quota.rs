//! Quotas of organizations: at, below and above each bound.

use jackfield_model::admin::{OrganizationPatch, Quotas};

use super::Adapter;
use super::world::{
    NORTH, NORTHERN, World, client, client_id, organization_id, origin, profile, provider_id,
    service_provider,
};
use crate::{
    CreateProfileOutcome, DeleteProfileOutcome, PutProfileOutcome, RegistryCommand, RegistryOutcome,
};

async fn set(world: &World, quotas: Quotas) {
    let patch = OrganizationPatch { quotas: Some(quotas), ..OrganizationPatch::default() };
    world.done(RegistryCommand::UpdateOrganization(organization_id(NORTH), patch.into())).await;
}

pub(super) async fn service_providers_and_clients_are_bounded(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    // It has two service providers and no client.
    set(&world, Quotas { service_providers: Some(3), clients: Some(1), profiles: None, ..Quotas::default() })
        .await;
    let provider = |number: u128, owner: &str| {
        let new = service_provider(provider_id(number), owner, &format!("desk {number}"));
        RegistryCommand::CreateServiceProvider(new)
    };
    let client = |suffix: &str, owner: &str| RegistryCommand::CreateClient(client(suffix, owner, &[]));
    world.done(provider(1, NORTH)).await;
    world.done(client("c1", NORTH)).await;
    let before = world.last_change().await;
    assert_eq!(world.registry(provider(2, NORTH)).await, RegistryOutcome::QuotaReached(3));
    assert_eq!(world.registry(client("c2", NORTH)).await, RegistryOutcome::QuotaReached(1));
    assert_eq!(world.last_change().await, before);
    // What is there is named as such, whatever the quota.
    assert_eq!(world.registry(provider(1, NORTH)).await, RegistryOutcome::Exists);
    assert_eq!(world.registry(client("c1", NORTH)).await, RegistryOutcome::Exists);
    world.done(provider(2, NORTHERN)).await;
    world.done(client("c2", NORTHERN)).await;
    world.done(RegistryCommand::DeleteServiceProvider(provider_id(1))).await;
    world.done(RegistryCommand::DeleteClient(client_id("c1"))).await;
    world.done(provider(3, NORTH)).await;
    world.done(client("c3", NORTH)).await;
}

pub(super) async fn profiles_are_bounded(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    set(&world, Quotas { profiles: Some(3), ..Quotas::default() }).await;
    let create = async |suffix: &str, owner: &str| {
        world.store.create_profile(profile(suffix, owner, suffix), origin()).await.unwrap()
    };
    assert_eq!(create("p1", NORTH).await, CreateProfileOutcome::Created);
    let batch = ["p1", "p2", "p3", "p4", "p5"].map(|suffix| profile(suffix, NORTH, suffix));
    let outcomes = world.store.put_profiles(batch.to_vec(), origin()).await.unwrap();
    let stored = |number: usize| PutProfileOutcome::Stored(batch[number].clone());
    let full = PutProfileOutcome::QuotaReached(3);
    assert_eq!(outcomes, [stored(0), stored(1), stored(2), full.clone(), full]);
    let before = world.last_change().await;
    assert_eq!(create("p4", NORTH).await, CreateProfileOutcome::QuotaReached(3));
    assert_eq!(world.last_change().await, before);
    assert_eq!(create("p4", NORTHERN).await, CreateProfileOutcome::Created);
    let north = organization_id(NORTH);
    let deleted = world.store.delete_profile(&north, &profile("p1", NORTH, "p1").id, origin()).await;
    assert_eq!(deleted.unwrap(), DeleteProfileOutcome::Deleted);
    assert_eq!(create("p6", NORTH).await, CreateProfileOutcome::Created);
    assert_eq!(create("p7", NORTH).await, CreateProfileOutcome::QuotaReached(3));
}

pub(super) async fn a_quota_outlives_a_restart_and_removes_nothing(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for suffix in ["p1", "p2"] {
        let created = world.store.create_profile(profile(suffix, NORTH, suffix), origin()).await;
        assert_eq!(created.unwrap(), CreateProfileOutcome::Created);
    }
    set(
        &world,
        Quotas { service_providers: Some(1), clients: Some(0), profiles: Some(1), ..Quotas::default() },
    )
    .await;
    let world = world.again(adapter).await;
    let north = organization_id(NORTH);
    assert_eq!(world.store.list_profiles(&north, None, 10).await.unwrap().len(), 2);
    assert_eq!(world.store.registry().providers.len(), 3);
    let third = world.store.create_profile(profile("p3", NORTH, "p3"), origin()).await.unwrap();
    assert_eq!(third, CreateProfileOutcome::QuotaReached(1));
    let new = RegistryCommand::CreateClient(client("c1", NORTH, &[]));
    assert_eq!(world.registry(new.clone()).await, RegistryOutcome::QuotaReached(0));
    // One number is changed, the others stay.
    set(&world, Quotas { clients: Some(1), ..Quotas::default() }).await;
    world.done(new).await;
    let desk = RegistryCommand::CreateServiceProvider(service_provider(provider_id(9), NORTH, "desk 9"));
    assert_eq!(world.registry(desk).await, RegistryOutcome::QuotaReached(1));
}
