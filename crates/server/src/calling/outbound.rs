//! A device calls an endpoint: who carries the call, and how the parties are named.

use std::sync::Arc;

use jackfield_calling::{AddressType, Effect, Message, Participant, Parties, Sdp, Session, SessionId};
use jackfield_model::admin::NewCall;
use jackfield_model::organization::is_available;
use jackfield_model::wire::{Contact, ContactTarget, Skill};
use jackfield_model::{AmazonId, ContactId, ExternalUserId, OrganizationId, ServiceProviderId, limit};
use jackfield_store::registry::ServiceProvider;
use jackfield_store::resource::{ListKey, Table};
use jackfield_store::{AssociationRange, find_resource};

use super::blocking::{self, Blocked};
use super::device;
use super::driver::{self, Beginning, failure};
use crate::calls::CallKey;
use crate::error::{ApiError, Forbidden};
use crate::group::Group;
use crate::state::State;

/// Begins a call of a device.
///
/// # Errors
/// [`ApiError`] when the caller or the called cannot be found, or the organization may not call. A call that cannot be
/// carried begins, and ends at once: its transcript says why.
pub(crate) async fn start(state: &Arc<State>, new: NewCall) -> Result<CallKey, ApiError> {
    let profile = state.store.find_profile(&new.from).await?;
    let profile = profile
        .ok_or_else(|| ApiError::NotFound("from: there is no such communication profile.".to_owned()))?;
    let organization = profile.organization.clone();
    check_calling(state, &organization)?;
    let (address_type, to) = called(state, &organization, &new.to).await?;
    let device = new.sdp.is_none();
    let (offer, media) = match &new.sdp {
        Some(text) => (Sdp::new(text).map_err(|error| ApiError::BadRequest(format!("sdp {error}.")))?, None),
        None => device::offer(state, new.media.unwrap_or(true)),
    };
    let provider = provider(state, &organization, new.service_provider_id)?;
    let network = provider.network.as_ref().map(|network| network.skill_configuration.skill_id.clone());
    let skill: Option<Skill> = match &network {
        Some(id) => find_resource(&*state.store, &organization, "", id.suffix()).await?,
        None => None,
    };
    let callee = Participant { address_type, value: to.clone(), is_originator: false };
    let blocked = match blocking::profile_of(state, provider.id, &callee).await? {
        Some(called) => blocking::check(state, &organization, &called, &new.from).await?,
        None => None,
    };
    let participants = vec![originator(state, provider.id, &new.from).await?, callee];
    let parties = Parties { from: new.from.to_string(), to, caller_name: None, skill: network.clone() };
    let id = SessionId::new(&uuid::Uuid::new_v4().to_string()).expect("a UUID is an id");
    let message = Message::InitiateOutboundCall { participants, offer };
    let now = state.calls.now();
    let (mut session, effects) = Session::outbound(id, organization, parties, message, now);
    let not_sent = match (blocked, &skill) {
        (Some(Blocked { result, note }), _) => Some((result, note)),
        (None, Some(_)) => None,
        (None, None) => {
            let why = match network {
                None => format!("The service provider {} has no network mapping.", provider.id),
                Some(id) => {
                    format!("The network mapping of the service provider names {id}, which is not set.")
                }
            };
            Some((failure(&why), format!("It was not sent: {why}")))
        }
    };
    let skill = skill.filter(|_| not_sent.is_none()).map(Arc::new);
    if let Some((result, note)) = not_sent {
        session.fail(result, &note, now);
    }
    let effects: Vec<Effect> = if skill.is_some() { effects } else { Vec::new() };
    let (key, happened) =
        driver::begin(state, Beginning { session, effects, skill, profile: new.from, device, media })?;
    device::follow(state, &key, happened);
    Ok(key)
}

/// Whether the organization may call: the add-on and the availability are those of associations.
fn check_calling(state: &State, id: &OrganizationId) -> Result<(), ApiError> {
    let registry = state.store.registry();
    let Some(organization) = registry.organizations.get(id) else {
        return Err(ApiError::NotFound("The organization of the profile is not there.".to_owned()));
    };
    if !organization.webrtc {
        return Err(ApiError::Forbidden(Forbidden::AddOn));
    }
    let (vertical, country) = (organization.vertical, organization.country);
    if !is_available(vertical, country) {
        return Err(ApiError::Forbidden(Forbidden::Availability(Group::Calls, vertical, country)));
    }
    Ok(())
}

/// Who is called: an endpoint by its `externalUserId`, or by a contact of the organization that names one.
async fn called(
    state: &State,
    organization: &OrganizationId,
    to: &str,
) -> Result<(AddressType, String), ApiError> {
    let Ok(contact) = to.parse::<ContactId>() else {
        let id = ExternalUserId::new(to).map_err(|error| ApiError::BadRequest(format!("to {error}.")))?;
        return Ok((AddressType::RawAddress, id.as_str().to_owned()));
    };
    let none = || ApiError::NotFound("to: the organization has no such contact.".to_owned());
    let key = ListKey::new(organization, Table::BookOfContact, "").row(contact.suffix());
    let book = state.store.find_rows(&[key]).await?.into_iter().flatten().next().ok_or_else(none)?;
    let found: Option<Contact> = find_resource(&*state.store, organization, &book, contact.suffix()).await?;
    match found.ok_or_else(none)?.contact.target {
        ContactTarget::ProviderContact(endpoint) => {
            Ok((AddressType::RawAddress, endpoint.id.as_str().to_owned()))
        }
        ContactTarget::PhoneNumbers(numbers) => {
            let first = numbers.first().map(|entry| entry.number.as_str().to_owned());
            Ok((AddressType::PhoneNumber, first.ok_or_else(none)?))
        }
        ContactTarget::AlexaCommunicationProfileId(_) => Err(ApiError::BadRequest(
            "to: the contact is a communication profile; calls between devices need no skill, and are not emulated."
                .to_owned(),
        )),
    }
}

/// The provider that carries the call: the one that is named, or the one of the organization that has a network.
fn provider(
    state: &State,
    organization: &OrganizationId,
    named: Option<ServiceProviderId>,
) -> Result<Arc<ServiceProvider>, ApiError> {
    let registry = state.store.registry();
    if let Some(id) = named {
        let found = registry.providers.get(&id).filter(|provider| provider.organization == *organization);
        return found.cloned().ok_or_else(|| {
            ApiError::NotFound("serviceProviderId: the organization has no such service provider.".to_owned())
        });
    }
    let mut own: Vec<_> =
        registry.providers.values().filter(|provider| provider.organization == *organization).collect();
    own.sort_by_key(|provider| (provider.network.is_none(), provider.id));
    let networks = own.iter().filter(|provider| provider.network.is_some()).count();
    match own.first() {
        Some(_) if networks > 1 => Err(ApiError::BadRequest(format!(
            "serviceProviderId is missing; {networks} service providers of the organization have a network."
        ))),
        Some(first) => Ok(Arc::clone(first)),
        None => Err(ApiError::NotFound("The organization has no service provider.".to_owned())),
    }
}

/// The caller as the provider knows it; by the profile where it does not.
async fn originator(
    state: &State,
    provider: ServiceProviderId,
    profile: &AmazonId,
) -> Result<Participant, ApiError> {
    let mut range = AssociationRange { limit: limit::ADMIN_PAGE_MAX as usize, ..AssociationRange::default() };
    for _ in 0..limit::CALLER_PAGES {
        let page = state.store.list_associations(provider, &range).await?;
        if let Some(found) = page.associations.iter().find(|association| association.amazon_id == *profile) {
            let value = found.external_user_id.as_str().to_owned();
            return Ok(Participant { address_type: AddressType::RawAddress, value, is_originator: true });
        }
        range.after = page.associations.last().map(|last| last.external_user_id.clone());
        if !page.more {
            break;
        }
    }
    let address_type = AddressType::CommunicationProfileId;
    Ok(Participant { address_type, value: profile.to_string(), is_originator: true })
}
