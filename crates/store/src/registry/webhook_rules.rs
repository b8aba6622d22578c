//! The rules of webhooks: what may be done to one, and what that does to its two records.

use jackfield_model::limit;

use super::{
    Delivery, DeliveryReport, Holder, Record, RecordKey, Registry, RegistryOutcome, Webhook, WebhookCommand,
    WebhookId,
};
use crate::change::Subject;

/// What a command does to a record, and what the change record says of it.
pub(super) struct Step {
    pub(super) key: RecordKey,
    pub(super) record: Option<Record>,
    pub(super) told: Option<Subject>,
}

impl Registry {
    pub(super) fn check_webhook(&self, command: &WebhookCommand) -> RegistryOutcome {
        match command {
            WebhookCommand::Create(new, _) if self.webhooks.contains_key(&new.id) => RegistryOutcome::Exists,
            WebhookCommand::Create(..) if self.webhooks.len() >= limit::WEBHOOKS => {
                RegistryOutcome::TooManyWebhooks
            }
            WebhookCommand::Delete(id) | WebhookCommand::Pause(id) | WebhookCommand::Resume(id)
                if !self.webhooks.contains_key(id) =>
            {
                RegistryOutcome::NotFound
            }
            _ => RegistryOutcome::Done,
        }
    }

    /// The steps of a command that was found good.
    pub(super) fn webhook_steps(&self, command: WebhookCommand) -> Vec<Step> {
        match command {
            WebhookCommand::Create(new, after) => {
                let delivery = Delivery { webhook: new.id, after, parked: None, holder: None };
                vec![self.say(*new), untold(delivery)]
            }
            WebhookCommand::Delete(id) => {
                let key = RecordKey::Webhook(id);
                let before = self.webhooks.get(&id).map(|webhook| webhook.public_json());
                let told = Some(subject(id, before, None));
                let delivery = Step { key: RecordKey::Delivery(id), record: None, told: None };
                vec![Step { key, record: None, told }, delivery]
            }
            WebhookCommand::Pause(id) => {
                let webhook = Webhook { paused: true, ..Webhook::clone(&self.webhooks[&id]) };
                vec![self.say(webhook)]
            }
            WebhookCommand::Resume(id) => self.resume(id),
            WebhookCommand::Report(report) => self.report(&report),
        }
    }

    fn resume(&self, id: WebhookId) -> Vec<Step> {
        let webhook = &self.webhooks[&id];
        let parked = self.deliveries.get(&id).filter(|delivery| delivery.parked.is_some());
        let mut steps = Vec::new();
        if webhook.paused {
            steps.push(self.say(Webhook { paused: false, ..Webhook::clone(webhook) }));
        }
        if let Some(delivery) = parked {
            let mut step = untold(Delivery { parked: None, ..Delivery::clone(delivery) });
            if steps.is_empty() {
                let (mut before, after) = (webhook.public_json(), webhook.public_json());
                before["state"] = "parked".into();
                step.told = Some(subject(id, Some(before), Some(after)));
            }
            steps.push(step);
        }
        steps
    }

    fn report(&self, report: &DeliveryReport) -> Vec<Step> {
        let mut steps = Vec::new();
        for (id, progress) in &report.webhooks {
            let Some(before) = self.deliveries.get(id) else { continue };
            if !before.is_free_for(report.node, report.now) {
                continue;
            }
            let after = Delivery {
                webhook: *id,
                after: before.after.max(progress.after),
                parked: progress.parked.clone().or_else(|| before.parked.clone()),
                holder: report.hold.map(|until| Holder { node: report.node, until }),
            };
            if after != **before {
                steps.push(untold(after));
            }
        }
        steps
    }

    /// The step that stores a webhook.
    fn say(&self, webhook: Webhook) -> Step {
        let id = webhook.id;
        let before = self.webhooks.get(&id).map(|before| before.public_json());
        let told = Some(subject(id, before, Some(webhook.public_json())));
        Step { key: RecordKey::Webhook(id), record: Some(Record::Webhook(Box::new(webhook))), told }
    }
}

fn untold(delivery: Delivery) -> Step {
    Step { key: RecordKey::Delivery(delivery.webhook), record: Some(Record::Delivery(delivery)), told: None }
}

fn subject(id: WebhookId, before: Option<serde_json::Value>, after: Option<serde_json::Value>) -> Subject {
    let text = |value: serde_json::Value| value.to_string();
    Subject::Object {
        kind: "webhook".to_owned(),
        id: id.to_string(),
        before: before.map(text),
        after: after.map(text),
    }
}
