//! What a cloud signals: messages of calls that are there, and calls of its endpoints.

use std::sync::Arc;

use jackfield_calling::{Message, Participant, Parties, Refusal, Session, SessionId, Signal};
use jackfield_model::wire::{Association, Skill};
use jackfield_model::{ClientId, ExternalUserId, OrganizationId, limit};
use jackfield_store::registry::ServiceProvider;
use jackfield_store::{find_resource, list_resources};

use super::blocking::{self, Blocked};
use super::device;
use super::driver::{self, Beginning};
use super::effects::act;
use crate::calls::CallKey;
use crate::error::ApiError;
use crate::state::State;

/// Takes a message of a client.
///
/// # Errors
/// [`ApiError::BadRequest`] for a field, or a message out of order; [`ApiError::NotFound`] for a call that is not there,
/// has ended or is another organization's, and for a called that has no association; [`ApiError::Conflict`] for the id
/// of a live call.
pub(crate) async fn signal(
    state: &Arc<State>,
    organization: &OrganizationId,
    client: &ClientId,
    body: &[u8],
) -> Result<(), ApiError> {
    let Signal { session_id, message } = Signal::parse(body)?;
    if matches!(message, Message::InitiateInboundCall { .. }) {
        return begin(state, organization, client, session_id, message).await;
    }
    let key = CallKey { organization: organization.clone(), id: session_id };
    match act(state, &key, |session, now| session.from_cloud(&message, now)) {
        Some(Ok(())) => Ok(()),
        Some(Err(refusal @ Refusal::Ended(_))) => Err(ApiError::NotFound(refusal.to_string())),
        Some(Err(refusal)) => Err(ApiError::BadRequest(refusal.to_string())),
        None => Err(ApiError::NotFound(
            "The organization has no call with that sessionId. Calls are forgotten with the process."
                .to_owned(),
        )),
    }
}

/// An endpoint calls a device.
async fn begin(
    state: &Arc<State>,
    organization: &OrganizationId,
    client: &ClientId,
    id: SessionId,
    message: Message,
) -> Result<(), ApiError> {
    let Message::InitiateInboundCall { participants, caller_name, .. } = &message else {
        unreachable!("the caller looked");
    };
    let full = state.calls.table().check(organization, &id);
    if full == Err(jackfield_calling::Full::Lives) {
        return Err(ApiError::Conflict(
            "There is a call with the same sessionId that has not ended.".to_owned(),
        ));
    }
    let value = |is_originator: bool| {
        let found = participants.iter().find(|party: &&Participant| party.is_originator == is_originator);
        found.map(|party| party.value.clone()).unwrap_or_default()
    };
    let (from, to) = (value(true), value(false));
    let called = ExternalUserId::new(&to)
        .map_err(|error| ApiError::BadRequest(format!("participants: the value of the called {error}.")))?;
    let own = own_skills(state, organization, client).await?;
    let (provider, association) = look_up(state, organization, &own, &called).await?;
    let skill = carrier(state, organization, &provider, own).await?;
    let parties = Parties { from, to, caller_name: caller_name.clone(), skill: Some(skill.skill_id.clone()) };
    let blocked = match participants.iter().find(|party| party.is_originator) {
        Some(caller) => match blocking::profile_of(state, provider.id, caller).await? {
            Some(caller) => blocking::check(state, organization, &association.amazon_id, &caller).await?,
            None => None,
        },
        None => None,
    };
    let (organization, now) = (organization.clone(), state.calls.now());
    let (session, effects) = match blocked {
        None => Session::inbound(id, organization, parties, &message, now),
        Some(Blocked { result, note }) => {
            Session::declined(id, organization, parties, &message, (result, &note), now)
        }
    };
    let (skill, profile) = (Some(Arc::new(skill)), association.amazon_id);
    let (key, happened) =
        driver::begin(state, Beginning { session, effects, skill, profile, device: true, media: None })?;
    device::follow(state, &key, happened);
    Ok(())
}

/// The skills whose client this is.
async fn own_skills(
    state: &State,
    organization: &OrganizationId,
    client: &ClientId,
) -> Result<Vec<Skill>, ApiError> {
    let all: Vec<Skill> = list_resources(&*state.store, organization, "", "", limit::SKILLS as usize).await?;
    Ok(all.into_iter().filter(|skill| skill.client_id.as_ref() == Some(client)).collect())
}

/// Whose device rings: the association of the called with a provider whose network names a skill of the token; where no
/// provider has such a network, with any provider of the organization.
async fn look_up(
    state: &State,
    organization: &OrganizationId,
    own: &[Skill],
    called: &ExternalUserId,
) -> Result<(Arc<ServiceProvider>, Association), ApiError> {
    let registry = state.store.registry();
    let mut providers: Vec<_> =
        registry.providers.values().filter(|provider| provider.organization == *organization).collect();
    providers.sort_by_key(|provider| provider.id);
    let names_own = |provider: &&&Arc<ServiceProvider>| {
        let named = provider.network.as_ref().map(|network| &network.skill_configuration.skill_id);
        named.is_some_and(|named| own.iter().any(|skill| skill.skill_id == *named))
    };
    let named: Vec<_> = providers.iter().filter(names_own).copied().collect();
    let (asked, which) = match named.is_empty() {
        false => (named, "of the service providers whose network names the skill of this client"),
        true => (providers, "of the organization's service providers"),
    };
    for provider in &asked {
        let found = state.store.find_associations(provider.id, std::slice::from_ref(called)).await?;
        if let Some(association) = found.into_iter().next() {
            return Ok((Arc::clone(provider), association));
        }
    }
    Err(ApiError::NotFound(format!(
        "The called has no association: none {which} ({}) has its externalUserId.",
        asked.len()
    )))
}

/// The skill that gets the messages of the device: that of the provider's network, or else of the token.
async fn carrier(
    state: &State,
    organization: &OrganizationId,
    provider: &ServiceProvider,
    own: Vec<Skill>,
) -> Result<Skill, ApiError> {
    if let Some(network) = &provider.network {
        let id = network.skill_configuration.skill_id.suffix();
        if let Some(skill) = find_resource(&*state.store, organization, "", id).await? {
            return Ok(skill);
        }
    }
    own.into_iter().next().ok_or_else(|| {
        ApiError::NotFound(
            "No skill takes the messages of the device: the network of the service provider names none that is set."
                .to_owned(),
        )
    })
}
