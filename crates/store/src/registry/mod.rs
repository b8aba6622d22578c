//! The registry of accounts: organizations, clients, service providers and maintenance mode.
//!
//! It is small (thousands of records), read at every request and written by operators, so each adapter holds it
//! in memory as one immutable value and replaces it after a commit. The rules of a change stand in `apply`, once;
//! an adapter adds durability.

mod admin;
mod apply;
mod command;
mod grant;
mod keys;
mod outcome;
mod quota;
mod record;
mod webhook;
mod webhook_rules;

use std::collections::HashMap;
use std::sync::Arc;

use jackfield_model::admin::{DisplayName, Maintenance};
use jackfield_model::wire::Network;
use jackfield_model::{
    AmazonId, ClientId, Country, OrganizationId, ScopeSet, ServiceProviderId, UnitId, Vertical,
};
use serde::{Deserialize, Serialize};

use crate::change::Subject;

pub use admin::{AdminToken, AdminTokenId, InvalidAdminTokenId};
pub use command::{
    Act, ClientChange, Dependents, Effect, NetworkChange, OrganizationChange, RegistryCommand,
};
pub use grant::{
    CodeId, GrantCommand, InvalidRefreshTokenId, Presented, Redemption, RefreshToken, RefreshTokenId,
    Replacement, SpentCode, Standing,
};
pub use keys::{FIRST_KEY, KEY_SECONDS, KeyInUse, Keyring, Rotation};
pub use outcome::RegistryOutcome;
pub use quota::Quotas;
pub use record::{Record, RecordKey};
pub use webhook::{
    Delivery, DeliveryReport, Holder, Parked, Progress, SealedSecret, Webhook, WebhookCommand, WebhookId,
};

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// A name for people.
    pub name: String,
    /// Where it does business.
    pub country: Country,
    /// Its line of business.
    pub vertical: Vertical,
    /// Whether it has the WebRTC add-on.
    pub webrtc: bool,
    /// Whether associations must name a known profile.
    pub strict_profiles: bool,
    /// Whether a profile must speak for a unit that is kept here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict_units: bool,
    /// How much it may keep.
    #[serde(default, skip_serializing_if = "Quotas::are_defaults")]
    pub quotas: Quotas,
    /// Hash of the password of its consent page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_password: Option<PasswordHash>,
    /// Whether what may be refused is taken where it can be understood. Left out where it is, as it always was.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub lenient: bool,
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

/// A slow hash of a password, `$FUNCTION$PARAMETERS$SALT$HASH`. How it is made is the business of who checks it. The
/// debug form hides it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub String);

impl PasswordHash {
    /// A part of the salt: it tells two hashes apart, and nothing of the password.
    fn mark(&self) -> &str {
        let salt = self.0.split('$').nth(3).unwrap_or_default();
        salt.get(..8).unwrap_or_default()
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// A client: a security profile of Login with Amazon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its id.
    pub id: Arc<ClientId>,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// Hash of its secret.
    pub secret_hash: SecretHash,
    /// Granted scopes.
    pub scopes: ScopeSet,
    /// Requests a second; `None` for the server's default, 0 for no limit.
    pub rate_limit: Option<u32>,
    /// Where the consent page may send a browser back to.
    pub redirect_uris: Vec<String>,
    /// Whether it may get and use tokens.
    pub enabled: bool,
    /// Whether it runs where a secret cannot be kept, so that it redeems codes without one.
    #[serde(default)]
    pub public: bool,
    /// Access tokens carry the generation they were issued in; a revocation begins a new one.
    pub token_generation: u32,
    /// Refresh tokens that are valid.
    pub refresh_tokens: Vec<RefreshToken>,
    /// Authorization codes that were redeemed and have not expired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent_codes: Vec<SpentCode>,
}

/// A keyed hash of a secret. How it is made is the business of who checks it. The debug form hides it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(pub [u8; 32]);

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// A service provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceProvider {
    /// Its id.
    pub id: ServiceProviderId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// The organization's own name for it, unique in the organization.
    pub logical_id: String,
    /// Names for people, one a locale.
    pub display_name: Vec<DisplayName>,
    /// How its network is reached, when that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
}

/// A communication profile. Profiles may be as many as rooms, so they are not part of the [`Registry`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its id: the `amazonId` of associations.
    pub id: AmazonId,
    /// The organization that it belongs to.
    pub organization: OrganizationId,
    /// The unit that it speaks for; a unit has one profile.
    pub unit: UnitId,
    /// A name for people.
    pub name: Option<String>,
}

/// A map that every request looks into, by a hash that is quick and, as its seed is random, not to be foreseen.
pub type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The accounts, as of one moment.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Organizations by id.
    pub organizations: Map<OrganizationId, Arc<Organization>>,
    /// Clients by id.
    pub clients: Map<ClientId, Arc<Client>>,
    /// Service providers by id.
    pub providers: Map<ServiceProviderId, Arc<ServiceProvider>>,
    /// Maintenance mode.
    pub maintenance: Maintenance,
    /// Admin tokens by id.
    pub admin_tokens: Map<AdminTokenId, Arc<AdminToken>>,
    /// Webhooks by id.
    pub webhooks: Map<WebhookId, Arc<Webhook>>,
    /// How far each webhook has got.
    pub deliveries: Map<WebhookId, Arc<Delivery>>,
    /// The signing keys. Another value is another pointer, so that whoever derives from it sees at a look when to do so
    /// anew.
    pub keyring: Arc<Keyring>,
    /// Which client a refresh token belongs to. Derived from `clients`.
    refresh_tokens: Map<SecretHash, Arc<ClientId>>,
    /// Derived from `providers`.
    logical_ids: Map<(OrganizationId, String), ServiceProviderId>,
}

impl Registry {
    /// A registry of stored records.
    #[must_use]
    pub fn from_records(records: impl IntoIterator<Item = Record>) -> Self {
        let mut registry = Self::default();
        for record in records {
            registry.insert(record);
        }
        registry
    }

    /// The client that a refresh token belongs to.
    #[must_use]
    pub fn client_of_refresh_token(&self, hash: &SecretHash) -> Option<&Arc<Client>> {
        self.refresh_tokens.get(hash).and_then(|id| self.clients.get(&**id))
    }

    /// The provider with a logical id in an organization.
    #[must_use]
    pub fn provider_of_logical_id(
        &self,
        organization: &OrganizationId,
        logical_id: &str,
    ) -> Option<&Arc<ServiceProvider>> {
        let key = (organization.clone(), logical_id.to_owned());
        self.logical_ids.get(&key).and_then(|id| self.providers.get(id))
    }

    /// Whether a profile of the organization may only speak for a unit that is kept here, and this is not the organization
    /// itself, which always is.
    #[must_use]
    pub(crate) fn wants_unit(&self, organization: &OrganizationId, unit: &UnitId) -> bool {
        organization.as_str() != unit.as_str()
            && self.organizations.get(organization).is_some_and(|found| found.strict_units)
    }

    /// Every record, sorted by key. Maintenance mode is among them when somebody has set it to something, and the signing
    /// keys after a rotation.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let organizations = self.organizations.keys().map(|id| RecordKey::Organization(id.clone()));
        let clients = self.clients.keys().map(|id| RecordKey::Client(id.clone()));
        let providers = self.providers.keys().map(|id| RecordKey::ServiceProvider(*id));
        let maintenance = (self.maintenance != Maintenance::default()).then_some(RecordKey::Maintenance);
        let admin_tokens = self.admin_tokens.keys().map(|id| RecordKey::AdminToken(*id));
        let keyring = self.get(&RecordKey::Keys).map(|_| RecordKey::Keys);
        let webhooks = self.webhooks.keys().map(|id| RecordKey::Webhook(*id));
        let webhooks = webhooks.chain(self.deliveries.keys().map(|id| RecordKey::Delivery(*id)));
        let accounts = organizations.chain(clients).chain(providers);
        let mut keys: Vec<RecordKey> =
            accounts.chain(maintenance).chain(admin_tokens).chain(keyring).chain(webhooks).collect();
        keys.sort();
        keys.iter().filter_map(|key| self.get(key)).collect()
    }

    fn get(&self, key: &RecordKey) -> Option<Record> {
        match key {
            RecordKey::Organization(id) => {
                self.organizations.get(id).map(|found| Record::Organization(Organization::clone(found)))
            }
            RecordKey::Client(id) => self.clients.get(id).map(|found| Record::Client(Client::clone(found))),
            RecordKey::ServiceProvider(id) => {
                self.providers.get(id).map(|found| Record::ServiceProvider(ServiceProvider::clone(found)))
            }
            RecordKey::Maintenance => Some(Record::Maintenance(self.maintenance)),
            RecordKey::AdminToken(id) => {
                self.admin_tokens.get(id).map(|found| Record::AdminToken(AdminToken::clone(found)))
            }
            RecordKey::Keys => {
                let keyring = Keyring::clone(&self.keyring);
                (keyring != Keyring::default()).then_some(Record::Keys(keyring))
            }
            RecordKey::Webhook(id) => {
                self.webhooks.get(id).map(|found| Record::Webhook(Box::new(Webhook::clone(found))))
            }
            RecordKey::Delivery(id) => {
                self.deliveries.get(id).map(|found| Record::Delivery(Delivery::clone(found)))
            }
        }
    }

    /// These accounts with the signing keys of others: content comes and goes, keys stay.
    #[must_use]
    pub(crate) fn with_keys_of(&self, other: &Self) -> Self {
        Self { keyring: Arc::clone(&other.keyring), ..self.clone() }
    }

    /// Puts a record in the place of the one with its key, or takes that away.
    pub(crate) fn set(&mut self, key: &RecordKey, record: Option<Record>) {
        self.remove(key);
        if let Some(record) = record {
            self.insert(record);
        }
    }

    fn insert(&mut self, record: Record) {
        match record {
            Record::Organization(organization) => {
                self.organizations.insert(organization.id.clone(), Arc::new(organization));
            }
            Record::Client(client) => {
                for token in &client.refresh_tokens {
                    self.refresh_tokens.insert(token.hash, Arc::clone(&client.id));
                }
                self.clients.insert(ClientId::clone(&client.id), Arc::new(client));
            }
            Record::ServiceProvider(provider) => {
                self.logical_ids
                    .insert((provider.organization.clone(), provider.logical_id.clone()), provider.id);
                self.providers.insert(provider.id, Arc::new(provider));
            }
            Record::Maintenance(maintenance) => self.maintenance = maintenance,
            Record::AdminToken(token) => {
                self.admin_tokens.insert(token.id, Arc::new(token));
            }
            Record::Keys(keyring) => self.keyring = Arc::new(keyring),
            Record::Webhook(webhook) => {
                self.webhooks.insert(webhook.id, Arc::new(*webhook));
            }
            Record::Delivery(delivery) => {
                self.deliveries.insert(delivery.webhook, Arc::new(delivery));
            }
        }
    }

    fn remove(&mut self, key: &RecordKey) {
        match key {
            RecordKey::Organization(id) => {
                self.organizations.remove(id);
            }
            RecordKey::Client(id) => {
                if let Some(client) = self.clients.remove(id) {
                    for token in &client.refresh_tokens {
                        self.refresh_tokens.remove(&token.hash);
                    }
                }
            }
            RecordKey::ServiceProvider(id) => {
                if let Some(provider) = self.providers.remove(id) {
                    self.logical_ids.remove(&(provider.organization.clone(), provider.logical_id.clone()));
                }
            }
            RecordKey::Maintenance => self.maintenance = Maintenance::default(),
            RecordKey::AdminToken(id) => {
                self.admin_tokens.remove(id);
            }
            RecordKey::Keys => self.keyring = Arc::default(),
            RecordKey::Webhook(id) => {
                self.webhooks.remove(id);
            }
            RecordKey::Delivery(id) => {
                self.deliveries.remove(id);
            }
        }
    }
}

impl Profile {
    /// What the change record says of a change of this profile.
    #[must_use]
    pub fn subject(&self, before: Option<&Self>, after: Option<&Self>) -> Subject {
        let json = |profile: &Self| serde_json::json!(profile).to_string();
        Subject::Object {
            kind: "profile".to_owned(),
            id: self.id.to_string(),
            before: before.map(json),
            after: after.map(json),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records that were written before there was such a thing are read, and written as they were.
    #[test]
    fn an_organization_is_lenient_unless_it_says_otherwise() {
        let written = r#"{"id":"amzn1.alexa.unit.did.o","name":"n","country":"US","vertical":"core","webrtc":true,"strict_profiles":false}"#;
        let read: Organization = serde_json::from_str(written).unwrap();
        assert!(read.lenient);
        assert_eq!(serde_json::to_string(&read).unwrap(), written);
        let strict = Organization { lenient: false, ..read };
        let text = serde_json::to_string(&strict).unwrap();
        assert_eq!(serde_json::from_str::<Organization>(&text).unwrap(), strict);
    }
}
