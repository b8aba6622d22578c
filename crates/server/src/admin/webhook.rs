//! Webhooks: made, shown with how far they have got, let rest and resumed.

use std::time::Duration;

use jackfield_model::admin::{self, List, NewWebhook, Role, Secret, TimeSpan};
use jackfield_model::limit;
use jackfield_store::registry::{SealedSecret, Webhook, WebhookCommand, WebhookId};
use jackfield_store::{Origin, RegistryCommand, Timestamp};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::describe::{ITEM_ERRORS, PageQuery, TOP_ERRORS, WRITE_ERRORS, describe};
use super::{AdminOperation, Query, change, created, no_content, not_found, ok, page, parse};
use crate::description::{CREATED, NO_CONTENT};
use crate::error::ApiError;
use crate::feed::cloud_event;
use crate::response::Reply;
use crate::state::State;
use crate::validate;
use crate::webhook::{self, Standing};

const KIND: &str = "webhook";
/// Bytes of the key of a secret that the server makes.
const KEY_BYTES: usize = 32;

pub(crate) static CREATE: AdminOperation = AdminOperation::new(
    "adminCreateWebhook",
    Role::Admin,
    describe("Make a webhook")
        .text(
            "It is sent each change at least once, in the order of the record: CloudEvents 1.0 in structured JSON, signed by \
             the conventions of Standard Webhooks. A secret that the server made is in this answer and in no other.",
        )
        .request::<NewWebhook>()
        .successes(CREATED)
        .response::<admin::Webhook>()
        .errors(WRITE_ERRORS),
    |context| Box::pin(create(context.state, context.origin, context.body)),
);

async fn create(state: &State, origin: Origin, body: &[u8]) -> Result<Reply, ApiError> {
    let new: NewWebhook = parse(body)?;
    validate::webhook(&new)?;
    let registry = state.store.registry();
    if new.organization_id.as_ref().is_some_and(|id| !registry.organizations.contains_key(id)) {
        return Err(not_found("organization"));
    }
    if new.service_provider_id.is_some_and(|id| !registry.providers.contains_key(&id)) {
        return Err(not_found("service provider"));
    }
    if let Some(ca) = &new.ca {
        webhook::check_ca(ca).map_err(|error| ApiError::BadRequest(format!("ca: {error}.")))?;
    }
    let timeout_ms = new.timeout.as_ref().map_or(Ok(millis(limit::WEBHOOK_TIMEOUT)), timeout)?;
    let made = new.secret.is_none().then(random_secret);
    let secret = new.secret.as_ref().or(made.as_ref()).map_or("", |secret| secret.0.as_str());
    let key = cloud_event::key_of(secret).unwrap_or_default();
    let id = WebhookId(uuid::Uuid::new_v4());
    // What is acknowledged after the answer is for it.
    let after = match new.after {
        Some(after) => after,
        None => state.store.backlog(u64::MAX).await?.complete,
    };
    let webhook = Webhook {
        id,
        url: new.url,
        secret: SealedSecret(state.keys().webhook_secrets.seal(&id.to_string(), &key)),
        provider: new.service_provider_id,
        organization: new.organization_id,
        operation: new.operation,
        batch: new.batch.unwrap_or(1),
        timeout_ms,
        park_after: new.park_after.unwrap_or(limit::WEBHOOK_PARK_AFTER),
        ca: new.ca,
        created: Timestamp::now(),
        paused: false,
    };
    change(state, RegistryCommand::Webhook(WebhookCommand::Create(Box::new(webhook), after)), origin).await?;
    let shown = find(state, &id.to_string()).await?;
    created(&admin::Webhook { secret: made, ..shown })
}

fn random_secret() -> Secret {
    let mut key = [0; KEY_BYTES];
    SystemRandom::new().fill(&mut key).expect("the operating system gives randomness");
    Secret(cloud_event::secret_of(&key))
}

/// The time of a delivery, in milliseconds.
fn timeout(span: &TimeSpan) -> Result<u64, ApiError> {
    let most = limit::WEBHOOK_TIMEOUT_MAX;
    let span = match span {
        TimeSpan::Seconds(seconds) => Some(Duration::from_secs((*seconds).into())),
        TimeSpan::Text(text) => humantime::parse_duration(text).ok(),
    };
    let span = span.filter(|span| (Duration::from_millis(1)..=most).contains(span));
    span.map(millis).ok_or_else(|| {
        ApiError::BadRequest(format!(
            "timeout must be a span of time from 1ms to {most:?}, for example \"5s\", or seconds."
        ))
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "adminListWebhooks",
    Role::Viewer,
    describe("List the webhooks")
        .text("With how far each has got.")
        .query::<PageQuery>()
        .response::<List<admin::Webhook>>()
        .errors(TOP_ERRORS),
    |context| Box::pin(list(context.state, context.query)),
);

async fn list(state: &State, query: &Query) -> Result<Reply, ApiError> {
    let registry = state.store.registry();
    let mut items = Vec::new();
    for webhook in registry.webhooks.values() {
        items.push((webhook.id.to_string(), shown(state, webhook).await?));
    }
    ok(&page(items, query)?)
}

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "adminGetWebhook",
    Role::Viewer,
    describe("Get a webhook")
        .text("With how far it has got, and what was wrong with the last delivery.")
        .response::<admin::Webhook>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(get(context.state, context.id)),
);

async fn get(state: &State, id: &str) -> Result<Reply, ApiError> {
    ok(&find(state, id).await?)
}

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "adminDeleteWebhook",
    Role::Admin,
    describe("Delete a webhook")
        .text("A delivery that is under way may still arrive.")
        .successes(NO_CONTENT)
        .errors(ITEM_ERRORS),
    |context| Box::pin(delete(context.state, context.origin, context.id)),
);

async fn delete(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    change(state, RegistryCommand::Webhook(WebhookCommand::Delete(parse_id(id)?)), origin).await?;
    no_content()
}

pub(crate) static PAUSE: AdminOperation = AdminOperation::new(
    "adminPauseWebhook",
    Role::Operator,
    describe("Let a webhook rest")
        .text("The record keeps what is not delivered, within its retention.")
        .response::<admin::Webhook>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(act(context.state, context.origin, context.id, WebhookCommand::Pause)),
);

pub(crate) static RESUME: AdminOperation = AdminOperation::new(
    "adminResumeWebhook",
    Role::Operator,
    describe("Resume a webhook that rests or is parked")
        .text("Deliveries go on with the change after the last one that it took.")
        .response::<admin::Webhook>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(act(context.state, context.origin, context.id, WebhookCommand::Resume)),
);

async fn act(
    state: &State,
    origin: Origin,
    id: &str,
    command: fn(WebhookId) -> WebhookCommand,
) -> Result<Reply, ApiError> {
    change(state, RegistryCommand::Webhook(command(parse_id(id)?)), origin).await?;
    ok(&find(state, id).await?)
}

fn parse_id(id: &str) -> Result<WebhookId, ApiError> {
    id.parse().map_err(|_| not_found(KIND))
}

async fn find(state: &State, id: &str) -> Result<admin::Webhook, ApiError> {
    let registry = state.store.registry();
    let webhook = registry.webhooks.get(&parse_id(id)?).ok_or_else(|| not_found(KIND))?;
    shown(state, webhook).await
}

async fn shown(state: &State, webhook: &Webhook) -> Result<admin::Webhook, ApiError> {
    let Standing { delivery, state: standing, after, changes, seconds } =
        Standing::of(state, webhook).await?;
    let parked = delivery.as_ref().and_then(|delivery| delivery.parked.as_ref());
    let (failures, last_error) = match parked {
        Some(parked) => (parked.failures, Some(parked.error.clone())),
        None => state.feed.live.failures(&webhook.id),
    };
    let time = |at: Timestamp| humantime::format_rfc3339_millis(at.system_time()).to_string();
    let timeout = humantime::format_duration(Duration::from_millis(webhook.timeout_ms)).to_string();
    Ok(admin::Webhook {
        id: webhook.id.to_string(),
        url: webhook.url.clone(),
        secret: None,
        service_provider_id: webhook.provider,
        organization_id: webhook.organization.clone(),
        operation: webhook.operation.clone(),
        batch: webhook.batch,
        timeout: TimeSpan::Text(timeout),
        park_after: webhook.park_after,
        ca: webhook.ca.clone(),
        created: time(webhook.created),
        state: standing,
        after,
        lag_changes: changes,
        lag_seconds: seconds,
        failures,
        last_error,
        parked_since: parked.map(|parked| time(parked.since)),
    })
}
