//! How far the webhooks have got that this node delivers to, between two times that the store is told.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jackfield_store::registry::{Parked, Progress, WebhookId};

/// What is known here of the webhooks.
#[derive(Debug, Default)]
pub(crate) struct Live(Mutex<HashMap<WebhookId, Known>>);

#[derive(Debug, Default)]
struct Known {
    after: u64,
    failures: u32,
    last_error: Option<String>,
    /// Why it has just been parked; the store is still to be told.
    parked: Option<Parked>,
}

impl Live {
    /// Begins with a webhook, after a change.
    pub(crate) fn begin(&self, id: WebhookId, after: u64) {
        self.lock().insert(id, Known { after, ..Known::default() });
    }

    /// The last change that was delivered or passed over.
    pub(crate) fn after(&self, id: &WebhookId) -> Option<u64> {
        self.lock().get(id).map(|known| known.after)
    }

    /// A webhook has got further.
    pub(crate) fn got_to(&self, id: &WebhookId, after: u64) {
        if let Some(known) = self.lock().get_mut(id) {
            known.after = known.after.max(after);
        }
    }

    /// A delivery was good; answers how many had failed before it.
    pub(crate) fn delivered(&self, id: &WebhookId) -> u32 {
        let mut all = self.lock();
        let Some(known) = all.get_mut(id) else { return 0 };
        known.last_error = None;
        std::mem::take(&mut known.failures)
    }

    /// A delivery failed; answers how many have since the last good one.
    pub(crate) fn failed(&self, id: &WebhookId, error: &str) -> u32 {
        let mut all = self.lock();
        let Some(known) = all.get_mut(id) else { return 0 };
        known.failures = known.failures.saturating_add(1);
        known.last_error = Some(error.to_owned());
        known.failures
    }

    /// A webhook is to rest until an operator resumes it.
    pub(crate) fn park(&self, id: &WebhookId, parked: Parked) {
        if let Some(known) = self.lock().get_mut(id) {
            known.parked = Some(parked);
        }
    }

    /// Deliveries that have failed since the last good one, and what was wrong with the last.
    pub(crate) fn failures(&self, id: &WebhookId) -> (u32, Option<String>) {
        self.lock().get(id).map_or((0, None), |known| (known.failures, known.last_error.clone()))
    }

    /// What the store is to be told of a webhook.
    pub(crate) fn progress(&self, id: &WebhookId) -> Option<Progress> {
        self.lock().get(id).map(|known| Progress { after: known.after, parked: known.parked.clone() })
    }

    /// Forgets a webhook that is no longer delivered to here.
    pub(crate) fn end(&self, id: &WebhookId) {
        self.lock().remove(id);
    }

    /// The webhooks that are delivered to here.
    pub(crate) fn ids(&self) -> Vec<WebhookId> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WebhookId, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
