//! The rules that each change of the registry keeps, and what it does.

use jackfield_model::admin::OrganizationPatch;
use jackfield_model::wire::Network;
use jackfield_model::{ClientId, OrganizationId, ServiceProviderId};

use super::command::{
    Act, ClientChange, Dependents, Effect, NetworkChange, OrganizationChange, RegistryCommand,
};
use super::record::subject;
use super::webhook_rules::Step;
use super::{
    Client, Organization, Record, RecordKey, RefreshToken, Registry, RegistryOutcome, SecretHash,
    ServiceProvider,
};
use crate::change::{Operation, Subject};

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
                    true if has_provider || dependents.has_rows(id) => InUse,
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
                found(self.admin_tokens.get(id).is_some_and(|token| !token.revoked))
            }
            RegistryCommand::RotateKeys(rotation) => self.keyring.check(rotation),
            RegistryCommand::Webhook(command) => self.check_webhook(command),
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
            RegistryCommand::UpdateOrganization(id, change) => {
                let mut organization = Organization::clone(&self.organizations[&id]);
                change.apply(&mut organization);
                self.put(Record::Organization(organization))
            }
            RegistryCommand::DeleteOrganization(id) => self.take_organization(id),
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
                let network = change.into_network();
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
                subject: Some(Subject::Object { kind, id, before: None, after: Some(details) }),
            }],
            RegistryCommand::RotateKeys(rotation) => self.put(Record::Keys(self.keyring.rotate(rotation))),
            RegistryCommand::Webhook(command) => {
                let steps = self.webhook_steps(command);
                steps.into_iter().filter_map(|step| self.take_step(step)).collect()
            }
        }
    }

    /// Removes an organization, its clients first.
    fn take_organization(&mut self, id: OrganizationId) -> Vec<Effect> {
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
            subject: Some(subject(&key, before.as_ref(), Some(&record))),
            key: Some(key),
            record: Some(record),
            operation,
        }]
    }

    /// Takes a step of a command on webhooks, unless it leads to what is there already.
    fn take_step(&mut self, step: Step) -> Option<Effect> {
        let Step { key, record, told } = step;
        let before = self.get(&key);
        if before == record {
            return None;
        }
        self.set(&key, record.clone());
        let operation = match (&before, &record) {
            (None, _) => Operation::Create,
            (Some(_), Some(_)) => Operation::Update,
            (Some(_), None) => Operation::Delete,
        };
        Some(Effect { key: Some(key), record, operation, subject: told })
    }

    fn take(&mut self, key: RecordKey) -> Vec<Effect> {
        let Some(before) = self.get(&key) else { return Vec::new() };
        self.remove(&key);
        let subject = Some(subject(&key, Some(&before), None));
        vec![Effect { key: Some(key), record: None, operation: Operation::Delete, subject }]
    }
}

impl OrganizationChange {
    fn apply(self, organization: &mut Organization) {
        let Self { patch, consent_password } = self;
        let OrganizationPatch {
            name,
            country,
            vertical,
            webrtc,
            strict_profiles,
            strict_units,
            lenient,
            quotas,
            consent_password: _,
        } = patch;
        set(&mut organization.name, name);
        set(&mut organization.country, country);
        set(&mut organization.vertical, vertical);
        set(&mut organization.webrtc, webrtc);
        set(&mut organization.strict_profiles, strict_profiles);
        set(&mut organization.strict_units, strict_units);
        organization.quotas = organization.quotas.with(quotas.unwrap_or_default());
        set(&mut organization.consent_password, consent_password);
        set(&mut organization.lenient, lenient);
    }
}

impl NetworkChange {
    fn into_network(self) -> Option<Network> {
        match self {
            Self::Create(new) | Self::Replace(new) | Self::Set(new) => Some(new),
            Self::Remove => None,
        }
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
            && client.refresh_tokens.iter().all(|held| held.hash != token.hash)
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
