//! GET …/network: how the network of a service provider is reached.
//!
//! 200 with the mapping as the last change left it; 404 where there is none.

use std::future::ready;

use http::StatusCode;
use jackfield_model::wire::Network;

use super::super::ProviderOperation;
use super::{ERRORS, describe};
use crate::auth::Provider;
use crate::description::Tag;
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static GET: ProviderOperation = ProviderOperation::new(
    Operation::for_clients(
        "getNetwork",
        "get_network",
        describe(Tag::Providers, "Get the network mapping of a service provider")
            .successes(&[(200, "The mapping.")])
            .response::<Network>()
            .errors(ERRORS),
    ),
    Group::Associations,
    |context| Box::pin(ready(handle(&context.handle))),
);

fn handle(provider: &Provider<'_>) -> Result<Reply, ApiError> {
    let found = provider.record().ok_or_else(super::super::no_such_provider)?;
    let network = found.network.as_ref().ok_or_else(super::super::outcome::no_network)?;
    Ok(response::json(StatusCode::OK, network))
}
