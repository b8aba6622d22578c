//! …/profile/{profileId}/reciprocalAssociations: which contacts a communication profile is associated with.

use http::StatusCode;
use jackfield_model::ContactId;
use jackfield_model::json::InvalidRequest;
use jackfield_model::wire::{
    AssociationStatus, NewReciprocalAssociation, ReciprocalAssociation, ReciprocalStatus,
};
use jackfield_store::registry::Profile;
use jackfield_store::resource::{Kind, Refusal, ResourceChange, Table};
use schemars::JsonSchema;

use super::BearerOperation;
use super::resource::required_parameter;
use crate::auth::{Held, OfHeld};
use crate::description::{Description, Status, Tag};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

/// Operations on what the profile of the path has.
type HeldProfileOperation = BearerOperation<OfHeld<Profile>>;

const fn describe(summary: &'static str) -> Description {
    super::resource::describe(Tag::Profiles, summary)
}

const NOT_FOUND: Status = (404, "No such communication profile or contact.");
const KIND: &str = "reciprocal association";

pub(crate) static CREATE: HeldProfileOperation = BearerOperation::new(
    Operation::for_clients(
        "createReciprocalAssociation",
        "create_reciprocal_association",
        describe("Associate a profile with a contact")
            .text("The contact is of any address book of the organization. One that is there already stays.")
            .request::<NewReciprocalAssociation>()
            .successes(&[(201, "They are associated.")])
            .errors(&[NOT_FOUND]),
    ),
    Group::Profiles,
    |context| Box::pin(async move { create(context.handle, &context.body).await }),
);

async fn create(Held { directory, object }: Held<'_, Profile>, body: &[u8]) -> Result<Reply, ApiError> {
    let NewReciprocalAssociation { contact } = NewReciprocalAssociation::parse(body)?;
    let new = ReciprocalAssociation { profile_id: object.id, contact_id: contact.id };
    match directory.change_one(ResourceChange::Create(new.into())).await? {
        Ok(()) | Err(Refusal::Exists) => Ok(response::empty(StatusCode::CREATED)),
        Err(refused) => Err(ApiError::of_resource(refused, KIND)),
    }
}

/// Which contact.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct ContactQuery {
    /// The contact.
    contact_id: ContactId,
}

/// The association of the profile with the contact of the query string, there or not.
fn named(profile: Profile, query_string: Option<&str>) -> Result<ReciprocalAssociation, ApiError> {
    let id = required_parameter(query_string, "contactId")?;
    let contact_id = ContactId::new(&id).map_err(|error| InvalidRequest(format!("contactId {error}.")))?;
    Ok(ReciprocalAssociation { profile_id: profile.id, contact_id })
}

pub(crate) static GET: HeldProfileOperation = BearerOperation::new(
    Operation::for_clients(
        "getReciprocalAssociation",
        "get_reciprocal_association",
        describe("Get whether a profile is associated with a contact")
            .query::<ContactQuery>()
            .response::<ReciprocalStatus>()
            .errors(&[NOT_FOUND]),
    ),
    Group::Profiles,
    |context| Box::pin(get(context.handle, context.query_string)),
);

async fn get(
    Held { directory, object }: Held<'_, Profile>,
    query_string: Option<&str>,
) -> Result<Reply, ApiError> {
    let named = named(object, query_string)?;
    let found = directory.find::<ReciprocalAssociation>(named.scope(), &named.id()).await?;
    if found.is_none() && !directory.has_row(Table::BookOfContact, "", &named.id()).await? {
        return Err(ApiError::of_resource(Refusal::Missing("contact"), KIND));
    }
    let status =
        if found.is_some() { AssociationStatus::Associated } else { AssociationStatus::NotAssociated };
    Ok(response::json(StatusCode::OK, &ReciprocalStatus { status }))
}

pub(crate) static DELETE: HeldProfileOperation = BearerOperation::new(
    Operation::for_clients(
        "deleteReciprocalAssociation",
        "delete_reciprocal_association",
        describe("Take a profile's association with a contact away")
            .query::<ContactQuery>()
            .errors(&[(404, "No such communication profile, or no such association of it.")]),
    ),
    Group::Profiles,
    |context| Box::pin(delete(context.handle, context.query_string)),
);

async fn delete(
    Held { directory, object }: Held<'_, Profile>,
    query_string: Option<&str>,
) -> Result<Reply, ApiError> {
    let gone = named(object, query_string)?;
    let removed = directory.change_one(ResourceChange::Delete(gone.into())).await?;
    removed.map_err(|refused| ApiError::of_resource(refused, KIND))?;
    Ok(response::empty(StatusCode::OK))
}
