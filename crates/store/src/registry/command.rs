//! The changes of the registry, and the rules that each of them keeps.

use jackfield_model::admin::{DisplayName, Maintenance, OrganizationPatch};
use jackfield_model::wire::Network;
use jackfield_model::{ClientId, OrganizationId, ScopeSet, ServiceProviderId};

use super::record::subject;
use super::{
    AdminToken, AdminTokenId, Client, GrantCommand, Organization, PasswordHash, Record, RecordKey,
    RefreshToken, Registry, RegistryOutcome, Rotation, SecretHash, ServiceProvider,
};
use crate::change::{Operation, Subject};

/// A change to the registry. Each is atomic.
#[derive(Clone, Debug)]
pub enum RegistryCommand {
    /// Adds an organization.
    CreateOrganization(Organization),
    /// Changes an organization.
    UpdateOrganization(OrganizationId, OrganizationChange),
    /// Removes an organization and its clients; it must have no service providers and no profiles.
    DeleteOrganization(OrganizationId),
    /// Adds a client.
    CreateClient(Client),
    /// Changes a client.
    UpdateClient(ClientId, ClientChange),
    /// Changes the refresh tokens of a client.
    ChangeGrants(ClientId, GrantCommand),
    /// Removes a client; its tokens are worthless at once.
    DeleteClient(ClientId),
    /// Adds a service provider.
    CreateServiceProvider(ServiceProvider),
    /// Changes the display name of a service provider.
    UpdateServiceProvider(ServiceProviderId, Vec<DisplayName>),
    /// Removes a service provider, which must have no associations.
    DeleteServiceProvider(ServiceProviderId),
    /// Removes a service provider and, before it, its associations, each with a change record of its own. It must
    /// have at most so many: they go in one commit.
    DeleteServiceProviderWithAssociations(ServiceProviderId, u64),
    /// Changes the network mapping of a service provider.
    ChangeNetwork(ServiceProviderId, NetworkChange),
    /// Turns maintenance mode on or off.
    SetMaintenance(Maintenance),
    /// Gives tokens a new key.
    RotateKeys(Rotation),
    /// Adds an admin token; or, where that is revoked, says that one which a server was started with is not to be taken.
    CreateAdminToken(AdminToken),
    /// Removes an admin token, which is worthless at once.
    DeleteAdminToken(AdminTokenId),
    /// Writes what an operator did into the change record. It changes nothing else.
    Note(Act),
}

/// What an operator did that changed no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Its name, which begins with [`Subject::ACT`].
    pub kind: String,
    /// What it was done to; empty for the server.
    pub id: String,
    /// What else there is to say, as JSON text.
    pub details: String,
}

/// What of an organization is to change.
#[derive(Clone, Debug, Default)]
pub struct OrganizationChange {
    /// What an operator says; its password is passed over.
    pub patch: OrganizationPatch,
    /// The hash of its password: a new one, none any more, or as it is.
    pub consent_password: Option<Option<PasswordHash>>,
}

impl From<OrganizationPatch> for OrganizationChange {
    fn from(patch: OrganizationPatch) -> Self {
        Self { patch, consent_password: None }
    }
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
    /// Public or confidential.
    pub public: Option<bool>,
    /// New secret.
    pub secret_hash: Option<SecretHash>,
    /// Make every access token that was issued so far worthless.
    pub revoke_access_tokens: bool,
    /// Forget every refresh token.
    pub revoke_refresh_tokens: bool,
    /// Add a refresh token (after a revocation in the same change).
    pub add_refresh_token: Option<RefreshToken>,
}

/// What is to become of a network mapping.
#[derive(Clone, Debug)]
pub enum NetworkChange {
    /// Add it; there must be none.
    Create(Network),
    /// Put it in the place of the one that must be there.
    Replace(Network),
    /// Add it, or put it in the place of the one that is there.
    Set(Network),
    /// Remove the one that must be there.
    Remove,
}

/// What hangs on the objects of the registry but lives outside of it.
pub trait Dependents {
    /// How many associations the provider has.
    fn associations(&self, provider: ServiceProviderId) -> u64;
    /// Whether the organization has profiles.
    fn has_profiles(&self, organization: &OrganizationId) -> bool;
}

/// What an applied command did to one record: what to store and what to write into the change record.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Where the record is stored; `None` where there is none but the change record.
    pub key: Option<RecordKey>,
    /// What is there since; `None` for removed.
    pub record: Option<Record>,
    /// What was done.
    pub operation: Operation,
    /// The same for the change record.
    pub subject: Subject,
}

impl RegistryCommand {
    /// The service provider whose associations the adapter has to remove when the command is done.
    #[must_use]
    pub const fn takes_associations_of(&self) -> Option<ServiceProviderId> {
        match self {
            Self::DeleteServiceProviderWithAssociations(id, _) => Some(*id),
            _ => None,
        }
    }
}

impl Registry {
    /// Applies a command. On [`RegistryOutcome::Done`], [`RegistryOutcome::CodeSpent`] and
    /// [`RegistryOutcome::RefreshTokenReused`] the effects say what to store; otherwise the registry is unchanged and
    /// there are none.
    pub fn apply(
        &mut self,
        command: RegistryCommand,
        dependents: &dyn Dependents,
    ) -> (RegistryOutcome, Vec<Effect>) {
        match self.check(&command, dependents) {
            RegistryOutcome::Done => (RegistryOutcome::Done, self.execute(command)),
            copied @ (RegistryOutcome::CodeSpent | RegistryOutcome::RefreshTokenReused) => {
                (copied, self.take_back(&command))
            }
            refused => (refused, Vec::new()),
        }
    }

    fn check(&self, command: &RegistryCommand, dependents: &dyn Dependents) -> RegistryOutcome {
        use RegistryOutcome::{
            Done, Exists, InUse, LogicalIdTaken, NoSuchOrganization, NotFound, RefreshTokenTaken,
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
                    self.check_client_quota(&new.organization)
                }
            }
            RegistryCommand::UpdateClient(id, change) => {
                self.clients.get(id).map_or(NotFound, |client| self.check_client_change(client, change))
            }
            RegistryCommand::ChangeGrants(id, change) => {
                let owner = |hash: &SecretHash| self.refresh_tokens.get(hash).map(|id| ClientId::clone(id));
                self.clients.get(id).map_or(NotFound, |client| change.check(client, owner))
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
                    self.check_provider_quota(&new.organization)
                }
            }
            RegistryCommand::UpdateServiceProvider(id, _) => found(self.providers.contains_key(id)),
            RegistryCommand::DeleteServiceProvider(id) => self.check_delete(*id, 0, dependents),
            RegistryCommand::DeleteServiceProviderWithAssociations(id, most) => {
                self.check_delete(*id, *most, dependents)
            }
            RegistryCommand::ChangeNetwork(id, change) => self.check_network_change(*id, change),
            RegistryCommand::SetMaintenance(_) | RegistryCommand::Note(_) => Done,
            RegistryCommand::CreateAdminToken(new) => self.check_admin_token(new),
            RegistryCommand::DeleteAdminToken(id) => {
                found(self.admin_tokens.get(id).is_some_and(|own| !own.revoked))
            }
            RegistryCommand::RotateKeys(rotation) => self.keyring.check(rotation),
        }
    }

    fn check_delete(&self, id: ServiceProviderId, most: u64, dependents: &dyn Dependents) -> RegistryOutcome {
        match self.providers.contains_key(&id) {
            false => RegistryOutcome::NotFound,
            true if dependents.associations(id) > most => RegistryOutcome::InUse,
            true => RegistryOutcome::Done,
        }
    }

    fn check_network_change(&self, id: ServiceProviderId, change: &NetworkChange) -> RegistryOutcome {
        let Some(provider) = self.providers.get(&id) else { return RegistryOutcome::NotFound };
        match (change, &provider.network) {
            (NetworkChange::Create(_), Some(_)) => RegistryOutcome::NetworkExists,
            (NetworkChange::Replace(_) | NetworkChange::Remove, None) => RegistryOutcome::NoNetwork,
            _ => RegistryOutcome::Done,
        }
    }

    fn check_client_change(&self, client: &Client, change: &ClientChange) -> RegistryOutcome {
        let Some(token) = &change.add_refresh_token else { return RegistryOutcome::Done };
        let room = client.refresh_tokens.len() < jackfield_model::limit::REFRESH_TOKENS;
        match self.refresh_tokens.get(&token.hash) {
            Some(owner) if **owner != *client.id => RegistryOutcome::RefreshTokenTaken,
            None if !room && !change.revoke_refresh_tokens => RegistryOutcome::TooManyRefreshTokens,
            _ => RegistryOutcome::Done,
        }
    }

    fn execute(&mut self, command: RegistryCommand) -> Vec<Effect> {
        match command {
            RegistryCommand::CreateOrganization(new) => self.put(Record::Organization(new)),
            RegistryCommand::UpdateOrganization(id, OrganizationChange { patch, consent_password }) => {
                let mut organization = Organization::clone(&self.organizations[&id]);
                let OrganizationPatch {
                    name,
                    country,
                    vertical,
                    webrtc,
                    strict_profiles,
                    lenient,
                    quotas,
                    consent_password: _,
                } = patch;
                set(&mut organization.name, name);
                set(&mut organization.country, country);
                set(&mut organization.vertical, vertical);
                set(&mut organization.webrtc, webrtc);
                set(&mut organization.strict_profiles, strict_profiles);
                organization.quotas = organization.quotas.with(quotas.unwrap_or_default());
                set(&mut organization.consent_password, consent_password);
                set(&mut organization.lenient, lenient);
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
            RegistryCommand::ChangeGrants(id, change) => {
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
            RegistryCommand::DeleteServiceProvider(id)
            | RegistryCommand::DeleteServiceProviderWithAssociations(id, _) => {
                self.take(RecordKey::ServiceProvider(id))
            }
            RegistryCommand::ChangeNetwork(id, change) => {
                let network = match change {
                    NetworkChange::Create(new) | NetworkChange::Replace(new) | NetworkChange::Set(new) => {
                        Some(new)
                    }
                    NetworkChange::Remove => None,
                };
                let provider = ServiceProvider { network, ..ServiceProvider::clone(&self.providers[&id]) };
                self.put(Record::ServiceProvider(provider))
            }
            RegistryCommand::SetMaintenance(maintenance) => self.put(Record::Maintenance(maintenance)),
            RegistryCommand::CreateAdminToken(new) => self.put(Record::AdminToken(new)),
            RegistryCommand::DeleteAdminToken(id) => self.take(RecordKey::AdminToken(id)),
            RegistryCommand::Note(Act { kind, id, details }) => vec![Effect {
                key: None,
                record: None,
                operation: Operation::Create,
                subject: Subject::Object { kind, id, before: None, after: Some(details) },
            }],
            RegistryCommand::RotateKeys(rotation) => self.put(Record::Keys(self.keyring.rotate(rotation))),
        }
    }

    /// A code, or a refresh token of a client without a secret, that comes a second time was copied: what the first
    /// time gave is taken back (RFC 6749, section 4.1.2; RFC 9700, section 4.14.2).
    fn take_back(&mut self, command: &RegistryCommand) -> Vec<Effect> {
        let RegistryCommand::ChangeGrants(id, change) = command else { return Vec::new() };
        let mut client = Client::clone(&self.clients[id]);
        change.take_back(&mut client);
        self.put(Record::Client(client))
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
            key: Some(key),
            record: Some(record),
            operation,
        }]
    }

    fn take(&mut self, key: RecordKey) -> Vec<Effect> {
        let Some(before) = self.get(&key) else { return Vec::new() };
        self.remove(&key);
        let subject = subject(&key, Some(&before), None);
        vec![Effect { key: Some(key), record: None, operation: Operation::Delete, subject }]
    }
}

impl ClientChange {
    fn apply(self, client: &mut Client) {
        set(&mut client.scopes, self.scopes);
        set(&mut client.redirect_uris, self.redirect_uris);
        set(&mut client.enabled, self.enabled);
        set(&mut client.public, self.public);
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

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
