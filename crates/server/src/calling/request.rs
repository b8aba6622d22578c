//! Requests to skills: in the envelope of the vendor, for the account of an organization.

use jackfield_calling::{Addressed, Message, SessionId, grant_request, skill_request};
use jackfield_model::scope::{CALLING, SERVICE_PROVIDER};
use jackfield_model::wire::Skill;
use jackfield_model::{Country, OrganizationId, RequestId, ScopeSet, limit};
use jackfield_store::Timestamp;
use jackfield_store::registry::Client;
use ring::hmac;
use serde_json::Value;

use crate::auth::issue;
use crate::credential::code::{Challenge, Code};
use crate::skill::Sent;
use crate::state::State;

/// The call of a ping. No cloud can have begun one with this id.
const PING: &str = "jackfield-ping";

/// Why a skill cannot be granted anything. The text is for people.
pub(crate) type NotGrantable = &'static str;

/// Sends what every skill that carries calls takes and nobody waits for: an acknowledgement, of a call that is none.
pub(crate) async fn ping(state: &State, organization: &OrganizationId, skill: &Skill) -> Sent {
    let session = SessionId::new(PING).expect("it is short");
    send(state, organization, skill, "", |to| skill_request(to, &session, &Message::CallRingingAck)).await
}

/// Grants a skill the account of its organization: it gets a code, and redeems it with its own client.
///
/// # Errors
/// Why it cannot be granted anything.
pub(crate) async fn grant(
    state: &State,
    organization: &OrganizationId,
    skill: &Skill,
) -> Result<Sent, NotGrantable> {
    let client = client(state, organization, skill)
        .ok_or("The skill has no client, or its client is not there; set clientId.")?;
    let scopes = scopes(&client);
    if scopes.is_empty() {
        return Err("The skill's client has neither the scope amazon_communication::calling nor \
                    amazon_communication::service_provider.");
    }
    let code = Code::new(&client, state.sandbox.clock.seconds(), None, Challenge::None, scopes);
    let code = code.seal(&state.signing_keys().now(&*state.store).current().code);
    Ok(send(state, organization, skill, "", |to| grant_request(to, &code)).await)
}

/// Sends a message of a call. `device` is the id of the profile whose device takes part.
pub(super) async fn send_message(
    state: &State,
    organization: &OrganizationId,
    skill: &Skill,
    device: &str,
    (session, message): (&SessionId, &Message),
) -> Sent {
    send(state, organization, skill, device, |to| skill_request(to, session, message)).await
}

async fn send(
    state: &State,
    organization: &OrganizationId,
    skill: &Skill,
    device: &str,
    make: impl FnOnce(Addressed<'_>) -> Value,
) -> Sent {
    let user = name(state, "amzn1.ask.account.", organization.as_str());
    let device = name(state, "amzn1.ask.device.", device);
    let request_id = format!("amzn1.echo-api.request.{}", RequestId::random());
    let timestamp = humantime::format_rfc3339_seconds(Timestamp::now().system_time()).to_string();
    let request = make(Addressed {
        skill: skill.skill_id.as_str(),
        user: &user,
        device: &device,
        consent_token: &consent_token(state, organization, skill),
        api_endpoint: state.skills.public_url(),
        request_id: &request_id,
        timestamp: &timestamp,
        locale: locale(state, organization),
    });
    state.skills.send(state.keys(), &state.traces, skill, &request).await
}

/// A name that follows from what it is for, and does not give that away.
fn name(state: &State, prefix: &str, of: &str) -> String {
    let tag = hmac::sign(&state.keys().user, [prefix, of].concat().as_bytes());
    let hex = tag.as_ref().iter().map(|byte| format!("{byte:02X}"));
    hex.fold(prefix.to_owned(), |name, byte| name + &byte)
}

/// What the account allowed the skill: an access token of the skill's client, where it has one that may signal.
fn consent_token(state: &State, organization: &OrganizationId, skill: &Skill) -> String {
    let client = client(state, organization, skill).filter(|client| client.enabled);
    let scopes = client.as_ref().map(|client| scopes(client)).filter(|scopes| !scopes.is_empty());
    match (client, scopes) {
        (Some(client), Some(scopes)) => {
            issue(state, &client, &scopes, limit::ACCESS_TOKEN_SECONDS).access_token.0
        }
        // Published skills read it without a guard.
        _ => name(state, "Atza|", organization.as_str()),
    }
}

/// The skill's own client, when it is there and of the same organization.
fn client(state: &State, organization: &OrganizationId, skill: &Skill) -> Option<std::sync::Arc<Client>> {
    let registry = state.store.registry();
    let client = registry.clients.get(skill.client_id.as_ref()?)?;
    (client.organization == *organization).then(|| std::sync::Arc::clone(client))
}

/// What a skill may be granted: to signal.
fn scopes(client: &Client) -> ScopeSet {
    let all = ScopeSet::parse(&format!("{CALLING} {SERVICE_PROVIDER}")).expect("they are scopes");
    client.scopes.intersection(&all)
}

fn locale(state: &State, organization: &OrganizationId) -> &'static str {
    let country = state.store.registry().organizations.get(organization).map(|found| found.country);
    match country.unwrap_or(Country::Us) {
        Country::Us => "en-US",
        Country::Uk => "en-GB",
        Country::Fr => "fr-FR",
        Country::It => "it-IT",
        Country::De => "de-DE",
        Country::Es => "es-ES",
        Country::Ca => "en-CA",
        Country::Jp => "ja-JP",
    }
}
