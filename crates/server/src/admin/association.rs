//! Associations of a service provider, as operators find, create, change and delete them. Their bodies are those of the
//! public API.

use jackfield_model::AmazonId;
use jackfield_model::admin::{AssociationList, Role};
use jackfield_model::note::Reading;
use jackfield_model::wire::{Association, AssociationRequest, DeleteRequest};
use jackfield_model::{ExternalUserId, limit};
use jackfield_store::registry::ServiceProvider;
use jackfield_store::{
    AssociationRange, CreateOutcome, DeleteOutcome, Origin, UpdateOutcome, WriteAssociation,
};
use schemars::JsonSchema;

use super::describe::{CONFLICT, ITEM_ERRORS, NOT_FOUND, PageQuery, describe};
use super::{AdminOperation, Context, Query, created, no_content, ok, organization, provider};
use crate::description::{BAD_REQUEST, CREATED, NO_CONTENT};
use crate::error::ApiError;
use crate::response::Reply;
use crate::state::State;

/// Which associations.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct AssociationsQuery {
    /// Only endpoints that begin with this.
    prefix: Option<String>,
    /// Only associations with this profile. A page may then be short or empty although more follow.
    amazon_id: Option<AmazonId>,
    #[schemars(flatten)]
    page: PageQuery,
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "listAssociations",
    Role::Viewer,
    describe("List the associations of a service provider")
        .text("Sorted by the bytes of `externalUserId`.")
        .query::<AssociationsQuery>()
        .response::<AssociationList>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(list(context.state, context.id, context.query)),
);

async fn list(state: &State, id: &str, query: &Query) -> Result<Reply, ApiError> {
    let provider = provider::find(state, id)?;
    let range = AssociationRange {
        prefix: query.get("prefix").unwrap_or_default().to_owned(),
        after: query.parsed("after")?,
        limit: query.limit()?,
    };
    let total_count = state.store.count_associations(provider.id).await?;
    let (associations, next_after) = match query.parsed::<AmazonId>("amazonId")? {
        Some(profile) => search(state, &provider, range, &profile).await?,
        None => {
            let page = state.store.list_associations(provider.id, &range).await?;
            let last = page.associations.last().filter(|_| page.more);
            let next_after = last.map(|last| last.external_user_id.clone());
            (page.associations, next_after)
        }
    };
    ok(&AssociationList { associations, total_count, next_after })
}

/// The associations of a profile. No store has an index by profile, so a call looks at a bounded number of rows.
async fn search(
    state: &State,
    provider: &ServiceProvider,
    range: AssociationRange,
    profile: &AmazonId,
) -> Result<(Vec<Association>, Option<ExternalUserId>), ApiError> {
    let mut found = Vec::new();
    let mut part = AssociationRange { limit: limit::ADMIN_PAGE_MAX as usize, ..range };
    for _ in 0..limit::SEARCHED_PAGES {
        let page = state.store.list_associations(provider.id, &part).await?;
        let count = page.associations.len();
        for (place, association) in page.associations.into_iter().enumerate() {
            part.after = Some(association.external_user_id.clone());
            if association.amazon_id == *profile {
                found.push(association);
            }
            if found.len() == range.limit {
                let more = page.more || place + 1 < count;
                return Ok((found, part.after.filter(|_| more)));
            }
        }
        if !page.more {
            return Ok((found, None));
        }
    }
    Ok((found, part.after))
}

pub(crate) static CREATE: AdminOperation = AdminOperation::new(
    "adminCreateAssociation",
    Role::Admin,
    describe("Create an association")
        .text("Whatever the country, the vertical and the add-on of the organization.")
        .request::<AssociationRequest>()
        .successes(CREATED)
        .response::<Association>()
        .errors(&[BAD_REQUEST, NOT_FOUND, CONFLICT]),
    |context| Box::pin(create(context)),
);

async fn create(context: Context<'_>) -> Result<Reply, ApiError> {
    let Context { state, id, body, origin, .. } = context;
    let provider = provider::find(state, id)?;
    let association = Association::parse_create(body, &mut Reading::new(true))?;
    let write = write(state, &provider, association.clone(), origin)?;
    match state.store.create_association(write).await? {
        CreateOutcome::Created => created(&association),
        CreateOutcome::Exists => Err(ApiError::Conflict(
            "The service provider has an association with this externalUserId already.".to_owned(),
        )),
        CreateOutcome::NoSuchProvider => Err(ApiError::NoSuchProvider),
        CreateOutcome::NoSuchProfile => Err(no_such_profile()),
    }
}

pub(crate) static UPDATE: AdminOperation = AdminOperation::new(
    "adminUpdateAssociation",
    Role::Admin,
    describe("Point an association at another profile")
        .request::<AssociationRequest>()
        .response::<Association>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(update(context)),
);

async fn update(context: Context<'_>) -> Result<Reply, ApiError> {
    let Context { state, id, body, origin, .. } = context;
    let provider = provider::find(state, id)?;
    let association = Association::parse_update(body, &mut Reading::new(true))?;
    let write = write(state, &provider, association.clone(), origin)?;
    match state.store.update_association(write).await? {
        UpdateOutcome::Updated => ok(&association),
        UpdateOutcome::NotFound => Err(no_such_association()),
        UpdateOutcome::NoSuchProvider => Err(ApiError::NoSuchProvider),
        UpdateOutcome::NoSuchProfile => Err(no_such_profile()),
    }
}

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "adminDeleteAssociation",
    Role::Admin,
    describe("Delete an association").request::<DeleteRequest>().successes(NO_CONTENT).errors(ITEM_ERRORS),
    |context| Box::pin(delete(context)),
);

async fn delete(context: Context<'_>) -> Result<Reply, ApiError> {
    let Context { state, id, body, origin, .. } = context;
    let provider = provider::find(state, id)?;
    let DeleteRequest { external_user_id } = DeleteRequest::parse(body, None, &mut Reading::new(true))?;
    match state.store.delete_association(provider.id, external_user_id, origin).await? {
        DeleteOutcome::Deleted => no_content(),
        DeleteOutcome::NotFound => Err(no_such_association()),
        DeleteOutcome::NoSuchProvider => Err(ApiError::NoSuchProvider),
    }
}

fn write(
    state: &State,
    provider: &ServiceProvider,
    association: Association,
    origin: Origin,
) -> Result<WriteAssociation, ApiError> {
    let organization = organization(state, provider.organization.as_str())?;
    let profile_owner = organization.strict_profiles.then(|| organization.id.clone());
    Ok(WriteAssociation { provider: provider.id, association, profile_owner, origin })
}

fn no_such_association() -> ApiError {
    ApiError::NotFound("The service provider has no association with this externalUserId.".to_owned())
}

fn no_such_profile() -> ApiError {
    ApiError::NotFound("The organization has no communication profile with this amazonId.".to_owned())
}
