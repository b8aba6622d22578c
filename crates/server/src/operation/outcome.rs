//! Maps the store's outcome of a change of a service provider to the refusal for the client.

use jackfield_model::limit;
use jackfield_store::RegistryOutcome;

use crate::error::{ApiError, Forbidden, Unauthorized};

/// Maps the conflict of a change to the refusal for the client.
pub(super) fn outcome_to_error(outcome: RegistryOutcome) -> Result<(), ApiError> {
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
        RegistryOutcome::NoNetwork => Err(no_network()),
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
        | RegistryOutcome::TooManyWebhooks
        | RegistryOutcome::RefreshTokenReused
        | RegistryOutcome::TooManyRefreshTokens
        | RegistryOutcome::TooManyAdminTokens => {
            Err(ApiError::Internal { cause: format!("{outcome:?} of a change of a service provider") })
        }
    }
}

/// The refusal where a service provider has no network mapping.
pub(super) fn no_network() -> ApiError {
    ApiError::NotFound("The service provider has no network mapping.".to_owned())
}
