//! The registry of accounts.

use std::sync::Arc;

use jackfield_model::admin::{DisplayName, Maintenance, OrganizationPatch};
use jackfield_model::wire::Network;
use jackfield_model::{Country, ScopeSet};

use super::Adapter;
use super::world::{
    NORTH, NORTHERN, World, amazon, client, client_id, external, organization, organization_id, provider_id,
    refresh_token, service_provider, skill,
};
use crate::registry::{
    Client, ClientChange, NetworkChange, Organization, OrganizationChange, PasswordHash, SecretHash,
};
use crate::{
    Actor, CreateOutcome, DeleteOutcome, Operation, Origin, RegistryCommand, RegistryOutcome, Subject,
    Timestamp,
};

pub(super) async fn organizations_come_change_and_go(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let id = organization_id("south");
    let south = organization("south");
    world.done(RegistryCommand::CreateOrganization(south.clone())).await;
    assert_eq!(
        world.registry(RegistryCommand::CreateOrganization(south.clone())).await,
        RegistryOutcome::Exists
    );
    let patch = OrganizationPatch {
        country: Some(Country::Fr),
        strict_profiles: Some(true),
        lenient: Some(false),
        ..OrganizationPatch::default()
    };
    world.done(RegistryCommand::UpdateOrganization(id.clone(), patch.clone().into())).await;
    let changed = Organization { country: Country::Fr, strict_profiles: true, lenient: false, ..south };
    let before = world.last_change().await;
    world.done(RegistryCommand::UpdateOrganization(id.clone(), patch.clone().into())).await;
    assert_eq!(world.last_change().await, before, "nothing changed");
    let world = world.again(adapter).await;
    assert_eq!(world.store.registry().organizations.get(&id).map(|found| (**found).clone()), Some(changed));
    // A password is recorded as a change that says nothing of it.
    let hash = PasswordHash("$function$cost$c2FsdHNhbHQ$aGFzaGhhc2g".to_owned());
    let set = |hash: Option<PasswordHash>| {
        let change = OrganizationChange { consent_password: Some(hash), ..OrganizationChange::default() };
        RegistryCommand::UpdateOrganization(id.clone(), change)
    };
    let before = world.last_change().await;
    world.done(set(Some(hash.clone()))).await;
    world.done(set(Some(hash.clone()))).await;
    let world = world.again(adapter).await;
    assert_eq!(world.store.registry().organizations[&id].consent_password, Some(hash));
    let recorded = format!("{:?}", world.changes().await);
    assert_eq!(world.changes_after(before).await, 1);
    assert!(recorded.contains("set (c2FsdHNh)") && !recorded.contains("aGFzaGhhc2g"), "{recorded}");
    world.done(set(None)).await;
    assert_eq!(world.store.registry().organizations[&id].consent_password, None);
    world.done(RegistryCommand::DeleteOrganization(id.clone())).await;
    for command in [
        RegistryCommand::DeleteOrganization(id.clone()),
        RegistryCommand::UpdateOrganization(id.clone(), patch.into()),
    ] {
        assert_eq!(world.registry(command).await, RegistryOutcome::NotFound);
    }
    let in_use = RegistryCommand::DeleteOrganization(organization_id(NORTH));
    assert_eq!(world.registry(in_use).await, RegistryOutcome::InUse);
    let world = world.again(adapter).await;
    assert_eq!(world.store.registry().organizations.len(), 2);
}

pub(super) async fn clients_come_change_and_go(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let new = client("c1", NORTH, &[1]);
    world.done(RegistryCommand::CreateClient(new.clone())).await;
    assert_eq!(world.registry(RegistryCommand::CreateClient(new.clone())).await, RegistryOutcome::Exists);
    let homeless = RegistryCommand::CreateClient(client("c2", "nobody", &[]));
    assert_eq!(world.registry(homeless).await, RegistryOutcome::NoSuchOrganization);
    let change = ClientChange {
        scopes: Some(ScopeSet::parse("one two").unwrap()),
        rate_limit: Some(0),
        redirect_uris: Some(Vec::new()),
        enabled: Some(false),
        public: Some(true),
        secret_hash: Some(SecretHash([9; 32])),
        revoke_access_tokens: true,
        revoke_refresh_tokens: true,
        add_refresh_token: Some(refresh_token(2)),
    };
    world.done(RegistryCommand::UpdateClient(client_id("c1"), change)).await;
    let world = world.again(adapter).await;
    let changed = Client {
        scopes: ScopeSet::parse("one two").unwrap(),
        rate_limit: Some(0),
        redirect_uris: Vec::new(),
        enabled: false,
        public: true,
        secret_hash: SecretHash([9; 32]),
        token_generation: 1,
        refresh_tokens: vec![refresh_token(2)],
        ..new
    };
    let registry = world.store.registry();
    assert_eq!(registry.clients.get(&client_id("c1")).map(|found| (**found).clone()), Some(changed));
    assert!(registry.client_of_refresh_token(&refresh_token(1).hash).is_none(), "revoked");
    assert!(registry.client_of_refresh_token(&refresh_token(2).hash).is_some());
    let before = world.last_change().await;
    world.done(RegistryCommand::UpdateClient(client_id("c1"), ClientChange::default())).await;
    assert_eq!(world.last_change().await, before, "nothing changed");
    world.done(RegistryCommand::DeleteClient(client_id("c1"))).await;
    for command in [
        RegistryCommand::DeleteClient(client_id("c1")),
        RegistryCommand::UpdateClient(client_id("c1"), ClientChange::default()),
    ] {
        assert_eq!(world.registry(command).await, RegistryOutcome::NotFound);
    }
    let world = world.again(adapter).await;
    let registry = world.store.registry();
    assert!(registry.clients.is_empty());
    assert!(registry.client_of_refresh_token(&refresh_token(2).hash).is_none(), "gone with its client");
}

pub(super) async fn refresh_tokens_belong_to_one_client(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let add = |id: &str, number: u8| {
        let change =
            ClientChange { add_refresh_token: Some(refresh_token(number)), ..ClientChange::default() };
        RegistryCommand::UpdateClient(client_id(id), change)
    };
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[1]))).await;
    world.done(RegistryCommand::CreateClient(client("c2", NORTH, &[]))).await;
    let taken = RegistryCommand::CreateClient(client("c3", NORTHERN, &[3, 1]));
    assert_eq!(world.registry(taken).await, RegistryOutcome::RefreshTokenTaken);
    assert_eq!(world.registry(add("c2", 1)).await, RegistryOutcome::RefreshTokenTaken);
    world.done(add("c1", 1)).await;
    for number in 2..=100 {
        world.done(add("c1", number)).await;
    }
    assert_eq!(world.registry(add("c1", 101)).await, RegistryOutcome::TooManyRefreshTokens);
    world.done(add("c1", 100)).await;
    let world = world.again(adapter).await;
    let registry = world.store.registry();
    assert_eq!(registry.clients[&client_id("c1")].refresh_tokens.len(), 100);
    let owner =
        registry.client_of_refresh_token(&refresh_token(50).hash).map(|client| Arc::clone(&client.id));
    assert_eq!(owner.as_deref(), Some(&client_id("c1")));
    world.done(RegistryCommand::DeleteClient(client_id("c1"))).await;
    world.done(add("c2", 1)).await;
}

pub(super) async fn service_providers_come_change_and_go(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let (id, other) = (provider_id(10), provider_id(11));
    let new = service_provider(id, NORTH, "exchange");
    world.done(RegistryCommand::CreateServiceProvider(new.clone())).await;
    let create = RegistryCommand::CreateServiceProvider;
    assert_eq!(world.registry(create(new.clone())).await, RegistryOutcome::Exists);
    let taken = create(service_provider(other, NORTH, "exchange"));
    assert_eq!(world.registry(taken).await, RegistryOutcome::LogicalIdTaken);
    let homeless = create(service_provider(other, "nobody", "exchange"));
    assert_eq!(world.registry(homeless).await, RegistryOutcome::NoSuchOrganization);
    world.done(create(service_provider(other, NORTHERN, "exchange"))).await;
    let names = vec![DisplayName { locale: "en-US".to_owned(), value: "Exchange".to_owned() }];
    world.done(RegistryCommand::UpdateServiceProvider(id, names.clone())).await;
    let world = world.again(adapter).await;
    let registry = world.store.registry();
    assert_eq!(registry.providers[&id].display_name, names);
    let found =
        registry.provider_of_logical_id(&organization_id(NORTH), "exchange").map(|provider| provider.id);
    assert_eq!(found, Some(id));
    assert_eq!(world.create_for(id, "7201", "one").await, CreateOutcome::Created);
    let remove = || RegistryCommand::DeleteServiceProvider(id);
    assert_eq!(world.registry(remove()).await, RegistryOutcome::InUse);
    let world = world.again(adapter).await;
    assert_eq!(world.registry(remove()).await, RegistryOutcome::InUse);
    assert_eq!(world.delete_for(id, "7201").await, DeleteOutcome::Deleted);
    world.done(remove()).await;
    assert_eq!(world.registry(remove()).await, RegistryOutcome::NotFound);
    let update = RegistryCommand::UpdateServiceProvider(id, Vec::new());
    assert_eq!(world.registry(update).await, RegistryOutcome::NotFound);
    assert_eq!(world.create_for(id, "7201", "one").await, CreateOutcome::NoSuchProvider);
    world.done(create(service_provider(provider_id(12), NORTH, "exchange"))).await;
}

pub(super) async fn networks_are_mapped(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let id = world.providers[0];
    let change = |change: NetworkChange| RegistryCommand::ChangeNetwork(id, change);
    let network = |name: &str| Network::skill(skill(name));
    let shown = |world: &World| world.store.registry().providers[&id].network.clone();
    for nothing_there in [NetworkChange::Remove, NetworkChange::Replace(network("a"))] {
        assert_eq!(world.registry(change(nothing_there)).await, RegistryOutcome::NoNetwork);
    }
    assert_eq!(shown(&world), None);
    world.done(change(NetworkChange::Create(network("a")))).await;
    let again = change(NetworkChange::Create(network("b")));
    assert_eq!(world.registry(again).await, RegistryOutcome::NetworkExists);
    let world = world.again(adapter).await;
    assert_eq!(shown(&world), Some(network("a")));
    world.done(RegistryCommand::UpdateServiceProvider(id, Vec::new())).await;
    assert_eq!(shown(&world), Some(network("a")), "other changes leave it");
    world.done(change(NetworkChange::Replace(network("b")))).await;
    let before = world.last_change().await;
    world.done(change(NetworkChange::Set(network("b")))).await;
    assert_eq!(world.last_change().await, before, "nothing changed");
    let world = world.again(adapter).await;
    assert_eq!(shown(&world), Some(network("b")));
    world.done(change(NetworkChange::Remove)).await;
    let world = world.again(adapter).await;
    assert_eq!(shown(&world), None);
    world.done(change(NetworkChange::Set(network("c")))).await;
    assert_eq!(shown(&world), Some(network("c")));
    let last = world.changes().await.pop().expect("a change");
    let Subject::Object { before, after, .. } = &last.subject else { panic!("{last:?}") };
    assert!(!before.as_deref().is_some_and(|text| text.contains("skill")), "{last:?}");
    assert!(after.as_deref().is_some_and(|text| text.contains("amzn1.ask.skill.c")), "{last:?}");
    let nobody = RegistryCommand::ChangeNetwork(provider_id(10), NetworkChange::Remove);
    assert_eq!(world.registry(nobody).await, RegistryOutcome::NotFound);
}

pub(super) async fn a_service_provider_takes_its_associations_with_it(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let [id, other] = world.providers;
    for (provider, name) in [(id, "b"), (id, "é"), (id, "a"), (other, "a"), (world.stranger, "a")] {
        assert_eq!(
            world.create_for(provider, name, &format!("of-{}", name.len())).await,
            CreateOutcome::Created
        );
    }
    let remove = |most| RegistryCommand::DeleteServiceProviderWithAssociations(id, most);
    for too_few in [0, 2] {
        assert_eq!(world.registry(remove(too_few)).await, RegistryOutcome::InUse);
    }
    let world = world.again(adapter).await;
    assert_eq!(world.count(id).await, 3, "nothing went");
    let before = world.last_change().await;
    let origin = Origin {
        actor: Actor::Client(Arc::new(client_id("c1"))),
        request_id: jackfield_model::RequestId::random(),
        time: Timestamp(7),
    };
    // A write at the same time goes with the rest, or comes too late.
    let late = world.create_for(id, "d", "of-1");
    let (late, outcome) = tokio::join!(late, world.store.change_registry(remove(4), origin.clone()));
    assert_eq!(outcome.unwrap(), RegistryOutcome::Done);
    assert!(matches!(late, CreateOutcome::Created | CreateOutcome::NoSuchProvider), "{late:?}");
    let late = (late == CreateOutcome::Created).then_some(("d", "of-1"));
    let world = world.again(adapter).await;
    assert!(!world.store.registry().providers.contains_key(&id));
    assert_eq!((world.count(id).await, world.get_for(id, "a").await), (0, None));
    for left in [other, world.stranger] {
        assert_eq!((world.count(left).await, world.get_for(left, "a").await.as_deref()), (1, Some("of-1")));
    }
    let recorded = world.changes().await;
    let changes: Vec<_> = recorded.iter().filter(|change| change.sequence > before).collect();
    let changes = &changes[usize::from(late.is_some())..];
    let taken: Vec<_> =
        [("a", "of-1"), ("b", "of-1")].into_iter().chain(late).chain([("é", "of-2")]).collect();
    assert_eq!(changes.len(), taken.len() + 1, "one for each association, one for the provider");
    for (change, (name, suffix)) in changes.iter().zip(&taken) {
        let (external_user_id, before) = (external(name), Some(amazon(suffix)));
        let subject = Subject::Association { provider: id, external_user_id, before, after: None };
        assert_eq!((&change.subject, change.operation), (&subject, Operation::Delete));
        assert_eq!(
            (&change.actor, change.request_id, change.time),
            (&origin.actor, origin.request_id, origin.time)
        );
    }
    assert_eq!(changes.last().unwrap().operation_name(), "service_provider.delete");
    assert_eq!(world.registry(remove(4)).await, RegistryOutcome::NotFound);
    // A provider that comes with the same id begins empty.
    world.done(RegistryCommand::CreateServiceProvider(service_provider(id, NORTH, "again"))).await;
    assert_eq!((world.count(id).await, world.get("a").await), (0, None));
    world.done(remove(0)).await;
}

pub(super) async fn maintenance_is_switched(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    assert_eq!(world.store.registry().maintenance, Maintenance::default());
    let on = Maintenance { enabled: true, ..Maintenance::default() };
    world.done(RegistryCommand::SetMaintenance(on)).await;
    let before = world.last_change().await;
    world.done(RegistryCommand::SetMaintenance(on)).await;
    assert_eq!(world.last_change().await, before, "nothing changed");
    let world = world.again(adapter).await;
    assert_eq!(world.store.registry().maintenance, on);
    world.done(RegistryCommand::SetMaintenance(Maintenance::default())).await;
    let world = world.again(adapter).await;
    assert_eq!(world.store.registry().maintenance, Maintenance::default());
}

pub(super) async fn an_organization_takes_its_clients_with_it(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(RegistryCommand::CreateOrganization(organization("south"))).await;
    for (id, owner) in [("c1", "south"), ("c2", "south"), ("c3", NORTH)] {
        world.done(RegistryCommand::CreateClient(client(id, owner, &[id.as_bytes()[1]]))).await;
    }
    let before = world.last_change().await;
    world.done(RegistryCommand::DeleteOrganization(organization_id("south"))).await;
    assert_eq!(world.changes_after(before).await, 3, "the organization and two clients");
    let world = world.again(adapter).await;
    let registry = world.store.registry();
    assert_eq!(registry.clients.keys().collect::<Vec<_>>(), [&client_id("c3")]);
    assert!(registry.client_of_refresh_token(&refresh_token(b'1').hash).is_none());
    assert!(registry.client_of_refresh_token(&refresh_token(b'3').hash).is_some());
}

pub(super) async fn secrets_stay_out_of_the_change_record(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(RegistryCommand::CreateClient(client("c1", NORTH, &[201]))).await;
    let rotate = ClientChange {
        secret_hash: Some(SecretHash([202; 32])),
        add_refresh_token: Some(refresh_token(203)),
        ..ClientChange::default()
    };
    world.done(RegistryCommand::UpdateClient(client_id("c1"), rotate)).await;
    // What is free text in a change; times and request ids may hold any digits.
    let text: String = world
        .changes()
        .await
        .into_iter()
        .filter_map(|change| match change.subject {
            Subject::Object { id, before, after, .. } => Some(format!("{id} {before:?} {after:?}\n")),
            Subject::Association { .. } => None,
        })
        .collect();
    assert!(text.contains("application-oa2-client.c1"), "{text}");
    // A hash would show as a list of its bytes, which are all the same.
    for byte in [7, 201, 202, 203] {
        for list in [format!("{byte},{byte}"), format!("{byte}, {byte}")] {
            assert!(!text.contains(&list), "{list} in {text}");
        }
    }
    assert!(!text.contains("hash"), "{text}");
}
