//! Organizations.

use jackfield_model::admin::{self, OrganizationPatch, Secret};
use jackfield_store::registry::{Organization, OrganizationChange, PasswordHash, Quotas};
use jackfield_store::{Origin, RegistryCommand};

use super::{
    Query, change, created, no_content, ok, organization, organization_id, page, parse_nullable, valid,
};
use crate::app::App;
use crate::error::ApiError;
use crate::response::Reply;

/// The one property that may be null.
const CONSENT_PASSWORD: [&str; 2] = ["consent_password", "consentPassword"];

pub(super) async fn create(app: &App, origin: Origin, body: &[u8]) -> Result<Reply, ApiError> {
    let new: admin::Organization = parse_nullable(body, &CONSENT_PASSWORD)?;
    valid::name("name", &new.name)?;
    valid::quotas(&new.quotas)?;
    let consent_password = hash(app, new.consent_password).await?;
    let organization = Organization {
        id: new.id.unwrap_or_else(|| app.ids.organization(&*app.store)),
        name: new.name,
        country: new.country,
        vertical: new.vertical,
        webrtc: new.webrtc,
        strict_profiles: new.strict_profiles,
        quotas: Quotas::default().with(new.quotas),
        consent_password,
        lenient: new.lenient,
    };
    change(app, RegistryCommand::CreateOrganization(organization.clone()), origin).await?;
    created(&shown(&organization))
}

pub(super) fn list(app: &App, query: &Query) -> Result<Reply, ApiError> {
    let registry = app.store.registry();
    let all = registry.organizations.values().map(|own| (own.id.to_string(), shown(own))).collect();
    ok(&page(all, query)?)
}

pub(super) fn get(app: &App, id: &str) -> Result<Reply, ApiError> {
    ok(&shown(&*organization(app, id)?))
}

pub(super) async fn update(app: &App, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let mut patch: OrganizationPatch = parse_nullable(body, &CONSENT_PASSWORD)?;
    patch.name.as_deref().map_or(Ok(()), |name| valid::name("name", name))?;
    valid::quotas(&patch.quotas.unwrap_or_default())?;
    let consent_password = match patch.consent_password.take() {
        Some(password) => Some(hash(app, password).await?),
        None => None,
    };
    let changed = OrganizationChange { patch, consent_password };
    change(app, RegistryCommand::UpdateOrganization(organization_id(id)?, changed), origin).await?;
    get(app, id)
}

pub(super) async fn delete(app: &App, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    change(app, RegistryCommand::DeleteOrganization(organization_id(id)?), origin).await?;
    no_content()
}

async fn hash(app: &App, password: Option<Secret>) -> Result<Option<PasswordHash>, ApiError> {
    let Some(password) = password else { return Ok(None) };
    valid::password("consent_password", &password)?;
    app.hashing.hash(password.0).await.map(Some)
}

fn shown(organization: &Organization) -> admin::Organization {
    admin::Organization {
        id: Some(organization.id.clone()),
        name: organization.name.clone(),
        country: organization.country,
        vertical: organization.vertical,
        webrtc: organization.webrtc,
        strict_profiles: organization.strict_profiles,
        quotas: organization.quotas.into(),
        consent_password: None,
        has_consent_password: organization.consent_password.is_some(),
        lenient: organization.lenient,
    }
}
