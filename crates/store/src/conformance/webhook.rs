//! Webhooks, and how far they have got.

use std::sync::Arc;

use jackfield_model::limit;
use uuid::Uuid;

use super::Adapter;
use super::admin::admin_token;
use super::world::{NORTH, World, organization_id, origin};
use crate::registry::{
    Delivery, DeliveryReport, Holder, Parked, Progress, SealedSecret, Webhook, WebhookCommand, WebhookId,
};
use crate::transfer::{Export, Import, copy};
use crate::{
    Content, MemoryStore, RegistryCommand, RegistryOutcome, RegistryStore, Store, Subject, Timestamp,
};

const NODES: [Uuid; 2] = [Uuid::from_u128(1), Uuid::from_u128(2)];

/// The id of a webhook.
#[must_use]
pub const fn webhook_id(number: u8) -> WebhookId {
    WebhookId(Uuid::from_u128(number as u128))
}

/// A webhook; `number` decides its id.
#[must_use]
pub fn webhook(number: u8) -> Webhook {
    Webhook {
        id: webhook_id(number),
        url: format!("https://hooks.example.com/{number}"),
        secret: SealedSecret("sealed-for-ever".to_owned()),
        provider: None,
        organization: number.is_multiple_of(2).then(|| organization_id(NORTH)),
        operation: number.is_multiple_of(3).then(|| "association.".to_owned()),
        batch: 1,
        timeout_ms: 1_000,
        park_after: 3,
        ca: None,
        created: Timestamp(1_000),
        paused: false,
    }
}

/// The command that makes it, after a change.
#[must_use]
pub fn create(number: u8, after: u64) -> RegistryCommand {
    RegistryCommand::Webhook(WebhookCommand::Create(Box::new(webhook(number)), after))
}

/// The command by which a node says how far webhooks have got. It holds them for ten milliseconds.
#[must_use]
pub fn report(node: usize, now: u64, webhooks: &[(u8, u64)]) -> RegistryCommand {
    let progress = |(number, after): &(u8, u64)| {
        (webhook_id(*number), Progress { after: *after, ..Progress::default() })
    };
    RegistryCommand::Webhook(WebhookCommand::Report(DeliveryReport {
        node: NODES[node],
        now: Timestamp(now),
        hold: Some(Timestamp(now + 10)),
        webhooks: webhooks.iter().map(progress).collect(),
    }))
}

fn parked() -> Parked {
    Parked { since: Timestamp(7), failures: 3, error: "it answered 500".to_owned() }
}

fn delivery(store: &dyn Store, number: u8) -> Option<Delivery> {
    store.registry().deliveries.get(&webhook_id(number)).map(|found| Delivery::clone(found))
}

/// What the change record tells of webhooks: the operation, and the state before and after.
async fn told(world: &World) -> Vec<(String, String, String)> {
    let changes = world.changes().await;
    let of_webhooks = changes.iter().filter(|change| change.operation_name().starts_with("webhook."));
    let state = |json: &Option<String>| {
        let value: serde_json::Value =
            json.as_deref().map_or_else(Default::default, |json| serde_json::from_str(json).unwrap());
        value["state"].as_str().unwrap_or_default().to_owned()
    };
    of_webhooks
        .map(|change| match &change.subject {
            Subject::Object { before, after, .. } => {
                let text = format!("{change:?}");
                assert!(!text.contains("sealed-for-ever"), "no secret is in the change record: {text}");
                (change.operation_name(), state(before), state(after))
            }
            Subject::Association { .. } => unreachable!("a webhook is no association"),
        })
        .collect()
}

pub(super) async fn webhooks_are_made_paused_and_removed(adapter: &dyn Adapter) {
    use WebhookCommand::{Delete, Pause, Resume};
    let world = World::new(adapter).await;
    world.done(create(1, 5)).await;
    assert_eq!(world.registry(create(1, 6)).await, RegistryOutcome::Exists);
    let world = world.again(adapter).await;
    let registry = world.store.registry();
    assert_eq!(registry.webhooks[&webhook_id(1)].as_ref(), &webhook(1));
    let first = Delivery { webhook: webhook_id(1), after: 5, parked: None, holder: None };
    assert_eq!(delivery(&*world.store, 1), Some(first));
    for command in [Pause, Resume, Delete] {
        let outcome = world.registry(RegistryCommand::Webhook(command(webhook_id(2)))).await;
        assert_eq!(outcome, RegistryOutcome::NotFound);
    }
    // The same wish twice is told once.
    for command in [Pause, Pause, Resume, Resume] {
        world.done(RegistryCommand::Webhook(command(webhook_id(1)))).await;
    }
    world.done(RegistryCommand::Webhook(Pause(webhook_id(1)))).await;
    let world = world.again(adapter).await;
    assert!(world.store.registry().webhooks[&webhook_id(1)].paused);
    world.done(RegistryCommand::Webhook(Delete(webhook_id(1)))).await;
    let world = world.again(adapter).await;
    let registry = world.store.registry();
    assert!(registry.webhooks.is_empty() && registry.deliveries.is_empty());
    let expected = [
        ("webhook.create", "", "active"),
        ("webhook.update", "active", "paused"),
        ("webhook.update", "paused", "active"),
        ("webhook.update", "active", "paused"),
        ("webhook.delete", "paused", ""),
    ];
    let expected = expected.map(|(what, from, to)| (what.to_owned(), from.to_owned(), to.to_owned()));
    assert_eq!(told(&world).await, expected);
}

pub(super) async fn how_far_a_webhook_has_got_is_kept_and_told_to_nobody(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(create(1, 5)).await;
    world.done(create(2, 5)).await;
    let before = world.last_change().await;
    world.done(report(0, 100, &[(1, 9), (2, 7), (3, 8)])).await;
    world.done(report(0, 101, &[(1, 8)])).await;
    let world = world.again(adapter).await;
    let after = |number| delivery(&*world.store, number).map(|found| found.after);
    assert_eq!((after(1), after(2), after(3)), (Some(9), Some(7), None), "it never goes back");
    let park = WebhookCommand::Report(DeliveryReport {
        node: NODES[0],
        now: Timestamp(102),
        hold: None,
        webhooks: vec![(webhook_id(1), Progress { after: 12, parked: Some(parked()) })],
    });
    world.done(RegistryCommand::Webhook(park)).await;
    world.done(report(0, 103, &[(1, 13)])).await;
    let world = world.again(adapter).await;
    let found = delivery(&*world.store, 1).unwrap();
    assert_eq!((found.after, found.parked), (13, Some(parked())), "it stays parked");
    assert_eq!(world.last_change().await, before);
    world.done(RegistryCommand::Webhook(WebhookCommand::Resume(webhook_id(1)))).await;
    let world = world.again(adapter).await;
    assert_eq!(delivery(&*world.store, 1).unwrap().parked, None);
    let last = told(&world).await.pop().unwrap();
    assert_eq!(last, ("webhook.update".to_owned(), "parked".to_owned(), "active".to_owned()));
}

pub(super) async fn one_node_delivers_at_a_time(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    world.done(create(1, 5)).await;
    let holder = |world: &World| delivery(&*world.store, 1).unwrap().holder;
    let held_by = |node: usize, until| Some(Holder { node: NODES[node], until: Timestamp(until) });
    world.done(report(0, 100, &[(1, 6)])).await;
    assert_eq!(holder(&world), held_by(0, 110));
    world.done(report(1, 109, &[(1, 99)])).await;
    let world = world.again(adapter).await;
    assert_eq!(holder(&world), held_by(0, 110), "another one holds it");
    assert_eq!(delivery(&*world.store, 1).unwrap().after, 6, "and says how far it has got");
    world.done(report(0, 105, &[(1, 7)])).await;
    assert_eq!(holder(&world), held_by(0, 115));
    world.done(report(1, 115, &[(1, 7)])).await;
    assert_eq!(holder(&world), held_by(1, 125), "its time is over");
    world.done(report(0, 116, &[(1, 8)])).await;
    assert_eq!(delivery(&*world.store, 1).unwrap().after, 7, "the first one has lost it");
    let release = WebhookCommand::Report(DeliveryReport {
        node: NODES[1],
        now: Timestamp(117),
        hold: None,
        webhooks: vec![(webhook_id(1), Progress { after: 9, parked: None })],
    });
    world.done(RegistryCommand::Webhook(release)).await;
    world.done(report(0, 118, &[(1, 9)])).await;
    assert_eq!(holder(&world), held_by(0, 128));
}

pub(super) async fn webhooks_are_bounded(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    for number in 0..limit::WEBHOOKS {
        world.done(create(u8::try_from(number).expect("a small bound"), 0)).await;
    }
    assert_eq!(world.registry(create(200, 0)).await, RegistryOutcome::TooManyWebhooks);
    world.done(RegistryCommand::Webhook(WebhookCommand::Delete(webhook_id(0)))).await;
    world.done(create(200, 0)).await;
}

pub(super) async fn webhooks_move_and_outlive_a_reset(adapter: &dyn Adapter) {
    let world = World::new(adapter).await;
    let token = admin_token("chief", 7);
    world.done(RegistryCommand::CreateAdminToken(token.clone())).await;
    world.done(create(1, 5)).await;
    world.done(create(2, 6)).await;
    world.done(RegistryCommand::Webhook(WebhookCommand::Pause(webhook_id(2)))).await;
    world.done(report(0, 100, &[(1, 9)])).await;
    world.store.reset(Content::default(), origin()).await.unwrap();
    let world = world.again(adapter).await;
    let kept = |store: &dyn Store| {
        let registry = store.registry();
        assert_eq!(registry.admin_token(&token.hash), Some(&token));
        assert_eq!(registry.webhooks[&webhook_id(1)].as_ref(), &webhook(1));
        assert_eq!(registry.webhooks[&webhook_id(2)].as_ref(), &Webhook { paused: true, ..webhook(2) });
        let after = |number| delivery(store, number).unwrap().after;
        assert_eq!((after(1), after(2), registry.webhooks.len()), (9, 6, 2));
    };
    kept(&*world.store);
    let moved = Arc::new(MemoryStore::default());
    copy(&*world.store, &*moved, |_| {}).await.unwrap();
    kept(&*moved);
    let mut export = Export::new(world.store.snapshot().await.unwrap());
    let imported: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let mut import = Import::new(Arc::clone(&imported));
    while let Some(bytes) = export.next().await.unwrap() {
        import.push(&bytes).await.unwrap();
    }
    import.finish().await.unwrap();
    kept(&*imported);
    assert_eq!(delivery(&*imported, 1).unwrap().holder, None, "who delivered is not exported");
}

pub(super) async fn webhooks_move_in(adapter: &dyn Adapter) {
    let source = MemoryStore::default();
    source.change_registry(create(1, 5), origin()).await.unwrap();
    source.change_registry(report(0, 100, &[(1, 9)]), origin()).await.unwrap();
    let store = adapter.open().await;
    copy(&source, &*store, |_| {}).await.unwrap();
    assert_eq!(store.registry().webhooks[&webhook_id(1)].as_ref(), &webhook(1));
    assert_eq!(delivery(&*store, 1).unwrap().after, 9);
    store.close().await;
}
