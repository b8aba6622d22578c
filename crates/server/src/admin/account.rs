//! Organizations.

use jackfield_model::admin::{self, OrganizationPatch};
use jackfield_store::registry::Organization;
use jackfield_store::{Origin, RegistryCommand};

use super::{Query, change, created, no_content, ok, organization, organization_id, page, parse, valid};
use crate::app::App;
use crate::error::ApiError;
use crate::response::Reply;

pub(super) async fn create(app: &App, origin: Origin, body: &[u8]) -> Result<Reply, ApiError> {
    let new: admin::Organization = parse(body)?;
    valid::name("name", &new.name)?;
    let organization = Organization {
        id: new.id.unwrap_or_else(|| app.ids.organization(&*app.store)),
        name: new.name,
        country: new.country,
        vertical: new.vertical,
        webrtc: new.webrtc,
        strict_profiles: new.strict_profiles,
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
    let patch: OrganizationPatch = parse(body)?;
    patch.name.as_deref().map_or(Ok(()), |name| valid::name("name", name))?;
    change(app, RegistryCommand::UpdateOrganization(organization_id(id)?, patch), origin).await?;
    get(app, id)
}

pub(super) async fn delete(app: &App, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    change(app, RegistryCommand::DeleteOrganization(organization_id(id)?), origin).await?;
    no_content()
}

fn shown(organization: &Organization) -> admin::Organization {
    admin::Organization {
        id: Some(organization.id.clone()),
        name: organization.name.clone(),
        country: organization.country,
        vertical: organization.vertical,
        webrtc: organization.webrtc,
        strict_profiles: organization.strict_profiles,
    }
}
