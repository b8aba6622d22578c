//! GET /v1/communications/serviceProviders/{serviceProviderId}: a service provider of the caller's organization.
//!
//! 200 with the provider as the last change left it.

use std::future::ready;

use http::StatusCode;
use jackfield_model::wire::ServiceProvider;

use super::super::{NO_PROVIDER, ProviderOperation, describe};
use crate::auth::Provider;
use crate::description::Tag;
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static GET: ProviderOperation = ProviderOperation::new(
    Operation::for_clients(
        "getServiceProvider",
        "get_provider",
        describe(Tag::Providers, "Get a service provider")
            .successes(&[(200, "The service provider.")])
            .response::<ServiceProvider>()
            .errors(&[NO_PROVIDER]),
    )
    .with_large_answer(),
    Group::Associations,
    |context| Box::pin(ready(handle(&context.handle))),
);

fn handle(provider: &Provider<'_>) -> Result<Reply, ApiError> {
    let found = provider.record().ok_or_else(super::super::no_such_provider)?;
    Ok(response::json(StatusCode::OK, &super::to_wire(&found)))
}
