//! PUT …/network: says anew how the network of a service provider is reached.
//!
//! 200 means stored durably. It never creates a mapping: 404 where there is none.

use http::StatusCode;
use jackfield_model::wire::Network;
use jackfield_store::registry::NetworkChange;

use super::super::provider::done;
use crate::auth::Provider;
use crate::error::ApiError;
use crate::response::{self, Reply};

pub(in super::super) async fn handle(provider: Provider<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let network = Network::parse(body)?;
    done(provider.change_network(NetworkChange::Replace(network)).await?)?;
    Ok(response::empty(StatusCode::OK))
}
