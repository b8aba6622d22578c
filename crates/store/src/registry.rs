//! The registry of accounts: organizations, clients, service providers and maintenance mode.
//!
//! It is small (thousands of records), read at every request and written by operators, so each adapter holds it
//! in memory as one immutable value and replaces it after a commit. The rules of a change stand here once, in
//! [`Registry::apply`]; an adapter adds durability.

use std::collections::HashMap;
use std::sync::Arc;

use jackfield_model::admin::{DisplayName, Maintenance, OrganizationPatch};
use jackfield_model::{
    AmazonId, ClientId, Country, OrganizationId, ScopeSet, ServiceProviderId, UnitId, Vertical,
};
use serde::{Deserialize, Serialize};

use crate::change::{Operation, Subject, Timestamp};

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
    /// Access tokens carry the generation they were issued in; a revocation begins a new one.
    pub token_generation: u32,
    /// Refresh tokens that are valid.
    pub refresh_tokens: Vec<RefreshToken>,
}

/// A refresh token, of which only a hash is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// Hash of the token.
    pub hash: SecretHash,
    /// When it was issued.
    pub issued: Timestamp,
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

/// The accounts, as of one moment.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Organizations by id.
    pub organizations: HashMap<OrganizationId, Arc<Organization>>,
    /// Clients by id.
    pub clients: HashMap<ClientId, Arc<Client>>,
    /// Service providers by id.
    pub providers: HashMap<ServiceProviderId, Arc<ServiceProvider>>,
    /// Maintenance mode.
    pub maintenance: Maintenance,
    /// Which client a refresh token belongs to. Derived from `clients`.
    refresh_tokens: HashMap<SecretHash, Arc<ClientId>>,
    /// Derived from `providers`.
    logical_ids: HashMap<(OrganizationId, String), ServiceProviderId>,
}

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
}

/// A change to the registry. Each is atomic.
#[derive(Clone, Debug)]
pub enum RegistryCommand {
    /// Adds an organization.
    CreateOrganization(Organization),
    /// Changes an organization.
    UpdateOrganization(OrganizationId, OrganizationPatch),
    /// Removes an organization and its clients; it must have no service providers and no profiles.
    DeleteOrganization(OrganizationId),
    /// Adds a client.
    CreateClient(Client),
    /// Changes a client.
    UpdateClient(ClientId, ClientChange),
    /// Removes a client; its tokens are worthless at once.
    DeleteClient(ClientId),
    /// Adds a service provider.
    CreateServiceProvider(ServiceProvider),
    /// Changes the display name of a service provider.
    UpdateServiceProvider(ServiceProviderId, Vec<DisplayName>),
    /// Removes a service provider, which must have no associations.
    DeleteServiceProvider(ServiceProviderId),
    /// Turns maintenance mode on or off.
    SetMaintenance(Maintenance),
}

/// What of a client is to change; `None` and `false` leave things as they are.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// New scopes.
    pub scopes: Option<ScopeSet>,
    /// New rate limit; 0 for none.
    pub rate_limit: Option<u32>,
    /// New redirect URIs.
    pub redirect_uris: Option<Vec<String>>,
    /// Enable or disable.
    pub enabled: Option<bool>,
    /// New secret.
    pub secret_hash: Option<SecretHash>,
    /// Make every access token that was issued so far worthless.
    pub revoke_access_tokens: bool,
    /// Forget every refresh token.
    pub revoke_refresh_tokens: bool,
    /// Add a refresh token (after a revocation in the same change).
    pub add_refresh_token: Option<RefreshToken>,
}

/// What became of a registry command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryOutcome {
    /// Done, or already so: then nothing was recorded.
    Done,
    /// An object with this id is there.
    Exists,
    /// No object with this id is there.
    NotFound,
    /// The organization that it should belong to is not there.
    NoSuchOrganization,
    /// The organization has a service provider with this logical id.
    LogicalIdTaken,
    /// The refresh token is another client's.
    RefreshTokenTaken,
    /// The client holds as many refresh tokens as it may.
    TooManyRefreshTokens,
    /// Other objects hang on it.
    InUse,
}

/// What hangs on the objects of the registry but lives outside of it.
pub trait Dependents {
    /// Whether the provider has associations.
    fn has_associations(&self, provider: ServiceProviderId) -> bool;
    /// Whether the organization has profiles.
    fn has_profiles(&self, organization: &OrganizationId) -> bool;
}

/// What an applied command did to one record: what to store and what to write into the change record.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Where the record is stored.
    pub key: RecordKey,
    /// What is there since; `None` for removed.
    pub record: Option<Record>,
    /// What was done.
    pub operation: Operation,
    /// The same for the change record.
    pub subject: Subject,
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

    /// Applies a command. On [`RegistryOutcome::Done`] the effects say what to store; otherwise the registry is
    /// unchanged and there are none.
    pub fn apply(
        &mut self,
        command: RegistryCommand,
        dependents: &dyn Dependents,
    ) -> (RegistryOutcome, Vec<Effect>) {
        match self.check(&command, dependents) {
            RegistryOutcome::Done => (RegistryOutcome::Done, self.execute(command)),
            refused => (refused, Vec::new()),
        }
    }

    fn check(&self, command: &RegistryCommand, dependents: &dyn Dependents) -> RegistryOutcome {
        use RegistryOutcome::{
            Done, Exists, InUse, LogicalIdTaken, NoSuchOrganization, NotFound, RefreshTokenTaken,
            TooManyRefreshTokens,
        };
        let found = |there: bool| if there { Done } else { NotFound };
        match command {
            RegistryCommand::CreateOrganization(new) => {
                if self.organizations.contains_key(&new.id) {
                    Exists
                } else {
                    Done
                }
            }
            RegistryCommand::UpdateOrganization(id, _) => found(self.organizations.contains_key(id)),
            RegistryCommand::DeleteOrganization(id) => {
                let has_provider = self.providers.values().any(|provider| provider.organization == *id);
                match self.organizations.contains_key(id) {
                    false => NotFound,
                    true if has_provider || dependents.has_profiles(id) => InUse,
                    true => Done,
                }
            }
            RegistryCommand::CreateClient(new) => {
                let taken = |token: &RefreshToken| self.refresh_tokens.contains_key(&token.hash);
                if self.clients.contains_key(&*new.id) {
                    Exists
                } else if !self.organizations.contains_key(&new.organization) {
                    NoSuchOrganization
                } else if new.refresh_tokens.iter().any(taken) {
                    RefreshTokenTaken
                } else {
                    Done
                }
            }
            RegistryCommand::UpdateClient(id, change) => {
                match (self.clients.get(id), &change.add_refresh_token) {
                    (None, _) => NotFound,
                    (Some(client), Some(token)) => match self.refresh_tokens.get(&token.hash) {
                        Some(owner) if **owner != *id => RefreshTokenTaken,
                        Some(_) => Done,
                        None if !change.revoke_refresh_tokens
                            && client.refresh_tokens.len() >= jackfield_model::limit::REFRESH_TOKENS =>
                        {
                            TooManyRefreshTokens
                        }
                        None => Done,
                    },
                    (Some(_), None) => Done,
                }
            }
            RegistryCommand::DeleteClient(id) => found(self.clients.contains_key(id)),
            RegistryCommand::CreateServiceProvider(new) => {
                if self.providers.contains_key(&new.id) {
                    Exists
                } else if !self.organizations.contains_key(&new.organization) {
                    NoSuchOrganization
                } else if self.provider_of_logical_id(&new.organization, &new.logical_id).is_some() {
                    LogicalIdTaken
                } else {
                    Done
                }
            }
            RegistryCommand::UpdateServiceProvider(id, _) => found(self.providers.contains_key(id)),
            RegistryCommand::DeleteServiceProvider(id) => match self.providers.contains_key(id) {
                false => NotFound,
                true if dependents.has_associations(*id) => InUse,
                true => Done,
            },
            RegistryCommand::SetMaintenance(_) => Done,
        }
    }

    fn execute(&mut self, command: RegistryCommand) -> Vec<Effect> {
        match command {
            RegistryCommand::CreateOrganization(new) => self.put(Record::Organization(new)),
            RegistryCommand::UpdateOrganization(id, patch) => {
                let mut organization = Organization::clone(&self.organizations[&id]);
                let OrganizationPatch { name, country, vertical, webrtc, strict_profiles } = patch;
                set(&mut organization.name, name);
                set(&mut organization.country, country);
                set(&mut organization.vertical, vertical);
                set(&mut organization.webrtc, webrtc);
                set(&mut organization.strict_profiles, strict_profiles);
                self.put(Record::Organization(organization))
            }
            RegistryCommand::DeleteOrganization(id) => {
                let mut clients: Vec<ClientId> = self
                    .clients
                    .values()
                    .filter(|client| client.organization == id)
                    .map(|client| ClientId::clone(&client.id))
                    .collect();
                clients.sort();
                let mut effects: Vec<Effect> =
                    clients.into_iter().flat_map(|client| self.take(RecordKey::Client(client))).collect();
                effects.extend(self.take(RecordKey::Organization(id)));
                effects
            }
            RegistryCommand::CreateClient(new) => self.put(Record::Client(new)),
            RegistryCommand::UpdateClient(id, change) => {
                let mut client = Client::clone(&self.clients[&id]);
                change.apply(&mut client);
                self.put(Record::Client(client))
            }
            RegistryCommand::DeleteClient(id) => self.take(RecordKey::Client(id)),
            RegistryCommand::CreateServiceProvider(new) => self.put(Record::ServiceProvider(new)),
            RegistryCommand::UpdateServiceProvider(id, display_name) => {
                let provider =
                    ServiceProvider { display_name, ..ServiceProvider::clone(&self.providers[&id]) };
                self.put(Record::ServiceProvider(provider))
            }
            RegistryCommand::DeleteServiceProvider(id) => self.take(RecordKey::ServiceProvider(id)),
            RegistryCommand::SetMaintenance(maintenance) => self.put(Record::Maintenance(maintenance)),
        }
    }

    /// Stores a record and says what that did; nothing when it is there already as it is to be.
    fn put(&mut self, record: Record) -> Vec<Effect> {
        let key = record.key();
        let before = self.get(&key);
        if before.as_ref() == Some(&record) {
            return Vec::new();
        }
        self.remove(&key);
        self.insert(record.clone());
        let operation = if before.is_some() { Operation::Update } else { Operation::Create };
        vec![Effect {
            subject: subject(&key, before.as_ref(), Some(&record)),
            key,
            record: Some(record),
            operation,
        }]
    }

    fn take(&mut self, key: RecordKey) -> Vec<Effect> {
        let Some(before) = self.get(&key) else { return Vec::new() };
        self.remove(&key);
        let subject = subject(&key, Some(&before), None);
        vec![Effect { key, record: None, operation: Operation::Delete, subject }]
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
        }
    }
}

impl ClientChange {
    fn apply(self, client: &mut Client) {
        set(&mut client.scopes, self.scopes);
        set(&mut client.redirect_uris, self.redirect_uris);
        set(&mut client.enabled, self.enabled);
        set(&mut client.secret_hash, self.secret_hash);
        if self.rate_limit.is_some() {
            client.rate_limit = self.rate_limit;
        }
        if self.revoke_access_tokens {
            client.token_generation = client.token_generation.wrapping_add(1);
        }
        if self.revoke_refresh_tokens {
            client.refresh_tokens.clear();
        }
        if let Some(token) = self.add_refresh_token
            && client.refresh_tokens.iter().all(|own| own.hash != token.hash)
        {
            client.refresh_tokens.push(token);
        }
    }
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
        }
    }

    /// The record for the change record: what an operator may see, so no hash.
    fn public_json(&self) -> String {
        let value = match self {
            Self::Organization(organization) => serde_json::json!(organization),
            Self::Client(client) => serde_json::json!({
                "id": client.id,
                "organization": client.organization,
                "scopes": client.scopes,
                "rate_limit": client.rate_limit,
                "redirect_uris": client.redirect_uris,
                "enabled": client.enabled,
                "token_generation": client.token_generation,
                "refresh_tokens": client.refresh_tokens.len(),
            }),
            Self::ServiceProvider(provider) => serde_json::json!(provider),
            Self::Maintenance(maintenance) => serde_json::json!(maintenance),
        };
        value.to_string()
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn subject(key: &RecordKey, before: Option<&Record>, after: Option<&Record>) -> Subject {
    let (kind, id) = match key {
        RecordKey::Organization(id) => ("organization", id.to_string()),
        RecordKey::Client(id) => ("client", id.to_string()),
        RecordKey::ServiceProvider(id) => ("service_provider", id.to_string()),
        RecordKey::Maintenance => ("maintenance", "maintenance".to_owned()),
    };
    Subject::Object {
        kind: kind.to_owned(),
        id,
        before: before.map(Record::public_json),
        after: after.map(Record::public_json),
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
