//! POST …/network: sets how the network of a service provider is reached.
//!
//! 201 means stored durably. A provider that has a mapping keeps it: 409.

use http::StatusCode;
use jackfield_model::wire::Network;
use jackfield_store::registry::NetworkChange;

use super::super::ProviderOperation;
use super::super::outcome::outcome_to_error;
use super::{NO_PROVIDER, SAME_PROVIDER, describe};
use crate::auth::Provider;
use crate::description::{CREATED, Links, Tag};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static CREATE: ProviderOperation = ProviderOperation::new(
    Operation::for_clients(
        "createNetwork",
        "create_network",
        describe(Tag::Providers, "Map the network of a service provider")
            .text("Says which skill carries the calls to the provider's network.")
            .request::<Network>()
            .successes(CREATED)
            .errors(&[NO_PROVIDER, (409, "The service provider has a network mapping already.")])
            .links(&[Links::new(&["getNetwork", "updateNetwork", "deleteNetwork"], SAME_PROVIDER)]),
    ),
    Group::Associations,
    |context| Box::pin(async move { handle(context.handle, &context.body).await }),
);

async fn handle(provider: Provider<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let network = Network::parse(body)?;
    outcome_to_error(provider.change_network(NetworkChange::Create(network)).await?)?;
    Ok(response::empty(StatusCode::CREATED))
}
