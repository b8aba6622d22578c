//! POST /v1/communications/profiles/batch: creates up to 100 communication profiles.
//!
//! Each item is decided as if it came alone, in their order, and all that can be stored are stored durably in one
//! commit. The answer has the outcome of every item in the same order: 200 when all succeeded, 207 otherwise.

use http::StatusCode;
use jackfield_model::wire::{BatchAnswer, BatchItem, BatchRequest, BatchResult, ItemId, NewProfile};
use jackfield_store::registry;

use super::super::OrganizationOperation;
use super::describe;
use crate::auth::Organization;
use crate::description::Links;
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

const LINKS: &[Links] = &[Links::new(
    &["getProfile", "deleteProfile"],
    ("path.amazonId", "$response.body#/items/0/result/profileId/profileId"),
)];

pub(crate) static BATCH: OrganizationOperation = OrganizationOperation::new(
    Operation::for_clients(
        "createProfiles",
        "create_profiles",
        describe("Create many communication profiles")
            .text(
                "Creates 1 to 100 profiles. Each item is decided as if it came alone, in their order; \
             a bad one spoils itself alone. The answer has the outcome of each in the same order.",
            )
            .request::<BatchRequest>()
            .successes(&[
                (200, "All items succeeded."),
                (207, "Some items failed; each says how. The others are stored."),
            ])
            .response::<BatchAnswer>()
            .links(LINKS),
    )
    .with_large_answer(),
    Group::Profiles,
    |context| Box::pin(async move { handle(context.handle, &context.body).await }),
);

async fn handle(organization: Organization<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let items = BatchItem::parse_all(body, NewProfile::from_object)?;
    let mut ids = Vec::with_capacity(items.len());
    let mut checked = Vec::with_capacity(items.len());
    for BatchItem { item_id, value: profile } in items {
        ids.push(item_id);
        checked.push(check(&organization, profile.map_err(ApiError::from)));
    }
    let good = checked.iter().filter_map(|item| item.as_ref().ok()).cloned();
    let mut stored = organization.put_profiles(good.collect::<Vec<_>>()).await?.into_iter();
    let outcomes = checked.into_iter().map(|item| {
        item.and_then(|_| stored.next().expect("one outcome for each profile that was handed over"))
    });
    let items: Vec<BatchResult> =
        ids.into_iter().zip(outcomes).map(|(id, outcome)| result(id, outcome)).collect();
    let all_good = items.iter().all(|item| item.error.is_none());
    let status = if all_good { StatusCode::OK } else { StatusCode::MULTI_STATUS };
    Ok(response::json(status, &BatchAnswer { items }))
}

fn check(
    organization: &Organization<'_>,
    item: Result<NewProfile, ApiError>,
) -> Result<NewProfile, ApiError> {
    let new = item?;
    organization.check_unit(&new.entity.id)?;
    Ok(new)
}

fn result(item_id: ItemId, outcome: Result<registry::Profile, ApiError>) -> BatchResult {
    match outcome {
        Ok(profile) => BatchResult {
            item_id,
            status: StatusCode::CREATED.as_u16(),
            result: Some(super::to_wire(profile)),
            error: None,
        },
        Err(error) => {
            let (status, body) = error.body();
            BatchResult { item_id, status: status.as_u16(), result: None, error: Some(body) }
        }
    }
}
