//! Admin tokens, and what operators did that changed no object.

use jackfield_model::admin::Role;
use jackfield_model::limit;

use super::Adapter;
use super::world::{World, origin};
use crate::registry::{Act, AdminToken, AdminTokenId, SecretHash};
use crate::{Actor, Content, Origin, RegistryCommand, RegistryOutcome, Subject, Timestamp};

/// An admin token; `number` decides its hash.
#[must_use]
pub fn admin_token(name: &str, number: u8) -> AdminToken {
    let hash = SecretHash([number; 32]);
    let (created, expires) = (Timestamp(1_000), Some(Timestamp(2_000)));
    let name = name.to_owned();
    AdminToken {
        id: AdminTokenId::of(&hash),
        name,
        role: Role::Operator,
        hash,
        created,
        expires,
        revoked: false,
    }
}

pub(super) async fn admin_tokens_are_made_and_removed(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let night = admin_token("night", 1);
    world.done(RegistryCommand::CreateAdminToken(night.clone())).await;
    let world = world.again(adapter).await;
    assert_eq!(world.store.registry().admin_token(&night.hash), Some(&night));
    assert_eq!(world.store.registry().admin_token(&SecretHash([2; 32])), None);
    for taken in [admin_token("night", 2), admin_token("day", 1)] {
        let outcome = world.registry(RegistryCommand::CreateAdminToken(taken)).await;
        assert_eq!(outcome, RegistryOutcome::Exists);
    }
    // One that is not to be taken any more has no name of its own, and stays.
    let revoked = AdminToken { revoked: true, ..admin_token("night", 3) };
    world.done(RegistryCommand::CreateAdminToken(revoked.clone())).await;
    let delete = RegistryCommand::DeleteAdminToken;
    assert_eq!(world.registry(delete(revoked.id)).await, RegistryOutcome::NotFound);
    world.done(delete(night.id)).await;
    assert_eq!(world.registry(delete(night.id)).await, RegistryOutcome::NotFound);
    let world = world.again(adapter).await;
    let registry = world.store.registry();
    assert_eq!(
        (registry.admin_token(&night.hash), registry.admin_token(&revoked.hash)),
        (None, Some(&revoked))
    );
    let told: Vec<String> = world.changes().await.iter().map(crate::Change::operation_name).collect();
    assert!(
        told.ends_with(&[
            "admin_token.create".to_owned(),
            "admin_token.create".to_owned(),
            "admin_token.delete".to_owned()
        ]),
        "{told:?}"
    );
}

pub(super) async fn admin_tokens_are_bounded(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for number in 0..limit::ADMIN_TOKENS {
        let new = admin_token(&number.to_string(), u8::try_from(number).expect("a small bound"));
        world.done(RegistryCommand::CreateAdminToken(new)).await;
    }
    let one_more = RegistryCommand::CreateAdminToken(admin_token("more", 255));
    assert_eq!(world.registry(one_more.clone()).await, RegistryOutcome::TooManyAdminTokens);
    world.done(RegistryCommand::DeleteAdminToken(admin_token("0", 0).id)).await;
    world.done(one_more).await;
}

pub(super) async fn a_reset_keeps_admin_tokens(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let chief = admin_token("chief", 7);
    world.done(RegistryCommand::CreateAdminToken(chief.clone())).await;
    world.store.reset(Content::default(), origin()).await.unwrap();
    assert_eq!(world.store.registry().admin_token(&chief.hash), Some(&chief));
    let world = world.again(adapter).await;
    assert_eq!(world.store.registry().admin_token(&chief.hash), Some(&chief));
    assert!(world.store.registry().organizations.is_empty());
    world.done(RegistryCommand::DeleteAdminToken(chief.id)).await;
}

pub(super) async fn operators_and_their_acts_are_recorded(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let registry = world.store.registry();
    let before = world.last_change().await;
    let actor = Actor::Operator("night-shift".into());
    let by = Origin { actor: actor.clone(), ..origin() };
    let act = Act { kind: "admin.backup".to_owned(), id: String::new(), details: "{\"a\":1}".to_owned() };
    let note = RegistryCommand::Note(act.clone());
    assert_eq!(world.store.change_registry(note, by.clone()).await.unwrap(), RegistryOutcome::Done);
    assert_eq!(world.store.registry().records(), registry.records());
    let maintenance = jackfield_model::admin::Maintenance { enabled: true, retry_after: 5 };
    world.store.change_registry(RegistryCommand::SetMaintenance(maintenance), by.clone()).await.unwrap();
    let world = world.again(adapter).await;
    let changes: Vec<_> =
        world.changes().await.into_iter().filter(|change| change.sequence > before).collect();
    let [noted, changed] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((&noted.actor, noted.request_id), (&actor, by.request_id));
    assert_eq!((noted.operation_name().as_str(), noted.provider()), ("admin.backup", None));
    let subject = Subject::Object { kind: act.kind, id: act.id, before: None, after: Some(act.details) };
    assert_eq!(noted.subject, subject);
    assert_eq!((&changed.actor, changed.actor.to_string().as_str()), (&actor, "admin:night-shift"));
}
