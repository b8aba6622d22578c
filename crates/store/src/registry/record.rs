//! Records of the registry: what adapters store, and what the change record says of them.

use jackfield_model::admin::Maintenance;
use jackfield_model::{ClientId, OrganizationId, ServiceProviderId};
use serde::{Deserialize, Serialize};

use super::{
    AdminToken, AdminTokenId, Client, Delivery, Keyring, Organization, RefreshTokenId, ServiceProvider,
    Webhook, WebhookId,
};
use crate::change::Subject;

/// A record of the registry, as adapters store it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// An organization.
    Organization(Organization),
    /// A client.
    Client(Client),
    /// A service provider.
    ServiceProvider(ServiceProvider),
    /// Maintenance mode.
    Maintenance(Maintenance),
    /// An admin token.
    AdminToken(AdminToken),
    /// The signing keys.
    Keys(Keyring),
    /// A webhook.
    Webhook(Box<Webhook>),
    /// How far a webhook has got.
    Delivery(Delivery),
}

/// The key of a [`Record`]: what an adapter stores it under.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKey {
    /// An organization.
    Organization(OrganizationId),
    /// A client.
    Client(ClientId),
    /// A service provider.
    ServiceProvider(ServiceProviderId),
    /// The one maintenance record.
    Maintenance,
    /// An admin token.
    AdminToken(AdminTokenId),
    /// The one record of signing keys.
    Keys,
    /// A webhook.
    Webhook(WebhookId),
    /// How far a webhook has got.
    Delivery(WebhookId),
}

impl Record {
    /// Where the record is stored.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Organization(organization) => RecordKey::Organization(organization.id.clone()),
            Self::Client(client) => RecordKey::Client(ClientId::clone(&client.id)),
            Self::ServiceProvider(provider) => RecordKey::ServiceProvider(provider.id),
            Self::Maintenance(_) => RecordKey::Maintenance,
            Self::AdminToken(token) => RecordKey::AdminToken(token.id),
            Self::Keys(_) => RecordKey::Keys,
            Self::Webhook(webhook) => RecordKey::Webhook(webhook.id),
            Self::Delivery(delivery) => RecordKey::Delivery(delivery.webhook),
        }
    }

    /// What the change record says when the record comes to be.
    pub(crate) fn creation(&self) -> Subject {
        subject(&self.key(), None, Some(self))
    }

    /// The record for the change record: what an operator may see, so no hash.
    fn public_json(&self) -> String {
        let value = match self {
            Self::Organization(organization) => public_organization(organization),
            Self::Client(client) => serde_json::json!({
                "id": client.id,
                "organization": client.organization,
                "scopes": client.scopes,
                "rate_limit": client.rate_limit,
                "redirect_uris": client.redirect_uris,
                "enabled": client.enabled,
                "public": client.public,
                // A new secret shows, and only that it is another.
                "secret_id": RefreshTokenId::of(&client.secret_hash).to_string(),
                "token_generation": client.token_generation,
                "refresh_tokens": client.refresh_tokens.iter().map(|token| token.id().to_string()).collect::<Vec<_>>(),
                "allowed_by": allowed_by(client),
            }),
            Self::ServiceProvider(provider) => serde_json::json!(provider),
            Self::Maintenance(maintenance) => serde_json::json!(maintenance),
            Self::AdminToken(token) => serde_json::json!({
                "id": token.id.to_string(),
                "name": token.name,
                "role": token.role,
                "created": token.created,
                "expires": token.expires,
                "revoked": token.revoked,
            }),
            Self::Keys(keyring) => keyring.public_json(),
            Self::Webhook(webhook) => webhook.public_json(),
            Self::Delivery(delivery) => serde_json::json!({ "after": delivery.after }),
        };
        value.to_string()
    }
}

/// The organization with a mark of its password, so that a change shows, in the place of the hash.
fn public_organization(organization: &Organization) -> serde_json::Value {
    let bare = Organization { consent_password: None, ..organization.clone() };
    let mut value = serde_json::json!(bare);
    if let Some(password) = &organization.consent_password {
        value["consent_password"] = serde_json::json!(format!("set ({})", password.mark()));
    }
    value
}

/// Who allowed which refresh token on the consent page.
fn allowed_by(client: &Client) -> serde_json::Map<String, serde_json::Value> {
    let allowed =
        client.refresh_tokens.iter().filter_map(|token| Some((token.id().to_string(), token.by.as_deref()?)));
    allowed.map(|(id, by)| (id, by.into())).collect()
}

pub(super) fn subject(key: &RecordKey, before: Option<&Record>, after: Option<&Record>) -> Subject {
    let (kind, id) = match key {
        RecordKey::Organization(id) => ("organization", id.to_string()),
        RecordKey::Client(id) => ("client", id.to_string()),
        RecordKey::ServiceProvider(id) => ("service_provider", id.to_string()),
        RecordKey::Maintenance => ("maintenance", "maintenance".to_owned()),
        RecordKey::AdminToken(id) => ("admin_token", id.to_string()),
        RecordKey::Keys => ("keys", "keys".to_owned()),
        RecordKey::Webhook(id) => ("webhook", id.to_string()),
        RecordKey::Delivery(id) => ("delivery", id.to_string()),
    };
    Subject::Object {
        kind: kind.to_owned(),
        id,
        before: before.map(Record::public_json),
        after: after.map(Record::public_json),
    }
}
