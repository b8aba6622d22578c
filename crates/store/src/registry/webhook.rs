//! Webhooks: who is sent the changes, and how far each has got.
//!
//! What an operator says of a webhook is one record, and in the change record. How far it has got is another: it moves
//! with the deliveries and is in no change record, or each delivery would make another one.

use std::fmt;

use jackfield_model::{OrganizationId, ServiceProviderId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::change::Timestamp;

/// Names a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookId(pub Uuid);

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for WebhookId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A secret that is encrypted with a key that derives from that of the directory. How is the business of who opens it.
/// The debug form hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedSecret(pub String);

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSecret(…)")
    }
}

/// What an operator says of a webhook.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The URL that takes the changes.
    pub url: String,
    /// What deliveries are signed with.
    pub secret: SealedSecret,
    /// Only changes about this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ServiceProviderId>,
    /// Only changes of this organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationId>,
    /// Only operations that begin with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Most changes of one delivery.
    pub batch: u32,
    /// How long a delivery may take, in milliseconds.
    pub timeout_ms: u64,
    /// Deliveries that fail one after the other before it is parked.
    pub park_after: u32,
    /// Certificates in PEM form that its URL is trusted by, beside those of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Whether an operator wants it to rest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
}

/// Without its URL, which may hold a key.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How far a webhook has got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Whose it is.
    pub webhook: WebhookId,
    /// The sequence number of the last change that was delivered or passed over. Those since may have been delivered, too.
    pub after: u64,
    /// Why nothing is delivered any more, until an operator resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<Parked>,
    /// The node that delivers, where several share the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
}

/// Why a webhook is parked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Since when.
    pub since: Timestamp,
    /// How many deliveries failed, one after the other.
    pub failures: u32,
    /// What was wrong with the last one.
    pub error: String,
}

/// A node that delivers to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// A number that no other node has.
    pub node: Uuid,
    /// Until when no other node may.
    pub until: Timestamp,
}

/// What a node says of its deliveries.
#[derive(Clone, Debug)]
pub struct DeliveryReport {
    /// The node.
    pub node: Uuid,
    /// The time there.
    pub now: Timestamp,
    /// Until when it wants to deliver alone; `None` where it is alone, or is about to end.
    pub hold: Option<Timestamp>,
    /// How far each webhook has got. One that another node holds is passed over.
    pub webhooks: Vec<(WebhookId, Progress)>,
}

/// How far a webhook has got at the node that delivers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The sequence number of the last change that was delivered or passed over. It never goes back.
    pub after: u64,
    /// Set where it has just been parked.
    pub parked: Option<Parked>,
}

impl Delivery {
    /// Whether a node may deliver: it holds it, or nobody else does any more.
    #[must_use]
    pub fn is_free_for(&self, node: Uuid, now: Timestamp) -> bool {
        self.holder.is_none_or(|holder| holder.node == node || holder.until <= now)
    }
}

/// What is done to a webhook.
#[derive(Clone, Debug)]
pub enum WebhookCommand {
    /// Adds one, which gets the changes after a sequence number.
    Create(Box<Webhook>, u64),
    /// Removes one, and how far it had got.
    Delete(WebhookId),
    /// Lets it rest.
    Pause(WebhookId),
    /// Lets it go on: one that rests, or is parked.
    Resume(WebhookId),
    /// Writes down how far webhooks have got. It is in no change record.
    Report(DeliveryReport),
}

impl Webhook {
    /// What an operator may see.
    pub(super) fn public_json(&self) -> serde_json::Value {
        let mut value = serde_json::json!(self);
        if let Some(object) = value.as_object_mut() {
            object.remove("secret");
            object.insert("state".to_owned(), if self.paused { "paused" } else { "active" }.into());
            object.remove("paused");
        }
        value
    }
}
