//! Applies a seed to a store.

use std::time::Duration;

use futures_util::future::try_join_all;
use jackfield_model::admin::{DisplayName, OrganizationPatch, Secret};
use jackfield_model::wire::{Association, Network, Skill, Unit};
use jackfield_model::{OrganizationId, RequestId, ScopeSet, ServiceProviderId, limit};
use jackfield_store::registry::{
    self, ClientChange, NetworkChange, OrganizationChange, PasswordHash, RefreshToken,
};
use jackfield_store::resource::{Refusal, Resource, ResourceChange};
use jackfield_store::{
    Actor, CreateOutcome, CreateProfileOutcome, Origin, RegistryCommand, RegistryOutcome, Store, Timestamp,
    WriteAssociation, find_resource,
};

use super::directory::{Named, Units};
use super::{
    Seed, SeedAssociation, SeedClient, SeedDisplayName, SeedError, SeedOrganization, SeedProfile,
    SeedProvider, SeedSkill,
};
use crate::credential::keys::Keys;
use crate::credential::password;
use crate::sandbox::ids::natural;
use crate::validate::{self, InvalidField};

/// Associations written at a time, so that they share commits.
const ASSOCIATIONS_AT_A_TIME: usize = 256;

/// The store that a seed is applied to, and the keys that hash its secrets.
#[derive(Clone, Copy)]
struct Place<'a> {
    store: &'a dyn Store,
    keys: &'a Keys,
}

/// Applies a seed to a store.
pub(crate) async fn apply(store: &dyn Store, keys: &Keys, seed: &Seed) -> Result<(), SeedError> {
    let place = Place { store, keys };
    check_names(seed)?;
    for organization in &seed.organizations {
        let id = organization.id();
        apply_organization(place, &id, organization).await?;
        for (number, client) in organization.clients.iter().enumerate() {
            apply_client(place, &id, number, client.clone()).await?;
        }
        let (units, named) = Units::read(&id, &organization.units)?;
        apply_resources(place, &id, named).await?;
        for profile in &organization.profiles {
            apply_profile(place, &id, profile.clone()).await?;
        }
        for provider in &organization.service_providers {
            apply_provider(place, &id, provider.clone()).await?;
        }
        apply_resources(place, &id, units.address_books(&organization.address_books)?).await?;
        apply_resources(place, &id, skills(&organization.skills)?).await?;
    }
    Ok(())
}

impl SeedOrganization {
    fn id(&self) -> OrganizationId {
        self.id.clone().unwrap_or_else(|| natural::organization(&self.name))
    }
}

/// Two organizations without ids that have one name would silently become one.
fn check_names(seed: &Seed) -> Result<(), SeedError> {
    let mut names = std::collections::BTreeSet::new();
    for organization in seed.organizations.iter().filter(|organization| organization.id.is_none()) {
        if !names.insert(&organization.name) {
            return Err(SeedError::Invalid {
                subject: format!("organization {:?}", organization.name),
                rule: "another one without id has the same name; one of them needs an id".to_owned(),
            });
        }
    }
    Ok(())
}

fn origin() -> Origin {
    Origin { actor: Actor::Seed, request_id: RequestId::random(), time: Timestamp::now() }
}

async fn apply_organization(
    place: Place<'_>,
    id: &OrganizationId,
    seed: &SeedOrganization,
) -> Result<(), SeedError> {
    let subject = || format!("organization {id}");
    validate::name("name", &seed.name).map_err(|error| invalid(&subject(), &error))?;
    validate::quotas(&seed.quotas).map_err(|error| invalid(&subject(), &error))?;
    let known = place
        .store
        .registry()
        .organizations
        .get(id)
        .and_then(|organization| organization.consent_password.clone());
    let consent_password = match &seed.consent_password {
        None => None,
        Some(password) => {
            validate::password("consent_password", password).map_err(|error| invalid(&subject(), &error))?;
            Some(hash_password(password.clone(), known).await)
        }
    };
    let new = registry::Organization {
        id: id.clone(),
        name: seed.name.clone(),
        country: seed.country,
        vertical: seed.vertical,
        webrtc: seed.webrtc,
        strict_profiles: seed.strict_profiles,
        strict_units: seed.strict_units,
        quotas: registry::Quotas::default().with(seed.quotas),
        consent_password: consent_password.clone(),
        lenient: seed.lenient.unwrap_or(true),
    };
    let patch = OrganizationPatch {
        name: Some(seed.name.clone()),
        country: Some(seed.country),
        vertical: Some(seed.vertical),
        webrtc: Some(seed.webrtc),
        strict_profiles: Some(seed.strict_profiles),
        strict_units: Some(seed.strict_units),
        quotas: Some(seed.quotas),
        consent_password: None,
        lenient: Some(seed.lenient.unwrap_or(true)),
    };
    let changed = OrganizationChange { patch, consent_password: consent_password.map(Some) };
    let update = RegistryCommand::UpdateOrganization(id.clone(), changed);
    create_or_update(place, &subject(), RegistryCommand::CreateOrganization(new), update).await
}

/// The hash of a password: the known one when that is of the same password, so that a start changes nothing.
async fn hash_password(password: Secret, known: Option<PasswordHash>) -> PasswordHash {
    let hashed = tokio::task::spawn_blocking(move || {
        let same = known.filter(|known| password::verify(&password.0, known));
        same.unwrap_or_else(|| password::hash(&password.0))
    });
    hashed.await.expect("a hash does not panic")
}

async fn apply_client(
    place: Place<'_>,
    organization: &OrganizationId,
    number: usize,
    seed: SeedClient,
) -> Result<(), SeedError> {
    let id = seed.id.unwrap_or_else(|| natural::client(organization, number));
    let subject = format!("client {id}");
    let check = |result: Result<(), InvalidField>| result.map_err(|error| invalid(&subject, &error));
    check(validate::secret("secret", &seed.secret))?;
    check(seed.refresh_token.as_ref().map_or(Ok(()), |token| validate::secret("refresh_token", token)))?;
    check(validate::rate_limit(seed.rate_limit))?;
    check(validate::redirect_uris(&seed.redirect_uris))?;
    let scopes = match seed.scopes {
        None => ScopeSet::parse(jackfield_model::scope::SERVICE_PROVIDER),
        Some(scopes) => ScopeSet::new(scopes),
    };
    let scopes = scopes
        .map_err(|error| SeedError::Invalid { subject: subject.clone(), rule: format!("scopes: {error}") })?;
    if seed.secret.0.len() < limit::STRONG_SECRET_BYTES {
        tracing::warn!(client = %id, "the seed gives this client a short secret, which may be guessed");
    }
    owned_by(
        place.store.registry().clients.get(&id).map(|client| &client.organization),
        organization,
        &subject,
    )?;
    let secret_hash = place.keys.hash_client_secret(&id, &seed.secret.0);
    let refresh_token = seed
        .refresh_token
        .map(|token| RefreshToken::new(place.keys.hash_refresh_token(&token.0), Timestamp::now()));
    let update = ClientChange {
        scopes: Some(scopes.clone()),
        rate_limit: seed.rate_limit,
        redirect_uris: Some(seed.redirect_uris.clone()),
        public: Some(seed.public),
        secret_hash: Some(secret_hash),
        add_refresh_token: refresh_token.clone(),
        ..ClientChange::default()
    };
    let new = registry::Client {
        id: id.clone().into(),
        organization: organization.clone(),
        secret_hash,
        scopes,
        rate_limit: seed.rate_limit,
        redirect_uris: seed.redirect_uris,
        enabled: true,
        public: seed.public,
        token_generation: 0,
        refresh_tokens: refresh_token.into_iter().collect(),
        spent_codes: Vec::new(),
    };
    let update = RegistryCommand::UpdateClient(id, update);
    create_or_update(place, &subject, RegistryCommand::CreateClient(new), update).await
}

async fn apply_provider(
    place: Place<'_>,
    organization: &OrganizationId,
    seed: SeedProvider,
) -> Result<(), SeedError> {
    let id = seed.id.unwrap_or_else(|| natural::service_provider(organization, &seed.logical_id));
    let subject = format!("service_provider {id}");
    let check = |result: Result<(), InvalidField>| result.map_err(|error| invalid(&subject, &error));
    let display_name = match seed.display_name {
        SeedDisplayName::Plain(value) => vec![DisplayName { locale: "en-US".to_owned(), value }],
        SeedDisplayName::Localized(names) => names,
    };
    check(validate::name("logical_id", &seed.logical_id))?;
    check(validate::display_names(&display_name))?;
    owned_by(
        place.store.registry().providers.get(&id).map(|provider| &provider.organization),
        organization,
        &subject,
    )?;
    let update = RegistryCommand::UpdateServiceProvider(id, display_name.clone());
    let network = seed.skill_id.map(Network::skill);
    let new = registry::ServiceProvider {
        id,
        organization: organization.clone(),
        logical_id: seed.logical_id,
        display_name,
        network: None,
    };
    create_or_update(place, &subject, RegistryCommand::CreateServiceProvider(new), update).await?;
    if let Some(network) = network {
        set_network(place, id, network, &subject).await?;
    }
    for associations in seed.associations.chunks(ASSOCIATIONS_AT_A_TIME) {
        try_join_all(associations.iter().map(|association| add_association(place, id, association))).await?;
    }
    Ok(())
}

/// The network mapping of a provider, in the place of the one that is there.
async fn set_network(
    place: Place<'_>,
    id: ServiceProviderId,
    network: Network,
    subject: &str,
) -> Result<(), SeedError> {
    let known = place.store.registry().providers.get(&id).and_then(|provider| provider.network.clone());
    if known.as_ref() == Some(&network) {
        return Ok(());
    }
    let set = || RegistryCommand::ChangeNetwork(id, NetworkChange::Set(network.clone()));
    create_or_update(place, subject, set(), set()).await
}

/// The skills of an organization, checked.
fn skills(seeds: &[SeedSkill]) -> Result<Vec<Named>, SeedError> {
    let checked = |seed: &SeedSkill| {
        let subject = format!("skill {}", seed.id);
        let timeout = seed.timeout.map(|span| span.0);
        let bounds = Duration::from_millis(1)..=limit::SKILL_TIMEOUT_MAX;
        if timeout.is_some_and(|span| !bounds.contains(&span)) {
            let rule = format!("timeout must be from 1ms to {:?}", limit::SKILL_TIMEOUT_MAX);
            return Err(SeedError::Invalid { subject, rule });
        }
        let skill = Skill {
            skill_id: seed.id.clone(),
            endpoint: seed.endpoint.clone(),
            client_id: seed.client_id.clone(),
            timeout_ms: timeout.and_then(|span| u64::try_from(span.as_millis()).ok()),
            ca: seed.ca.clone(),
        };
        validate::skill(&skill).map_err(|error| invalid(&subject, &error))?;
        Ok((subject, skill.into()))
    };
    seeds.iter().map(checked).collect()
}

async fn add_association(
    place: Place<'_>,
    provider: ServiceProviderId,
    seed: &SeedAssociation,
) -> Result<(), SeedError> {
    let association = Association::new(seed.external_user_id.clone(), seed.amazon_id.clone());
    let write = WriteAssociation { provider, association, profile_owner: None, origin: origin() };
    match place.store.create_association(write).await? {
        CreateOutcome::Created | CreateOutcome::Exists => Ok(()),
        CreateOutcome::NoSuchProvider | CreateOutcome::NoSuchProfile => Err(SeedError::Invalid {
            subject: format!("association {}", seed.external_user_id),
            rule: "its service provider is not there".to_owned(),
        }),
    }
}

async fn apply_profile(
    place: Place<'_>,
    organization: &OrganizationId,
    seed: SeedProfile,
) -> Result<(), SeedError> {
    let id = seed.id.unwrap_or_else(|| natural::profile(organization, &seed.unit));
    let subject = format!("profile {id}");
    seed.name
        .as_deref()
        .map_or(Ok(()), |name| validate::name("name", name))
        .map_err(|error| invalid(&subject, &error))?;
    let conflict = |rule: &str| Err(SeedError::Invalid { subject: subject.clone(), rule: rule.to_owned() });
    let profile =
        registry::Profile { id, organization: organization.clone(), unit: seed.unit, name: seed.name };
    match place.store.create_profile(profile.clone(), origin()).await? {
        CreateProfileOutcome::Created => Ok(()),
        CreateProfileOutcome::UnitHasProfile(existing) if existing.id == profile.id => {
            owned_by(Some(&existing.organization), organization, &subject)
        }
        CreateProfileOutcome::UnitHasProfile(_) => conflict("its unit has another profile already"),
        CreateProfileOutcome::IdTaken => conflict("there is a profile with this id for another unit"),
        CreateProfileOutcome::UnitTaken => conflict("its unit belongs to another organization"),
        CreateProfileOutcome::NoSuchUnit => {
            conflict("its unit is not there, and the organization has strict units")
        }
        CreateProfileOutcome::NoSuchOrganization => conflict("its organization is not there"),
        CreateProfileOutcome::QuotaReached(_) => conflict("its organization has as many as its quota allows"),
    }
}

/// Stores resources in their order, in the place of those that are there.
async fn apply_resources(
    place: Place<'_>,
    organization: &OrganizationId,
    named: Vec<Named>,
) -> Result<(), SeedError> {
    for chunk in named.chunks(limit::BATCH_ITEMS) {
        for (subject, resource) in chunk {
            if let Resource::Unit(unit) = resource {
                stays_where_it_is(place, organization, subject, unit).await?;
            }
        }
        let changes = chunk.iter().map(|(_, resource)| ResourceChange::Put(resource.clone())).collect();
        let outcomes = place.store.change_resources(organization, changes, origin()).await?;
        for ((subject, _), outcome) in chunk.iter().zip(outcomes) {
            let Err(refusal) = outcome else { continue };
            let rule = match refusal {
                Refusal::IdTaken => "its id belongs to something else already".to_owned(),
                Refusal::Missing(what) => format!("its {what} is not there"),
                Refusal::TooDeep(levels) => format!("it is too deep; units have at most {levels} levels"),
                Refusal::LimitReached { of, most } => format!("there are too many {of}; the limit is {most}"),
                _ => "it cannot be stored".to_owned(),
            };
            return Err(SeedError::Invalid { subject: subject.clone(), rule });
        }
    }
    Ok(())
}

async fn stays_where_it_is(
    place: Place<'_>,
    organization: &OrganizationId,
    subject: &str,
    unit: &Unit,
) -> Result<(), SeedError> {
    let found: Option<Unit> = find_resource(place.store, organization, "", unit.id.suffix()).await?;
    match found {
        Some(found) if found.parent_id != unit.parent_id => Err(SeedError::Invalid {
            subject: subject.to_owned(),
            rule: format!("parent: it is below {} already, and a unit stays where it is", found.parent_id),
        }),
        _ => Ok(()),
    }
}

async fn create_or_update(
    place: Place<'_>,
    subject: &str,
    create: RegistryCommand,
    update: RegistryCommand,
) -> Result<(), SeedError> {
    let mut outcome = place.store.change_registry(create, origin()).await?;
    if outcome == RegistryOutcome::Exists {
        outcome = place.store.change_registry(update, origin()).await?;
    }
    let rule = match outcome {
        RegistryOutcome::Done => return Ok(()),
        RegistryOutcome::LogicalIdTaken => {
            "the organization has a service provider with this logical_id already"
        }
        RegistryOutcome::RefreshTokenTaken => "refresh_token is another client's",
        RegistryOutcome::TooManyRefreshTokens => "the client holds as many refresh tokens as it may",
        RegistryOutcome::NoSuchOrganization => "its organization is not there",
        RegistryOutcome::QuotaReached(_) => "its organization has as many as its quota allows",
        RegistryOutcome::Exists
        | RegistryOutcome::NotFound
        | RegistryOutcome::NetworkExists
        | RegistryOutcome::NoNetwork
        | RegistryOutcome::CodeSpent
        | RegistryOutcome::TooManyKeys
        | RegistryOutcome::TooManyWebhooks
        | RegistryOutcome::RefreshTokenReused
        | RegistryOutcome::InUse
        | RegistryOutcome::TooManyAdminTokens => "it cannot be changed",
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
