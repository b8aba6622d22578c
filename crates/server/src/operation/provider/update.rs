//! PUT /v1/communications/serviceProviders/{serviceProviderId}: gives a service provider other names for people.
//!
//! 200 means stored durably. The names replace all there were; without names nothing is changed.

use http::StatusCode;
use jackfield_model::wire::ServiceProviderUpdate;

use super::super::{NO_PROVIDER, ProviderOperation, describe};
use crate::auth::Provider;
use crate::description::{Tag, UPDATED};
use crate::error::ApiError;
use crate::group::Group;
use crate::response::{self, Reply};
use crate::router::Operation;

pub(crate) static UPDATE: ProviderOperation = ProviderOperation::new(
    Operation::for_clients(
        "updateServiceProvider",
        "update_provider",
        describe(Tag::Providers, "Change the display names of a service provider")
            .text("They take the place of all there were. Without a body or a name nothing changes.")
            .optional_request::<ServiceProviderUpdate>()
            .successes(UPDATED)
            .errors(&[NO_PROVIDER]),
    ),
    Group::Associations,
    |context| Box::pin(async move { handle(context.handle, &context.body).await }),
);

async fn handle(provider: Provider<'_>, body: &[u8]) -> Result<Reply, ApiError> {
    let ServiceProviderUpdate { display_name } = ServiceProviderUpdate::parse(body)?;
    if let Some(display_name) = display_name {
        super::super::outcome::outcome_to_error(provider.rename(display_name).await?)?;
    }
    Ok(response::empty(StatusCode::OK))
}
