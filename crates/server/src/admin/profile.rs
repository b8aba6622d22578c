//! Communication profiles.

use jackfield_model::AmazonId;
use jackfield_model::admin::{self, List, ProfilePatch};
use jackfield_store::{CreateProfileOutcome, DeleteProfileOutcome, Origin, Profile, UpdateOutcome};

use super::{Query, created, no_content, not_found, ok, organization, parse, parse_nullable, valid};
use crate::app::App;
use crate::error::{ApiError, Forbidden};
use crate::operation::profile_in_use;
use crate::response::Reply;

pub(super) async fn create(app: &App, origin: Origin, of: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let organization = organization(app, of)?;
    let new: admin::Profile = parse(body)?;
    new.name.as_deref().map_or(Ok(()), |name| valid::name("name", name))?;
    let id = match new.id {
        Some(id) => id,
        None => app.ids.profile(&*app.store).await?,
    };
    let profile = Profile { id, organization: organization.id.clone(), unit: new.unit, name: new.name };
    match app.store.create_profile(profile.clone(), origin).await? {
        CreateProfileOutcome::Created => created(&shown(&profile)),
        CreateProfileOutcome::IdTaken => {
            Err(ApiError::Conflict("There is a profile with this id already.".to_owned()))
        }
        CreateProfileOutcome::UnitHasProfile(_) => {
            Err(ApiError::Conflict("The unit has a profile already.".to_owned()))
        }
        CreateProfileOutcome::NoSuchOrganization => Err(not_found("organization")),
        CreateProfileOutcome::QuotaReached(most) => {
            Err(ApiError::Forbidden(Forbidden::Quota { of: "communication profiles", most }))
        }
    }
}

pub(super) async fn list(app: &App, of: &str, query: &Query) -> Result<Reply, ApiError> {
    let organization = organization(app, of)?;
    let limit = query.limit()?;
    let after = query.parsed::<AmazonId>("after")?;
    let mut profiles = app.store.list_profiles(&organization.id, after.as_ref(), limit + 1).await?;
    let more = profiles.len() > limit;
    profiles.truncate(limit);
    let next_after = profiles.last().filter(|_| more).map(|profile| profile.id.to_string());
    ok(&List { items: profiles.iter().map(shown).collect(), next_after })
}

pub(super) async fn get(app: &App, id: &str) -> Result<Reply, ApiError> {
    ok(&shown(&find(app, id).await?))
}

pub(super) async fn update(app: &App, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let profile = find(app, id).await?;
    let ProfilePatch { name } = parse_nullable(body, &["name"])?;
    name.as_deref().map_or(Ok(()), |name| valid::name("name", name))?;
    match app.store.rename_profile(&profile.organization, &profile.id, name, origin).await? {
        UpdateOutcome::Updated => get(app, id).await,
        UpdateOutcome::NotFound | UpdateOutcome::NoSuchProvider | UpdateOutcome::NoSuchProfile => {
            Err(not_found("profile"))
        }
    }
}

pub(super) async fn delete(app: &App, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let profile = find(app, id).await?;
    match app.store.delete_profile(&profile.organization, &profile.id, origin).await? {
        DeleteProfileOutcome::Deleted => no_content(),
        DeleteProfileOutcome::NotFound => Err(not_found("profile")),
        DeleteProfileOutcome::InUse => Err(profile_in_use()),
    }
}

async fn find(app: &App, id: &str) -> Result<Profile, ApiError> {
    let id: AmazonId = id.parse().map_err(|_| not_found("profile"))?;
    app.store.find_profile(&id).await?.ok_or_else(|| not_found("profile"))
}

fn shown(profile: &Profile) -> admin::Profile {
    admin::Profile {
        id: Some(profile.id.clone()),
        organization_id: Some(profile.organization.clone()),
        unit: profile.unit.clone(),
        name: profile.name.clone(),
    }
}
