//! What is sent to a skill: the envelope of a request to a custom skill, around a message or a grant.

use serde_json::{Map, Value, json};

use crate::message::Message;
use crate::session_id::SessionId;

/// To whom, for whom and from where a request to a skill is.
#[derive(Clone, Copy)]
pub struct Addressed<'a> {
    /// The skill.
    pub skill: &'a str,
    /// The account that has it.
    pub user: &'a str,
    /// The device; empty where none takes part.
    pub device: &'a str,
    /// What the account allowed the skill.
    pub consent_token: &'a str,
    /// Where the public API is.
    pub api_endpoint: &'a str,
    /// The id of the request.
    pub request_id: &'a str,
    /// When it is sent, RFC 3339 in UTC.
    pub timestamp: &'a str,
    /// The language of the account.
    pub locale: &'a str,
}

/// A request whose own fields lie beside its type.
#[must_use]
pub fn envelope(to: Addressed<'_>, kind: &str, fields: Map<String, Value>) -> Value {
    let mut request = Map::new();
    request.insert("type".to_owned(), kind.into());
    request.insert("requestId".to_owned(), to.request_id.into());
    request.insert("timestamp".to_owned(), to.timestamp.into());
    request.insert("locale".to_owned(), to.locale.into());
    request.extend(fields);
    let mut device = Map::new();
    device.insert("deviceId".to_owned(), to.device.into());
    device.insert("supportedInterfaces".to_owned(), json!({}));
    json!({
        "version": "1.0",
        "context": {
            "System": {
                "application": { "applicationId": to.skill },
                "user": { "userId": to.user, "permissions": { "consentToken": to.consent_token } },
                "device": device,
                "apiEndpoint": to.api_endpoint,
                "apiAccessToken": to.consent_token,
            },
        },
        "request": request,
    })
}

/// A message of a call.
#[must_use]
pub fn skill_request(to: Addressed<'_>, session: &SessionId, message: &Message) -> Value {
    let mut fields = message.fields();
    fields.insert("sessionId".to_owned(), session.as_str().into());
    envelope(to, &message.kind().to_wire(), fields)
}

/// The grant of an account: a code that the skill redeems for tokens.
#[must_use]
pub fn grant_request(to: Addressed<'_>, code: &str) -> Value {
    let grant = json!({ "grant": { "type": "OAuth2.AuthorizationCode", "code": code } });
    envelope(to, "Alexa.Authorization.Grant", Map::from_iter([("body".to_owned(), grant)]))
}
