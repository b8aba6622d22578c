//! PUT …/network: changes how the network of a service provider is reached.
//!
//! 200 means stored durably. It never creates a mapping: 404 where there is none.

use http::StatusCode;
use jackfield_model::wire::Network;
use jackfield_store::registry::NetworkChange;

use super::super::ProviderOperation;
use super::super::outcome::outcome_to_error;
use super::{ERRORS, describe};
use crate::auth::Provider;
use crate::description::{Tag, UPDATED};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static UPDATE: ProviderOperation = ProviderOperation::new(
    Operation::for_clients(
        "updateNetwork",
        "update_network",
        describe(Tag::Providers, "Change the network mapping of a service provider")
            .text("It never creates one.")
            .request::<Network>()
            .successes(UPDATED)
            .errors(ERRORS),
    ),
    Group::Associations,
    |context| Box::pin(async move { handle(context.handle, &context.body).await }),
);

async fn handle(provider: Provider<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let network = Network::parse(body)?;
    outcome_to_error(provider.change_network(NetworkChange::Replace(network)).await?)?;
    Ok(response::empty(StatusCode::OK))
}
