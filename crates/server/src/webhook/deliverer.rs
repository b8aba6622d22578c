//! Delivers to one webhook: one delivery after the other, each until it is taken.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jackfield_model::limit;
use jackfield_store::registry::{Parked, Webhook};
use jackfield_store::{Change, ChangeFilter, StoreError, Timestamp};

use super::attempt::Target;
use super::owner::Owners;
use crate::feed::{self, cloud_event};
use crate::state::State;

/// Longest without a look at the record, whatever is told.
const IDLE: Duration = Duration::from_secs(5);
/// Until a store that could not be read is read again.
const PAUSE: Duration = Duration::from_secs(1);

/// What delivers to a webhook.
pub(super) struct Deliverer {
    state: Arc<State>,
    webhook: Arc<Webhook>,
    target: Target,
    source: String,
    owners: Owners,
    /// The last change that was delivered or passed over.
    after: u64,
}

/// Why it does not go on at once.
enum Stop {
    Store(StoreError),
    Parked,
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Changes that are delivered together.
#[derive(Default)]
struct Batch {
    first: u64,
    last: u64,
    bytes: usize,
    events: Vec<Vec<u8>>,
}

impl Batch {
    fn add(&mut self, sequence: u64, event: Vec<u8>) {
        if self.events.is_empty() {
            self.first = sequence;
        }
        self.last = sequence;
        self.bytes += event.len();
        self.events.push(event);
    }

    fn is_full(&self, webhook: &Webhook) -> bool {
        self.events.len() >= webhook.batch as usize || self.bytes >= limit::WEBHOOK_BODY_BYTES
    }
}

impl Deliverer {
    /// Delivers what follows a change, until the webhook is parked or the server ends.
    pub(super) async fn run(state: Arc<State>, webhook: Arc<Webhook>, after: u64) {
        let target = loop {
            match Target::new(&state, &webhook).await {
                Ok(target) => break target,
                Err(error) => {
                    if failed(&state, &webhook, error).await {
                        return;
                    }
                }
            }
        };
        let source = cloud_event::source(&state.keys().directory_name);
        let mut listening = state.feed.listen();
        let mut deliverer = Self { state, webhook, target, source, owners: Owners::default(), after };
        while listening.goes_on() {
            match deliverer.page().await {
                Ok(true) => {}
                Ok(false) => listening.wait(IDLE).await,
                Err(Stop::Parked) => return,
                Err(Stop::Store(error)) => {
                    tracing::debug!(%error, webhook = %deliverer.webhook.id, "a webhook waits for the store");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Delivers a page of the record; says whether more follows.
    async fn page(&mut self) -> Result<bool, Stop> {
        let provider = self.webhook.provider;
        let filter = ChangeFilter { provider, after: self.after, limit: limit::FEED_PAGE };
        let read = feed::read(&*self.state.store, &filter).await?;
        if let Some(through) = read.lost_through {
            self.tell_loss(through).await?;
        }
        let mut batch = Batch::default();
        for change in &read.changes {
            if !self.wants(change).await? {
                continue;
            }
            batch.add(change.sequence, cloud_event::of_change(&self.source, change));
            if batch.is_full(&self.webhook) {
                self.flush(std::mem::take(&mut batch)).await?;
            }
        }
        if !batch.events.is_empty() {
            self.flush(batch).await?;
        }
        self.get_to(read.next_after);
        Ok(read.more)
    }

    async fn wants(&mut self, change: &Change) -> Result<bool, StoreError> {
        let operation = self.webhook.operation.as_ref();
        if operation.is_some_and(|wanted| !change.operation_name().starts_with(wanted)) {
            return Ok(false);
        }
        match &self.webhook.organization {
            Some(wanted) => self.owners.is_of(&*self.state.store, change, wanted).await,
            None => Ok(true),
        }
    }

    /// Says that changes were forgotten before they could be delivered.
    async fn tell_loss(&mut self, through: u64) -> Result<(), Stop> {
        let (id, after) = (self.webhook.id, self.after);
        tracing::warn!(webhook = %id, after, through, "changes were forgotten before they could be delivered");
        self.state.metrics.webhooks.lost(&id);
        let event = cloud_event::of_loss(&self.source, after, through);
        self.send(&format!("lost_{after}_{through}"), &[event]).await?;
        self.get_to(through);
        Ok(())
    }

    async fn flush(&mut self, batch: Batch) -> Result<(), Stop> {
        let Batch { first, last, events, .. } = batch;
        let id = if events.len() == 1 { format!("change_{first}") } else { format!("change_{first}_{last}") };
        self.send(&id, &events).await?;
        self.state.metrics.webhooks.delivered(&self.webhook.id, events.len());
        self.get_to(last);
        Ok(())
    }

    fn get_to(&mut self, after: u64) {
        self.after = self.after.max(after);
        self.state.feed.live.got_to(&self.webhook.id, self.after);
    }

    /// Delivers until it is taken. What is sent again has the same id and bytes, and a time and signature of its own.
    async fn send(&self, id: &str, events: &[Vec<u8>]) -> Result<(), Stop> {
        let (state, webhook) = (&self.state, &self.webhook);
        let body = self.body(events);
        let mut attempts = 0;
        loop {
            let taken = self.target.deliver(&state.traces, id, body.clone(), attempts).await;
            attempts += 1;
            state.metrics.webhooks.attempt(&webhook.id, taken.is_ok());
            let Err(error) = taken else {
                let failures = state.feed.live.delivered(&webhook.id);
                if failures > 0 {
                    tracing::info!(webhook = %webhook.id, failures, "a webhook takes deliveries again");
                }
                return Ok(());
            };
            if failed(state, webhook, error).await {
                return Err(Stop::Parked);
            }
        }
    }

    fn body(&self, events: &[Vec<u8>]) -> Bytes {
        match events {
            [event] if self.webhook.batch == 1 => event.clone().into(),
            events => [&b"["[..], &events.join(&b","[..]), b"]"].concat().into(),
        }
    }
}

/// Notes a failure, and waits until it is worth trying again. Says whether there were so many that the webhook is to rest
/// until an operator resumes it.
async fn failed(state: &State, webhook: &Webhook, error: String) -> bool {
    let failures = state.feed.live.failed(&webhook.id, &error);
    if failures >= webhook.park_after {
        tracing::error!(webhook = %webhook.id, failures, error, "a webhook is parked until an operator resumes it");
        state.feed.live.park(&webhook.id, Parked { since: Timestamp::now(), failures, error });
        return true;
    }
    if failures == 1 {
        tracing::warn!(webhook = %webhook.id, error, "a webhook does not take a delivery; it is tried again");
    }
    tokio::time::sleep(pause(failures)).await;
    false
}

/// How long to wait after so many failures: twice as long each time, and by chance up to half of it less, so that what
/// failed together is not tried together.
fn pause(failures: u32) -> Duration {
    let doubled = limit::WEBHOOK_PAUSE_MIN
        .saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let longest = doubled.min(limit::WEBHOOK_PAUSE_MAX);
    let chance = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
    longest / 2 + longest / 2 * chance / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_are_bounded() {
        for failures in 1_u32..100 {
            let most = limit::WEBHOOK_PAUSE_MIN
                .saturating_mul(1 << failures.saturating_sub(1).min(20))
                .min(limit::WEBHOOK_PAUSE_MAX);
            for _ in 0..10 {
                let pause = pause(failures);
                assert!(pause >= most / 2 && pause <= most, "{failures}: {pause:?}");
            }
        }
    }
}
