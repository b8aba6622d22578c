//! Calls that are blocked: a communication profile decided of another that it does not get its calls.

use jackfield_calling::{AddressType, CallResult, Participant, code};
use jackfield_model::wire::{ContactSetting, SettingName, Switch};
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId};
use jackfield_store::find_resource;
use jackfield_store::resource::setting_id;

use crate::error::ApiError;
use crate::state::State;

/// Why a call is not put through: for the skill, and for the transcript.
pub(super) struct Blocked {
    pub(super) result: CallResult,
    pub(super) note: String,
}

/// The profile that a participant stands for: itself, or that of its association with a provider.
pub(super) async fn profile_of(
    state: &State,
    provider: ServiceProviderId,
    participant: &Participant,
) -> Result<Option<AmazonId>, ApiError> {
    match participant.address_type {
        AddressType::CommunicationProfileId => Ok(participant.value.parse().ok()),
        AddressType::RawAddress | AddressType::PhoneNumber => {
            let Ok(id) = ExternalUserId::new(&participant.value) else { return Ok(None) };
            let found = state.store.find_associations(provider, std::slice::from_ref(&id)).await?;
            Ok(found.into_iter().next().map(|association| association.amazon_id))
        }
    }
}

/// Whether the called blocks the calls of the caller.
pub(super) async fn check(
    state: &State,
    organization: &OrganizationId,
    called: &AmazonId,
    caller: &AmazonId,
) -> Result<Option<Blocked>, ApiError> {
    let id = setting_id(SettingName::Block, caller.suffix());
    let found: Option<ContactSetting> =
        find_resource(&*state.store, organization, called.suffix(), &id).await?;
    let on = found.is_some_and(|found| found.value == Switch::Enabled);
    Ok(on.then(|| Blocked {
        result: CallResult::new(code::UNAUTHORIZED, "The called does not take calls of the caller."),
        note: format!("It does not ring: {called} blocks the calls of {caller}."),
    }))
}
