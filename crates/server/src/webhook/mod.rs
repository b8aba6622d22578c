//! Sends the changes to webhooks: each change at least once, in the order of the record.
//!
//! Whoever delivers reads the record from a place that the store keeps, so that a write knows nothing of webhooks and a
//! restart loses nothing. The store is told once a second how far they have got. Where several nodes share a store, one
//! delivers to a webhook at a time: it holds it for some seconds, and says so again before they are over.

mod attempt;
mod deliverer;
mod owner;
mod standing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jackfield_model::{RequestId, limit};
use jackfield_store::registry::{Delivery, DeliveryReport, Progress, Webhook, WebhookCommand, WebhookId};
use jackfield_store::{Actor, Origin, Registry, RegistryCommand, Timestamp};
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::deliverer::Deliverer;
pub(crate) use self::standing::{Standing, lags};
use crate::outbound::Outbound;
use crate::state::State;

/// Between two looks at what operators want.
const LOOK: Duration = Duration::from_millis(200);
/// Between two times that the store is told how far the webhooks have got.
const TELL: Duration = Duration::from_secs(1);
/// How long a node holds a webhook. The clocks of nodes may differ by less.
const HOLD: Duration = Duration::from_secs(15);
/// What is left of it when the node says so again.
const RENEW: Duration = Duration::from_secs(10);

/// How long a server that ends waits for the store to know how far the webhooks have got.
const CLOSE: Duration = Duration::from_secs(3);

/// What is delivered to here.
struct Running {
    webhook: Arc<Webhook>,
    task: tokio::task::AbortHandle,
}

/// Delivers until it is dropped.
pub(crate) async fn run(state: Arc<State>) {
    let mut running: HashMap<WebhookId, Running> = HashMap::new();
    // They end with it.
    let mut tasks = JoinSet::new();
    let mut told = Instant::now();
    loop {
        while tasks.try_join_next().is_some() {}
        let registry = state.store.registry();
        running.retain(|id, running| {
            let webhook = registry.webhooks.get(id).filter(|webhook| **webhook == running.webhook);
            let goes_on = webhook.is_some_and(|webhook| is_delivered_to_here(&state, &registry, webhook));
            if !goes_on {
                running.task.abort();
            }
            goes_on && !running.task.is_finished()
        });
        for webhook in registry.webhooks.values() {
            if !running.contains_key(&webhook.id) && is_delivered_to_here(&state, &registry, webhook) {
                let task = begin(&state, &mut tasks, &registry, webhook);
                running.insert(webhook.id, Running { webhook: Arc::clone(webhook), task });
            }
        }
        if told.elapsed() >= TELL || state.feed.live.ids().iter().any(|id| has_just_been_parked(&state, id)) {
            told = Instant::now();
            tell(&state, &running).await;
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Checks certificates in PEM form that a webhook is to be trusted by.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn check_ca(ca: &str) -> Result<(), String> {
    Outbound::new(Some(ca.as_bytes()), attempt::bounds(limit::WEBHOOK_TIMEOUT)).map(drop)
}

/// Tells the store how far the webhooks have got, and lets other nodes deliver. Nothing is delivered here any more.
pub(crate) async fn close(state: &State) {
    let registry = state.store.registry();
    let ids = state.feed.live.ids().into_iter().filter(|id| registry.webhooks.contains_key(id));
    let webhooks: Vec<_> = ids.filter_map(|id| Some((id, state.feed.live.progress(&id)?))).collect();
    if !webhooks.is_empty() && tokio::time::timeout(CLOSE, report(state, webhooks, None)).await.is_err() {
        tracing::warn!(
            "the store could not be told how far webhooks have got: changes will be delivered again"
        );
    }
}

fn begin(
    state: &Arc<State>,
    tasks: &mut JoinSet<()>,
    registry: &Registry,
    webhook: &Arc<Webhook>,
) -> tokio::task::AbortHandle {
    let after = registry.deliveries.get(&webhook.id).map_or(0, |delivery| delivery.after);
    // What was delivered here and the store was not told yet counts.
    let after = after.max(state.feed.live.after(&webhook.id).unwrap_or_default());
    state.feed.live.begin(webhook.id, after);
    tasks.spawn(Deliverer::run(Arc::clone(state), Arc::clone(webhook), after))
}

/// Whether a webhook is to be delivered to, and by this node.
fn is_delivered_to_here(state: &State, registry: &Registry, webhook: &Webhook) -> bool {
    let delivery = registry.deliveries.get(&webhook.id);
    !webhook.paused
        && delivery.is_some_and(|delivery| delivery.parked.is_none() && is_held_here(state, delivery))
        && !has_just_been_parked(state, &webhook.id)
}

/// Whether this node may deliver.
fn is_held_here(state: &State, delivery: &Delivery) -> bool {
    !state.store.is_shared()
        || delivery
            .holder
            .is_some_and(|holder| holder.node == state.feed.node && holder.until > Timestamp::now())
}

fn has_just_been_parked(state: &State, id: &WebhookId) -> bool {
    state.feed.live.progress(id).is_some_and(|progress| progress.parked.is_some())
}

/// Tells the store what is new, and asks for webhooks that no other node delivers to.
async fn tell(state: &State, running: &HashMap<WebhookId, Running>) {
    let registry = state.store.registry();
    let now = Timestamp::now();
    let mut webhooks = Vec::new();
    for webhook in registry.webhooks.values() {
        let Some(delivery) = registry.deliveries.get(&webhook.id) else { continue };
        let progress = state.feed.live.progress(&webhook.id);
        let is_news = progress
            .as_ref()
            .is_some_and(|progress| progress.after > delivery.after || progress.parked.is_some());
        if is_news || wants_hold(state, webhook, delivery, now) {
            let progress = progress.unwrap_or(Progress { after: delivery.after, parked: None });
            webhooks.push((webhook.id, progress));
        }
    }
    let said = match webhooks.is_empty() {
        true => true,
        false => {
            let hold = state.store.is_shared().then(|| Timestamp(now.0.saturating_add(millis(HOLD))));
            report(state, webhooks, hold).await
        }
    };
    if said {
        // What is said, and not delivered to here any more, need not be known.
        let gone = |id: &WebhookId| !running.contains_key(id) || has_just_been_parked(state, id);
        state.feed.live.ids().iter().filter(|id| gone(id)).for_each(|id| state.feed.live.end(id));
    }
}

/// Whether this node has to say that it delivers, or may begin to.
fn wants_hold(state: &State, webhook: &Webhook, delivery: &Delivery, now: Timestamp) -> bool {
    state.store.is_shared()
        && !webhook.paused
        && delivery.parked.is_none()
        && delivery.is_free_for(state.feed.node, now)
        && delivery.holder.is_none_or(|holder| {
            holder.node != state.feed.node || holder.until.0 < now.0.saturating_add(millis(RENEW))
        })
}

/// Tells the store; says whether it knows now.
async fn report(state: &State, webhooks: Vec<(WebhookId, Progress)>, hold: Option<Timestamp>) -> bool {
    let now = Timestamp::now();
    let report = DeliveryReport { node: state.feed.node, now, hold, webhooks };
    let command = RegistryCommand::Webhook(WebhookCommand::Report(report));
    // It is in no change record, so nobody sees an actor.
    let origin = Origin { actor: Actor::Admin, request_id: RequestId::random(), time: now };
    let done = state.store.change_registry(command, origin).await;
    if let Err(error) = &done {
        tracing::debug!(%error, "the store could not be told how far webhooks have got");
    }
    done.is_ok()
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
