//! Organizations.

use std::future::ready;

use jackfield_model::admin::{self, List, OrganizationPatch, Role, Secret};
use jackfield_store::registry::{Organization, OrganizationChange, PasswordHash, Quotas};
use jackfield_store::{Origin, RegistryCommand};

use super::describe::{CONFLICT, ITEM_ERRORS, PageQuery, TOP_ERRORS, WRITE_ERRORS, describe};
use super::{
    AdminOperation, Query, change, created, no_content, ok, organization, organization_id, page,
    parse_nullable,
};
use crate::description::{BAD_REQUEST, CREATED, NO_CONTENT};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;
use crate::validate;

/// The one property that may be null.
const CONSENT_PASSWORD: [&str; 2] = ["consent_password", "consentPassword"];

pub(crate) static CREATE: AdminOperation = AdminOperation::new(
    "createOrganization",
    Role::Admin,
    describe("Create an organization")
        .text("An id is issued when the body has none.")
        .request::<admin::Organization>()
        .successes(CREATED)
        .response::<admin::Organization>()
        .errors(&[BAD_REQUEST, CONFLICT]),
    |context| Box::pin(create(context.state, context.origin, context.body)),
);

async fn create(state: &State, origin: Origin, body: &[u8]) -> Result<Reply, ApiError> {
    let new: admin::Organization = parse_nullable(body, &CONSENT_PASSWORD)?;
    validate::name("name", &new.name)?;
    validate::quotas(&new.quotas)?;
    let consent_password = hash(state, new.consent_password).await?;
    let organization = Organization {
        id: new.id.unwrap_or_else(|| state.sandbox.ids.organization(&*state.store)),
        name: new.name,
        country: new.country,
        vertical: new.vertical,
        webrtc: new.webrtc,
        strict_profiles: new.strict_profiles,
        strict_units: new.strict_units,
        quotas: Quotas::default().with(new.quotas),
        consent_password,
        lenient: new.lenient,
    };
    change(state, RegistryCommand::CreateOrganization(organization.clone()), origin).await?;
    created(&to_wire(&organization))
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "listOrganizations",
    Role::Viewer,
    describe("List organizations")
        .text("Sorted by id.")
        .query::<PageQuery>()
        .response::<List<admin::Organization>>()
        .errors(TOP_ERRORS),
    |context| Box::pin(ready(list(context.state, context.query))),
);

fn list(state: &State, query: &Query) -> Result<Reply, ApiError> {
    let registry = state.store.registry();
    let all = registry
        .organizations
        .values()
        .map(|organization| (organization.id.to_string(), to_wire(organization)))
        .collect();
    ok(&page(all, query)?)
}

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "getOrganization",
    Role::Viewer,
    describe("Get an organization").response::<admin::Organization>().errors(ITEM_ERRORS),
    |context| Box::pin(ready(get(context.state, context.id))),
);

fn get(state: &State, id: &str) -> Result<Reply, ApiError> {
    ok(&to_wire(&*organization(state, id)?))
}

pub(crate) static UPDATE: AdminOperation = AdminOperation::new(
    "updateOrganization",
    Role::Admin,
    describe("Change an organization")
        .text("Absent properties stay as they are.")
        .request::<OrganizationPatch>()
        .response::<admin::Organization>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(update(context.state, context.origin, context.id, context.body)),
);

async fn update(state: &State, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let mut patch: OrganizationPatch = parse_nullable(body, &CONSENT_PASSWORD)?;
    patch.name.as_deref().map_or(Ok(()), |name| validate::name("name", name))?;
    validate::quotas(&patch.quotas.unwrap_or_default())?;
    let consent_password = match patch.consent_password.take() {
        Some(password) => Some(hash(state, password).await?),
        None => None,
    };
    let changed = OrganizationChange { patch, consent_password };
    change(state, RegistryCommand::UpdateOrganization(organization_id(id)?, changed), origin).await?;
    get(state, id)
}

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "deleteOrganization",
    Role::Admin,
    describe("Delete an organization")
        .text("Its clients go with it. It must have no service providers and no profiles.")
        .successes(NO_CONTENT)
        .errors(WRITE_ERRORS),
    |context| Box::pin(delete(context.state, context.origin, context.id)),
);

async fn delete(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    change(state, RegistryCommand::DeleteOrganization(organization_id(id)?), origin).await?;
    no_content()
}

async fn hash(state: &State, password: Option<Secret>) -> Result<Option<PasswordHash>, ApiError> {
    let Some(password) = password else { return Ok(None) };
    validate::password("consent_password", &password)?;
    state.credentials.hashing.hash(password.0).await.map(Some)
}

fn to_wire(organization: &Organization) -> admin::Organization {
    admin::Organization {
        id: Some(organization.id.clone()),
        name: organization.name.clone(),
        country: organization.country,
        vertical: organization.vertical,
        webrtc: organization.webrtc,
        strict_profiles: organization.strict_profiles,
        strict_units: organization.strict_units,
        quotas: organization.quotas.into(),
        consent_password: None,
        has_consent_password: organization.consent_password.is_some(),
        lenient: organization.lenient,
    }
}
