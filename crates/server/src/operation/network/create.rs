//! POST …/network: says how the network of a service provider is reached.
//!
//! 201 means stored durably. A provider that has a mapping keeps it: 409.

use http::StatusCode;
use jackfield_model::wire::Network;
use jackfield_store::registry::NetworkChange;

use super::super::ProviderOperation;
use super::super::provider::done;
use crate::auth::Provider;
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static CREATE: ProviderOperation = ProviderOperation::new(
    Operation::for_clients("createNetwork", "create_network"),
    Group::Associations,
    |context| Box::pin(async move { handle(context.handle, &context.body).await }),
);

async fn handle(provider: Provider<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let network = Network::parse(body)?;
    done(provider.change_network(NetworkChange::Create(network)).await?)?;
    Ok(response::empty(StatusCode::CREATED))
}
