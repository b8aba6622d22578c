//! DELETE …/network: removes how the network of a service provider is reached.
//!
//! 200 means removed durably; 404 where there is no mapping.

use http::StatusCode;
use jackfield_store::registry::NetworkChange;

use super::super::ProviderOperation;
use super::super::outcome::outcome_to_error;
use super::{ERRORS, describe};
use crate::auth::Provider;
use crate::description::{DELETED, Tag};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static DELETE: ProviderOperation = ProviderOperation::new(
    Operation::for_clients(
        "deleteNetwork",
        "delete_network",
        describe(Tag::Providers, "Delete the network mapping of a service provider")
            .successes(DELETED)
            .errors(ERRORS),
    ),
    Group::Associations,
    |context| Box::pin(handle(context.handle)),
);

async fn handle(provider: Provider<'_>) -> Result<Reply, ApiError> {
    outcome_to_error(provider.change_network(NetworkChange::Remove).await?)?;
    Ok(response::empty(StatusCode::OK))
}
