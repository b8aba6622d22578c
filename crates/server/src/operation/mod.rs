//! The operations of the public API, one file each: those on account associations here, those on service providers,
//! their network mapping and communication profiles in directories.

mod create;
mod delete;
mod network;
mod profile;
mod provider;
mod query;
mod update;

use bytes::Bytes;
use jackfield_model::note::Reading;

pub(crate) use profile::delete::in_use as profile_in_use;

use crate::auth::Granted;
use crate::error::ApiError;
use crate::response::Reply;
use crate::router::{AssociationOperation, OrganizationOperation, ProfileOperation, ProviderOperation};

/// Runs an operation with the handle that was granted for it.
pub(crate) async fn run(
    granted: Granted<'_>,
    query_string: Option<&str>,
    body: &Bytes,
    reading: &mut Reading,
) -> Result<Reply, ApiError> {
    match granted {
        Granted::Association(operation, provider) => match operation {
            AssociationOperation::Create => create::handle(provider, body, reading).await,
            AssociationOperation::Update => update::handle(provider, body, reading).await,
            AssociationOperation::Delete => delete::handle(provider, query_string, body, reading).await,
            AssociationOperation::Query => query::handle(provider, body, reading).await,
        },
        Granted::Organization(operation, organization) => match operation {
            OrganizationOperation::CreateProvider => provider::create::handle(organization, body).await,
            OrganizationOperation::CreateProfile => profile::create::handle(organization, body).await,
            OrganizationOperation::CreateProfiles => profile::batch::handle(organization, body).await,
            OrganizationOperation::FindProfile => profile::find::handle(organization, query_string).await,
        },
        Granted::Provider(operation, provider) => match operation {
            ProviderOperation::Get => provider::get::handle(&provider),
            ProviderOperation::Update => provider::update::handle(provider, body).await,
            ProviderOperation::Delete => provider::delete::handle(provider, query_string).await,
            ProviderOperation::CreateNetwork => network::create::handle(provider, body).await,
            ProviderOperation::GetNetwork => network::get::handle(&provider),
            ProviderOperation::UpdateNetwork => network::update::handle(provider, body).await,
            ProviderOperation::DeleteNetwork => network::delete::handle(provider).await,
        },
        Granted::Profile(operation, profile) => match operation {
            ProfileOperation::Get => Ok(profile::get::handle(profile)),
            ProfileOperation::Update => profile::update::handle(profile, body).await,
            ProfileOperation::Delete => profile::delete::handle(profile).await,
        },
    }
}

/// A parameter of the query string, which may stand once.
fn query_parameter(query_string: Option<&str>, name: &str) -> Result<Option<String>, ApiError> {
    let mut values = form_urlencoded::parse(query_string.unwrap_or_default().as_bytes())
        .filter(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned());
    let value = values.next();
    if values.next().is_some() {
        return Err(ApiError::BadRequest(format!(
            "{name} stands more than once in the query string; it may stand once."
        )));
    }
    Ok(value)
}

fn no_such_provider() -> ApiError {
    ApiError::NoSuchProvider
}

fn no_such_profile() -> ApiError {
    ApiError::NotFound("The organization has no communication profile with this amazonId.".to_owned())
}

fn no_such_association() -> ApiError {
    ApiError::NotFound("The service provider has no association with this externalUserId.".to_owned())
}
