//! Sends the messages of a call to its skill: one at a time and in their order, unless a fault rule spoils that.

use std::sync::Arc;

use jackfield_calling::{Delivery, Message};
use jackfield_model::admin::SkillProblem;
use jackfield_model::inspect::{DeliverAs, DropWhen};
use jackfield_model::wire::Skill;
use jackfield_model::{AmazonId, ClientId, limit};
use tokio::sync::mpsc;

use super::effects::act;
use super::request::send_message;
use crate::calls::CallKey;
use crate::sandbox::fault::{Effect as Fault, FaultContext, FaultMatch, TO_SKILL};
use crate::skill::Sent;
use crate::state::State;

/// A message, and its entry in the transcript.
type Outgoing = (u64, Message);

/// Who sends to whom.
struct Sender {
    state: Arc<State>,
    key: CallKey,
    skill: Arc<Skill>,
    profile: AmazonId,
}

/// Sends what comes, until nothing comes any more.
pub(super) async fn send_all(
    state: Arc<State>,
    key: CallKey,
    skill: Arc<Skill>,
    profile: AmazonId,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
) {
    let sender = Sender { state, key, skill, profile };
    while let Some(message) = queue.recv().await {
        match sender.fault() {
            Some(FaultMatch { rule, effect: Fault::Deliver(DeliverAs::AfterNext), latency }) => {
                // Where none follows, it is late.
                let next = tokio::time::timeout(limit::HELD_MESSAGE, queue.recv()).await;
                let what = match next {
                    Ok(Some(next)) => {
                        let fault = sender.fault();
                        sender.send(next, fault).await;
                        "after the next message"
                    }
                    Ok(None) | Err(_) => "late, as no other followed",
                };
                sender.note(message.0, &format!("Fault rule {rule} had it sent {what}."));
                tokio::time::sleep(latency).await;
                sender.send(message, None).await;
            }
            fault => sender.send(message, fault).await,
        }
    }
}

impl Sender {
    /// The fault of the next message.
    fn fault(&self) -> Option<FaultMatch> {
        let client = self.skill.client_id.as_ref().map(ClientId::as_str);
        let context = FaultContext { operation: TO_SKILL, client, provider: None };
        let fault = self.state.sandbox.faults.evaluate(context);
        if let Some(FaultMatch { effect, .. }) = &fault {
            self.state.metrics.fault(effect.name());
        }
        fault
    }

    async fn send(&self, (entry, message): Outgoing, fault: Option<FaultMatch>) {
        let delivery = self.deliver(entry, &message, fault).await;
        act(&self.state, &self.key, |session, now| Ok::<_, ()>(session.delivered(entry, delivery, now)));
    }

    fn note(&self, entry: u64, note: &str) {
        act(&self.state, &self.key, |session, _| {
            session.note(entry, note);
            Ok::<_, ()>(Vec::new())
        });
    }

    async fn deliver(&self, entry: u64, message: &Message, fault: Option<FaultMatch>) -> Delivery {
        let Some(FaultMatch { rule, latency, effect }) = fault else {
            return delivery(self.exchange(message).await);
        };
        tokio::time::sleep(latency).await;
        match effect {
            Fault::Status(answer) => {
                let status = answer.status().0.as_u16();
                Delivery::Refused(
                    status,
                    format!("Fault rule {rule} answered {status} in place of the skill."),
                )
            }
            Fault::Drop(DropWhen::Before) => Delivery::Kept(format!("Fault rule {rule} lost it.")),
            Fault::Drop(DropWhen::After) => {
                self.exchange(message).await;
                Delivery::Failed(format!("Fault rule {rule} lost the answer of the skill."))
            }
            Fault::Deliver(DeliverAs::Twice) => {
                let first = delivery(self.exchange(message).await);
                let again = self.exchange(message).await;
                let status = again.status.map_or("nothing".to_owned(), |status| status.as_u16().to_string());
                self.note(
                    entry,
                    &format!("Fault rule {rule} had it sent twice; the second was answered {status}."),
                );
                first
            }
            // A message that follows one that is held back is not held back as well.
            Fault::Latency | Fault::Deliver(DeliverAs::AfterNext) | Fault::Device(_) => {
                delivery(self.exchange(message).await)
            }
        }
    }

    async fn exchange(&self, message: &Message) -> Sent {
        let Self { state, key, skill, profile } = self;
        send_message(state, &key.organization, skill, profile.as_str(), (&key.id, message)).await
    }
}

fn delivery(Sent { status, failure, .. }: Sent) -> Delivery {
    let status = status.map(|status| status.as_u16());
    match (failure, status) {
        (None, status) => Delivery::Taken(status.unwrap_or(200)),
        (Some((SkillProblem::Timeout, why)), _) => Delivery::TimedOut(why),
        (Some((_, why)), Some(status)) => Delivery::Refused(status, why),
        (Some((_, why)), None) => Delivery::Failed(why),
    }
}
