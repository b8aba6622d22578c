//! The seed file: accounts and associations that are to be there when the server has started.
//!
//! It is applied at every start. Accounts follow the file; profiles and associations are added where they are missing
//! and otherwise left as clients made them. What the file does not name stays.

use std::path::Path;

use futures_util::future::try_join_all;
use jackfield_model::admin::{DisplayName, OrganizationPatch, Secret};
use jackfield_model::wire::Association;
use jackfield_model::{
    AmazonId, ClientId, Country, ExternalUserId, OrganizationId, RequestId, Scope, ScopeSet,
    ServiceProviderId, UnitId, Vertical,
};
use jackfield_store::registry::{self, ClientChange, RefreshToken};
use jackfield_store::{
    Actor, CreateOutcome, CreateProfileOutcome, Origin, RegistryCommand, RegistryOutcome, StoreError,
    Timestamp, WriteAssociation,
};
use serde::Deserialize;
use thiserror::Error;

use crate::admin::valid::{self, InvalidField};
use crate::app::App;

/// Associations written at a time, so that they share commits.
const ASSOCIATIONS_AT_A_TIME: usize = 256;
/// A secret shorter than this may be guessed; it draws a warning.
const STRONG_SECRET_BYTES: usize = 32;

/// Why a seed file is not applied. The text is one line for the person who wrote it.
#[derive(Debug, Error)]
pub enum SeedError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(std::io::Error),
    /// It is no TOML, or names something that there is not.
    #[error("{0}")]
    Parse(String),
    /// A value is out of its bounds, or stands against what is there.
    #[error("{subject}: {rule}")]
    Invalid {
        /// The object.
        subject: String,
        /// What would be right.
        rule: String,
    },
    /// The store cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SeedError {
    pub(crate) const fn is_configuration(&self) -> bool {
        match self {
            Self::Read(_) | Self::Parse(_) | Self::Invalid { .. } => true,
            Self::Store(_) => false,
        }
    }
}

/// The content of a seed file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seed {
    #[serde(default, rename = "organization")]
    organizations: Vec<SeedOrganization>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedOrganization {
    id: OrganizationId,
    name: String,
    country: Country,
    vertical: Vertical,
    #[serde(default)]
    webrtc: bool,
    #[serde(default)]
    strict_profiles: bool,
    #[serde(default, rename = "client")]
    clients: Vec<SeedClient>,
    #[serde(default, rename = "service_provider")]
    service_providers: Vec<SeedProvider>,
    #[serde(default, rename = "profile")]
    profiles: Vec<SeedProfile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedClient {
    id: ClientId,
    secret: Secret,
    #[serde(default)]
    scopes: Option<Vec<Scope>>,
    #[serde(default)]
    refresh_token: Option<Secret>,
    #[serde(default)]
    rate_limit: Option<u32>,
    #[serde(default)]
    redirect_uris: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedProvider {
    id: ServiceProviderId,
    logical_id: String,
    #[serde(default)]
    display_name: SeedDisplayName,
    #[serde(default, rename = "association")]
    associations: Vec<SeedAssociation>,
}

/// A plain name, or one a locale.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SeedDisplayName {
    Plain(String),
    Localized(Vec<DisplayName>),
}

impl Default for SeedDisplayName {
    fn default() -> Self {
        Self::Localized(Vec::new())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedAssociation {
    external_user_id: ExternalUserId,
    amazon_id: AmazonId,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedProfile {
    id: AmazonId,
    unit: UnitId,
    #[serde(default)]
    name: Option<String>,
}

/// Reads a seed file.
pub(crate) fn read(path: &Path) -> Result<Seed, SeedError> {
    let text = std::fs::read_to_string(path).map_err(SeedError::Read)?;
    parse(&text)
}

/// Reads the text of a seed file.
pub(crate) fn parse(text: &str) -> Result<Seed, SeedError> {
    toml::from_str(text).map_err(|error| SeedError::Parse(crate::config::one_line(&error, text)))
}

/// Applies a seed.
pub(crate) async fn apply(app: &App, seed: Seed) -> Result<(), SeedError> {
    for organization in seed.organizations {
        let id = organization.id.clone();
        apply_organization(app, &organization).await?;
        for client in organization.clients {
            apply_client(app, &id, client).await?;
        }
        for profile in organization.profiles {
            apply_profile(app, &id, profile).await?;
        }
        for provider in organization.service_providers {
            apply_provider(app, &id, provider).await?;
        }
    }
    Ok(())
}

fn origin() -> Origin {
    Origin { actor: Actor::Seed, request_id: RequestId::random(), time: Timestamp::now() }
}

async fn apply_organization(app: &App, seed: &SeedOrganization) -> Result<(), SeedError> {
    let subject = || format!("organization {}", seed.id);
    valid::name("name", &seed.name).map_err(|error| invalid(&subject(), &error))?;
    let new = registry::Organization {
        id: seed.id.clone(),
        name: seed.name.clone(),
        country: seed.country,
        vertical: seed.vertical,
        webrtc: seed.webrtc,
        strict_profiles: seed.strict_profiles,
    };
    let patch = OrganizationPatch {
        name: Some(seed.name.clone()),
        country: Some(seed.country),
        vertical: Some(seed.vertical),
        webrtc: Some(seed.webrtc),
        strict_profiles: Some(seed.strict_profiles),
    };
    let update = RegistryCommand::UpdateOrganization(seed.id.clone(), patch);
    create_or_update(app, &subject(), RegistryCommand::CreateOrganization(new), update).await
}

async fn apply_client(app: &App, organization: &OrganizationId, seed: SeedClient) -> Result<(), SeedError> {
    let subject = format!("client {}", seed.id);
    let check = |result: Result<(), InvalidField>| result.map_err(|error| invalid(&subject, &error));
    check(valid::secret("secret", &seed.secret))?;
    check(seed.refresh_token.as_ref().map_or(Ok(()), |token| valid::secret("refresh_token", token)))?;
    check(valid::rate_limit(seed.rate_limit))?;
    check(valid::redirect_uris(&seed.redirect_uris))?;
    let scopes = match seed.scopes {
        None => ScopeSet::parse(jackfield_model::scope::SERVICE_PROVIDER),
        Some(scopes) => ScopeSet::new(scopes),
    };
    let scopes = scopes
        .map_err(|error| SeedError::Invalid { subject: subject.clone(), rule: format!("scopes: {error}") })?;
    if seed.secret.0.len() < STRONG_SECRET_BYTES {
        tracing::warn!(client = %seed.id, "the seed gives this client a short secret, which may be guessed");
    }
    owned_by(
        app.store.registry().clients.get(&seed.id).map(|own| &own.organization),
        organization,
        &subject,
    )?;
    let secret_hash = app.keys.hash_client_secret(&seed.id, &seed.secret.0);
    let refresh_token = seed
        .refresh_token
        .map(|token| RefreshToken { hash: app.keys.hash_refresh_token(&token.0), issued: Timestamp::now() });
    let update = ClientChange {
        scopes: Some(scopes.clone()),
        rate_limit: seed.rate_limit,
        redirect_uris: Some(seed.redirect_uris.clone()),
        secret_hash: Some(secret_hash),
        add_refresh_token: refresh_token.clone(),
        ..ClientChange::default()
    };
    let new = registry::Client {
        id: seed.id.clone().into(),
        organization: organization.clone(),
        secret_hash,
        scopes,
        rate_limit: seed.rate_limit,
        redirect_uris: seed.redirect_uris,
        enabled: true,
        token_generation: 0,
        refresh_tokens: refresh_token.into_iter().collect(),
    };
    let update = RegistryCommand::UpdateClient(seed.id, update);
    create_or_update(app, &subject, RegistryCommand::CreateClient(new), update).await
}

async fn apply_provider(
    app: &App,
    organization: &OrganizationId,
    seed: SeedProvider,
) -> Result<(), SeedError> {
    let subject = format!("service_provider {}", seed.id);
    let check = |result: Result<(), InvalidField>| result.map_err(|error| invalid(&subject, &error));
    let display_name = match seed.display_name {
        SeedDisplayName::Plain(value) => vec![DisplayName { locale: "en-US".to_owned(), value }],
        SeedDisplayName::Localized(names) => names,
    };
    check(valid::name("logical_id", &seed.logical_id))?;
    check(valid::display_names(&display_name))?;
    owned_by(
        app.store.registry().providers.get(&seed.id).map(|own| &own.organization),
        organization,
        &subject,
    )?;
    let update = RegistryCommand::UpdateServiceProvider(seed.id, display_name.clone());
    let new = registry::ServiceProvider {
        id: seed.id,
        organization: organization.clone(),
        logical_id: seed.logical_id,
        display_name,
        network: None,
    };
    create_or_update(app, &subject, RegistryCommand::CreateServiceProvider(new), update).await?;
    for associations in seed.associations.chunks(ASSOCIATIONS_AT_A_TIME) {
        try_join_all(associations.iter().map(|own| add_association(app, seed.id, own))).await?;
    }
    Ok(())
}

async fn add_association(
    app: &App,
    provider: ServiceProviderId,
    seed: &SeedAssociation,
) -> Result<(), SeedError> {
    let association = Association::new(seed.external_user_id.clone(), seed.amazon_id.clone());
    let write = WriteAssociation { provider, association, profile_owner: None, origin: origin() };
    match app.store.create_association(write).await? {
        CreateOutcome::Created | CreateOutcome::Exists => Ok(()),
        CreateOutcome::NoSuchProvider | CreateOutcome::NoSuchProfile => Err(SeedError::Invalid {
            subject: format!("association {}", seed.external_user_id),
            rule: "its service provider is not there".to_owned(),
        }),
    }
}

async fn apply_profile(app: &App, organization: &OrganizationId, seed: SeedProfile) -> Result<(), SeedError> {
    let subject = format!("profile {}", seed.id);
    seed.name
        .as_deref()
        .map_or(Ok(()), |name| valid::name("name", name))
        .map_err(|error| invalid(&subject, &error))?;
    let conflict = |rule: &str| Err(SeedError::Invalid { subject: subject.clone(), rule: rule.to_owned() });
    let profile = registry::Profile {
        id: seed.id,
        organization: organization.clone(),
        unit: seed.unit,
        name: seed.name,
    };
    match app.store.create_profile(profile.clone(), origin()).await? {
        CreateProfileOutcome::Created => Ok(()),
        CreateProfileOutcome::UnitHasProfile(own) if own.id == profile.id => {
            owned_by(Some(&own.organization), organization, &subject)
        }
        CreateProfileOutcome::UnitHasProfile(_) => conflict("its unit has another profile already"),
        CreateProfileOutcome::IdTaken => conflict("there is a profile with this id for another unit"),
        CreateProfileOutcome::NoSuchOrganization => conflict("its organization is not there"),
    }
}

async fn create_or_update(
    app: &App,
    subject: &str,
    create: RegistryCommand,
    update: RegistryCommand,
) -> Result<(), SeedError> {
    let mut outcome = app.store.change_registry(create, origin()).await?;
    if outcome == RegistryOutcome::Exists {
        outcome = app.store.change_registry(update, origin()).await?;
    }
    let rule = match outcome {
        RegistryOutcome::Done => return Ok(()),
        RegistryOutcome::LogicalIdTaken => {
            "the organization has a service provider with this logical_id already"
        }
        RegistryOutcome::RefreshTokenTaken => "refresh_token is another client's",
        RegistryOutcome::TooManyRefreshTokens => "the client holds as many refresh tokens as it may",
        RegistryOutcome::NoSuchOrganization => "its organization is not there",
        RegistryOutcome::Exists
        | RegistryOutcome::NotFound
        | RegistryOutcome::NetworkExists
        | RegistryOutcome::NoNetwork
        | RegistryOutcome::InUse => "it cannot be changed",
    };
    Err(SeedError::Invalid { subject: subject.to_owned(), rule: rule.to_owned() })
}

fn owned_by(
    owner: Option<&OrganizationId>,
    organization: &OrganizationId,
    subject: &str,
) -> Result<(), SeedError> {
    match owner {
        Some(owner) if owner != organization => Err(SeedError::Invalid {
            subject: subject.to_owned(),
            rule: format!("it belongs to organization {owner} already"),
        }),
        _ => Ok(()),
    }
}

fn invalid(subject: &str, error: &InvalidField) -> SeedError {
    SeedError::Invalid { subject: subject.to_owned(), rule: error.to_string() }
}
