//! The changes of the registry.

use jackfield_model::admin::{DisplayName, Maintenance, OrganizationPatch};
use jackfield_model::wire::Network;
use jackfield_model::{ClientId, OrganizationId, ScopeSet, ServiceProviderId};

use super::{
    AdminToken, AdminTokenId, Client, GrantCommand, Organization, PasswordHash, Record, RecordKey,
    RefreshToken, Rotation, SecretHash, ServiceProvider, WebhookCommand,
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
    /// Does something to a webhook.
    Webhook(WebhookCommand),
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
    /// Whether the organization has profiles, units, address books or skills.
    fn has_rows(&self, organization: &OrganizationId) -> bool;
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
    /// The same for the change record; `None` for what is in none.
    pub subject: Option<Subject>,
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
