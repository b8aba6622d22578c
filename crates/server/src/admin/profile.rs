//! Communication profiles.

use jackfield_model::admin::{self, List, ProfilePatch, Role};
use jackfield_model::{AmazonId, limit};
use jackfield_store::resource::Refusal;
use jackfield_store::{CreateProfileOutcome, DeleteProfileOutcome, Origin, Profile, UpdateOutcome};

use super::describe::{ADD_ERRORS, ITEM_ERRORS, PageQuery, WRITE_ERRORS, describe};
use super::{AdminOperation, Query, created, no_content, not_found, ok, organization, parse, parse_nullable};
use crate::description::{CREATED, NO_CONTENT};
use crate::error::{ApiError, Forbidden};
use crate::response::Reply;
use crate::state::State;
use crate::validate;

pub(crate) static CREATE: AdminOperation = AdminOperation::new(
    "adminCreateProfile",
    Role::Admin,
    describe("Create a communication profile")
        .text("A unit has at most one.")
        .request::<admin::Profile>()
        .successes(CREATED)
        .response::<admin::Profile>()
        .errors(ADD_ERRORS),
    |context| Box::pin(create(context.state, context.origin, context.id, context.body)),
);

async fn create(state: &State, origin: Origin, of: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let organization = organization(state, of)?;
    let new: admin::Profile = parse(body)?;
    new.name.as_deref().map_or(Ok(()), |name| validate::name("name", name))?;
    let id = match new.id {
        Some(id) => id,
        None => state.sandbox.ids.profile(&*state.store).await?,
    };
    let profile = Profile { id, organization: organization.id.clone(), unit: new.unit, name: new.name };
    match state.store.create_profile(profile.clone(), origin).await? {
        CreateProfileOutcome::Created => created(&to_wire(&profile)),
        CreateProfileOutcome::IdTaken => {
            Err(ApiError::Conflict("There is a profile with this id already.".to_owned()))
        }
        CreateProfileOutcome::UnitHasProfile(_) => {
            Err(ApiError::Conflict("The unit has a profile already.".to_owned()))
        }
        CreateProfileOutcome::UnitTaken => {
            Err(ApiError::Conflict("The unit belongs to another organization.".to_owned()))
        }
        CreateProfileOutcome::NoSuchUnit => Err(ApiError::no_such_unit()),
        CreateProfileOutcome::NoSuchOrganization => Err(not_found("organization")),
        CreateProfileOutcome::QuotaReached(most) => {
            Err(ApiError::Forbidden(Forbidden::Quota { of: "communication profiles", most }))
        }
    }
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "listProfiles",
    Role::Viewer,
    describe("List the communication profiles of an organization")
        .text("Sorted by id.")
        .query::<PageQuery>()
        .response::<List<admin::Profile>>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(list(context.state, context.id, context.query)),
);

async fn list(state: &State, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let organization = organization(state, of)?;
    let limit = query.limit()?;
    let after = query.parsed::<AmazonId>("after")?;
    let mut profiles = state.store.list_profiles(&organization.id, after.as_ref(), limit + 1).await?;
    let more = profiles.len() > limit;
    profiles.truncate(limit);
    let next_after = profiles.last().filter(|_| more).map(|profile| profile.id.to_string());
    ok(&List { items: profiles.iter().map(to_wire).collect(), next_after })
}

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "adminGetProfile",
    Role::Viewer,
    describe("Get a communication profile").response::<admin::Profile>().errors(ITEM_ERRORS),
    |context| Box::pin(get(context.state, context.id)),
);

async fn get(state: &State, id: &str) -> Result<Reply, ApiError> {
    ok(&to_wire(&find(state, id).await?))
}

pub(crate) static UPDATE: AdminOperation = AdminOperation::new(
    "adminUpdateProfile",
    Role::Admin,
    describe("Rename a communication profile")
        .request::<ProfilePatch>()
        .response::<admin::Profile>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(update(context.state, context.origin, context.id, context.body)),
);

async fn update(state: &State, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let profile = find(state, id).await?;
    let ProfilePatch { name } = parse_nullable(body, &["name"])?;
    name.as_deref().map_or(Ok(()), |name| validate::name("name", name))?;
    match state.store.rename_profile(&profile.organization, &profile.id, name, origin).await? {
        UpdateOutcome::Updated => get(state, id).await,
        UpdateOutcome::NotFound | UpdateOutcome::NoSuchProvider | UpdateOutcome::NoSuchProfile => {
            Err(not_found("profile"))
        }
    }
}

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "adminDeleteProfile",
    Role::Admin,
    describe("Delete a communication profile")
        .text("Associations that name it stay; contacts that name it go with it.")
        .successes(NO_CONTENT)
        .errors(WRITE_ERRORS),
    |context| Box::pin(delete(context.state, context.origin, context.id)),
);

async fn delete(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let profile = find(state, id).await?;
    match state.store.delete_profile(&profile.organization, &profile.id, origin).await? {
        DeleteProfileOutcome::Deleted => no_content(),
        DeleteProfileOutcome::NotFound => Err(not_found("profile")),
        DeleteProfileOutcome::InUse => Err(ApiError::profile_in_use()),
        DeleteProfileOutcome::TooManyDependents => {
            let refusal = Refusal::TooManyDependents(limit::CASCADE_RESOURCES);
            Err(ApiError::of_resource(refusal, "communication profile"))
        }
    }
}

async fn find(state: &State, id: &str) -> Result<Profile, ApiError> {
    let id: AmazonId = id.parse().map_err(|_| not_found("profile"))?;
    state.store.find_profile(&id).await?.ok_or_else(|| not_found("profile"))
}

fn to_wire(profile: &Profile) -> admin::Profile {
    admin::Profile {
        id: Some(profile.id.clone()),
        organization_id: Some(profile.organization.clone()),
        unit: profile.unit.clone(),
        name: profile.name.clone(),
    }
}
