//! The four operations on account associations. They are the hot path, so they are served without a boxed future and
//! without a call through a pointer.

mod create;
mod delete;
mod query;
mod update;

use std::pin::pin;

use jackfield_model::ExternalUserId;
use jackfield_model::note::Reading;
use jackfield_model::wire::{AssociationRequest, DeleteRequest, QueryRequest, QueryResponse};
use schemars::JsonSchema;
use serde_json::json;

use super::{NO_PROVIDER, SAME_PROVIDER, describe};
use crate::auth::{self, OfProvider};
use crate::description::{CREATED, DELETED, Links, Status, Tag, UPDATED};
use crate::endpoint::{Incoming, Outcome};
use crate::group::Group;
use crate::router::Operation;

/// An operation on the associations of the service provider of the path.
#[derive(Debug)]
pub(crate) struct AssociationOperation {
    pub(crate) operation: Operation,
    handler: Handler,
}

#[derive(Clone, Copy, Debug)]
enum Handler {
    Create,
    Update,
    Delete,
    Query,
}

/// Refusals of a change of an existing association.
const CHANGE_ERRORS: &[Status] = &[(
    404,
    "No such service provider or association; under strict profiles, no such communication profile.",
)];

/// What can follow a create. An association is named in bodies: its answers have none.
const LINKS: &[Links] = &[
    Links::new(&["queryAccountAssociations"], SAME_PROVIDER)
        .with_body(|| json!({ "filters": { "externalUserIds": ["$request.body#/externalUserId"] } })),
    Links::new(&["updateAccountAssociation"], SAME_PROVIDER).with_body(|| {
        json!({
            "externalUserId": "$request.body#/externalUserId",
            "amazonId": "$request.body#/amazonId",
            "amazonIdType": "$request.body#/amazonIdType",
        })
    }),
    Links::new(&["deleteAccountAssociation"], SAME_PROVIDER)
        .with_body(|| json!({ "externalUserId": "$request.body#/externalUserId" })),
];

/// The query string of a delete.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what a query string may have")]
struct DeleteQuery {
    /// The endpoint, for clients that send no body. Where both are there they must be the same.
    external_user_id: Option<ExternalUserId>,
}

pub(crate) static CREATE: AssociationOperation = AssociationOperation {
    operation: Operation::for_clients(
        "createAccountAssociation",
        "create",
        describe(Tag::Associations, "Create an account association")
            .text(
                "Associates an endpoint of the provider's network with a communication profile. The \
             answer means that it is stored durably.",
            )
            .request::<AssociationRequest>()
            .successes(CREATED)
            .errors(&[
                (404, "No such service provider; under strict profiles, no such communication profile."),
                (409, "The service provider has an association with this externalUserId already."),
            ])
            .links(LINKS),
    ),
    handler: Handler::Create,
};
pub(crate) static UPDATE: AssociationOperation = AssociationOperation {
    operation: Operation::for_clients(
        "updateAccountAssociation",
        "update",
        describe(Tag::Associations, "Update an account association")
            .text(
                "Points an existing association at another communication profile. It never creates \
             one.",
            )
            .request::<AssociationRequest>()
            .successes(UPDATED)
            .errors(CHANGE_ERRORS),
    ),
    handler: Handler::Update,
};
pub(crate) static DELETE: AssociationOperation = AssociationOperation {
    operation: Operation::for_clients(
        "deleteAccountAssociation",
        "delete",
        describe(Tag::Associations, "Delete an account association")
            .text(
                "Removes an association. A client that cannot send a body with a DELETE names the \
             endpoint in the query string.",
            )
            .query::<DeleteQuery>()
            .optional_request::<DeleteRequest>()
            .successes(DELETED)
            .errors(CHANGE_ERRORS),
    ),
    handler: Handler::Delete,
};
pub(crate) static QUERY: AssociationOperation = AssociationOperation {
    operation: Operation::for_clients(
        "queryAccountAssociations",
        "query",
        describe(Tag::Associations, "Query account associations")
            .text(
                "Answers the provider's associations, all or those of up to 30 endpoints, sorted by \
             the bytes of `externalUserId`, page by page. Pages are cut by key: an association \
             that exists throughout a walk is answered exactly once.",
            )
            .request::<QueryRequest>()
            .successes(&[(200, "A page of associations.")])
            .response::<QueryResponse>()
            .errors(&[NO_PROVIDER]),
    )
    .with_large_answer(),
    handler: Handler::Query,
};

impl AssociationOperation {
    /// Serves a request.
    pub(crate) async fn serve(&'static self, mut incoming: Incoming<'_>) -> Outcome {
        let operation = &self.operation;
        let admitted = pin!(auth::admit::<OfProvider>(&mut incoming, operation, Group::Associations)).await?;
        let (provider, body) = (admitted.handle, &admitted.body);
        let mut reading = Reading::new(provider.is_lenient());
        let outcome = match self.handler {
            Handler::Create => pin!(create::handle(provider, body, &mut reading)).await,
            Handler::Update => pin!(update::handle(provider, body, &mut reading)).await,
            Handler::Delete => {
                let query_string = incoming.call.head.uri.query();
                pin!(delete::handle(provider, query_string, body, &mut reading)).await
            }
            Handler::Query => pin!(query::handle(provider, body, &mut reading)).await,
        };
        incoming.log.notes.add_all(reading.notes());
        outcome
    }
}
