//! Metrics of webhooks. Those of webhooks that are no more are taken away at the next scrape.

use jackfield_model::admin::WebhookState;
use jackfield_store::registry::WebhookId;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

use super::{counters, keep};

/// What is counted and measured of webhooks.
pub(crate) struct WebhookMetrics {
    attempts: IntCounterVec,
    changes: IntCounterVec,
    lost: IntCounterVec,
    lag_changes: IntGaugeVec,
    lag_seconds: IntGaugeVec,
    states: IntGaugeVec,
}

/// A webhook as a scrape shows it.
#[derive(Debug)]
pub(crate) struct Lag {
    pub(crate) webhook: WebhookId,
    pub(crate) state: WebhookState,
    pub(crate) changes: u64,
    pub(crate) seconds: u64,
}

impl WebhookMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            keep(registry, IntGaugeVec::new(Opts::new(name, help), labels))
        };
        Self {
            attempts: counters(
                registry,
                "jackfield_webhook_deliveries_total",
                "Attempts to deliver to a webhook, by outcome.",
                &["webhook", "outcome"],
            ),
            changes: counters(
                registry,
                "jackfield_webhook_changes_total",
                "Changes that a webhook took.",
                &["webhook"],
            ),
            lost: counters(
                registry,
                "jackfield_webhook_losses_total",
                "Times that changes were forgotten before they could be delivered to a webhook.",
                &["webhook"],
            ),
            lag_changes: gauges(
                "jackfield_webhook_lag_changes",
                "Changes of the record after the last one that a webhook has.",
                &["webhook"],
            ),
            lag_seconds: gauges(
                "jackfield_webhook_lag_seconds",
                "Age of the first change after the last one that a webhook has.",
                &["webhook"],
            ),
            states: gauges(
                "jackfield_webhook_state",
                "1 for the state that a webhook is in.",
                &["webhook", "state"],
            ),
        }
    }

    /// Counts an attempt to deliver.
    pub(crate) fn attempt(&self, webhook: &WebhookId, taken: bool) {
        let outcome = if taken { "taken" } else { "failed" };
        self.attempts.with_label_values(&[webhook.to_string().as_str(), outcome]).inc();
    }

    /// Counts changes that were taken.
    pub(crate) fn delivered(&self, webhook: &WebhookId, changes: usize) {
        self.changes.with_label_values(&[webhook.to_string()]).inc_by(changes as u64);
    }

    /// Counts a loss.
    pub(crate) fn lost(&self, webhook: &WebhookId) {
        self.lost.with_label_values(&[webhook.to_string()]).inc();
    }

    /// Shows these, and no others.
    pub(crate) fn show(&self, all: &[Lag]) {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        [&self.lag_changes, &self.lag_seconds, &self.states].iter().for_each(|gauge| gauge.reset());
        for Lag { webhook, state, changes, seconds } in all {
            let webhook = webhook.to_string();
            self.lag_changes.with_label_values(&[&webhook]).set(number(*changes));
            self.lag_seconds.with_label_values(&[&webhook]).set(number(*seconds));
            self.states.with_label_values(&[webhook.as_str(), state.as_str()]).set(1);
        }
    }
}
