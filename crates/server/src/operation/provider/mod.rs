//! Operations on service providers.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod update;

use jackfield_model::{limit, wire};
use jackfield_store::RegistryOutcome;
use jackfield_store::registry::ServiceProvider;

use crate::error::{ApiError, Forbidden, Unauthorized};

/// The provider as it stands on the wire.
fn shown(provider: &ServiceProvider) -> wire::ServiceProvider {
    wire::ServiceProvider {
        service_provider_id: provider.id,
        service_provider_logical_id: provider.logical_id.clone(),
        display_name: provider.display_name.clone(),
    }
}

/// What stands in the way of a change, as the refusal that it is to a client.
pub(super) fn done(outcome: RegistryOutcome) -> Result<(), ApiError> {
    let conflict = |message: &str| Err(ApiError::Conflict(message.to_owned()));
    match outcome {
        RegistryOutcome::Done => Ok(()),
        RegistryOutcome::NotFound => Err(super::no_such_provider()),
        RegistryOutcome::LogicalIdTaken => {
            conflict("The organization has a service provider with this serviceProviderLogicalId already.")
        }
        RegistryOutcome::NetworkExists => {
            conflict("The service provider has a network mapping already; a PUT changes it.")
        }
        RegistryOutcome::NoNetwork => Err(super::network::none()),
        RegistryOutcome::InUse => conflict(&format!(
            "The service provider has associations; delete them first, or with ?cascade=true up to {} together with it.",
            limit::CASCADE_ASSOCIATIONS
        )),
        RegistryOutcome::QuotaReached(most) => {
            Err(ApiError::Forbidden(Forbidden::Quota { of: "service providers", most }))
        }
        // Deleted after the caller was authenticated, and its clients with it.
        RegistryOutcome::NoSuchOrganization => Err(ApiError::Unauthorized(Unauthorized::Revoked)),
        RegistryOutcome::Exists
        | RegistryOutcome::RefreshTokenTaken
        | RegistryOutcome::CodeSpent
        | RegistryOutcome::TooManyKeys
        | RegistryOutcome::RefreshTokenReused
        | RegistryOutcome::TooManyRefreshTokens
        | RegistryOutcome::TooManyAdminTokens => {
            Err(ApiError::Internal { cause: format!("{outcome:?} of a change of a service provider") })
        }
    }
}
