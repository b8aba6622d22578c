//! The four operations on account associations. They are what the service is for and how often it is asked, so they are
//! served without a box and without a call through a pointer.

mod create;
mod delete;
mod query;
mod update;

use jackfield_model::note::Reading;

use crate::auth::{self, OfProvider};
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

pub(crate) static CREATE: AssociationOperation = AssociationOperation {
    operation: Operation::for_clients("createAccountAssociation", "create"),
    handler: Handler::Create,
};
pub(crate) static UPDATE: AssociationOperation = AssociationOperation {
    operation: Operation::for_clients("updateAccountAssociation", "update"),
    handler: Handler::Update,
};
pub(crate) static DELETE: AssociationOperation = AssociationOperation {
    operation: Operation::for_clients("deleteAccountAssociation", "delete"),
    handler: Handler::Delete,
};
pub(crate) static QUERY: AssociationOperation = AssociationOperation {
    operation: Operation::for_clients("queryAccountAssociations", "query").with_large_answer(),
    handler: Handler::Query,
};

impl AssociationOperation {
    /// Serves a request.
    pub(crate) async fn serve(&'static self, mut incoming: Incoming<'_>) -> Outcome {
        let admitted = auth::admit::<OfProvider>(&mut incoming, &self.operation, Group::Associations).await?;
        let (provider, body) = (admitted.handle, &admitted.body);
        let mut reading = Reading::new(provider.is_lenient());
        let outcome = match self.handler {
            Handler::Create => create::handle(provider, body, &mut reading).await,
            Handler::Update => update::handle(provider, body, &mut reading).await,
            Handler::Delete => {
                let query_string = incoming.call.head.uri.query();
                delete::handle(provider, query_string, body, &mut reading).await
            }
            Handler::Query => query::handle(provider, body, &mut reading).await,
        };
        incoming.log.notes.add_all(reading.notes());
        outcome
    }
}
