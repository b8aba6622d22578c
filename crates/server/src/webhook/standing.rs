//! How far a webhook has got, for operators and metrics.

use std::sync::Arc;

use jackfield_model::admin::WebhookState;
use jackfield_store::registry::{Delivery, Webhook};
use jackfield_store::{StoreError, Timestamp};

use crate::metrics::Lag;
use crate::state::State;

/// How far a webhook has got.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) delivery: Option<Arc<Delivery>>,
    pub(crate) state: WebhookState,
    /// The last change that it has, or that is not for it.
    pub(crate) after: u64,
    /// Changes of the record that follow.
    pub(crate) changes: u64,
    /// The age of the first of them, in seconds.
    pub(crate) seconds: Option<u64>,
}

impl Standing {
    pub(crate) async fn of(state: &State, webhook: &Webhook) -> Result<Self, StoreError> {
        let delivery = state.store.registry().deliveries.get(&webhook.id).cloned();
        let told = delivery.as_ref().map_or(0, |delivery| delivery.after);
        let is_parked = delivery.as_ref().is_some_and(|delivery| delivery.parked.is_some());
        let standing = match (webhook.paused, is_parked) {
            (true, _) => WebhookState::Paused,
            (false, true) => WebhookState::Parked,
            (false, false) => WebhookState::Active,
        };
        // This node may know more than it has told the store.
        let after = told.max(state.feed.live.after(&webhook.id).unwrap_or_default());
        let backlog = state.store.backlog(after).await?;
        let age = |of: Timestamp| Timestamp::now().0.saturating_sub(of.0) / 1_000;
        let seconds = backlog.oldest.map(age);
        Ok(Self { delivery, state: standing, after, changes: backlog.changes, seconds })
    }
}

/// How far each webhook has got, for a scrape of the metrics. One whose lag cannot be read is left out.
pub(crate) async fn lags(state: &State) -> Vec<Lag> {
    let registry = state.store.registry();
    let all = registry.webhooks.values().map(async |webhook| {
        let standing = Standing::of(state, webhook).await.ok()?;
        let Standing { state, changes, seconds, .. } = standing;
        Some(Lag { webhook: webhook.id, state, changes, seconds: seconds.unwrap_or_default() })
    });
    futures_util::future::join_all(all).await.into_iter().flatten().collect()
}
