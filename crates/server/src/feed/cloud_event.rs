//! A change as a CloudEvent 1.0 in structured JSON, and the signature of a delivery by the conventions of Standard Webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jackfield_model::admin;
use jackfield_store::{Change, Timestamp};
use ring::hmac;
use serde::Serialize;

use super::shown;

/// The media type of one event.
pub(crate) const EVENT: &str = "application/cloudevents+json; charset=utf-8";
/// The media type of several.
pub(crate) const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";

/// The text before a secret's key in base64.
const SECRET_PREFIX: &str = "whsec_";

/// An event with its attributes, in the order in which people read them.
#[derive(Serialize)]
struct Event<'a, D> {
    specversion: &'static str,
    id: String,
    source: &'a str,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    time: String,
    datacontenttype: &'static str,
    /// The extensions `sequence` and `partitionkey`: events of one key come in the order of their sequence.
    sequence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    partitionkey: Option<String>,
    data: D,
}

#[derive(Serialize)]
struct Lost {
    after: u64,
    through: u64,
}

/// The source of the events of a directory with this name.
pub(crate) fn source(directory: &str) -> String {
    format!("urn:jackfield:{directory}")
}

/// A change as an event.
pub(crate) fn of_change(source: &str, change: &Change) -> Vec<u8> {
    let data: admin::Change = shown(change);
    let endpoint = data.external_user_id.as_ref().map(ToString::to_string);
    to_json(&Event {
        specversion: "1.0",
        id: change.sequence.to_string(),
        source,
        r#type: format!("jackfield.{}", data.operation),
        subject: endpoint.or_else(|| data.subject.clone()),
        time: data.time.clone(),
        datacontenttype: "application/json",
        sequence: ordered(change.sequence),
        partitionkey: data.service_provider_id.map(|id| id.to_string()),
        data,
    })
}

/// That changes after one and up to another were forgotten before they could be delivered.
pub(crate) fn of_loss(source: &str, after: u64, through: u64) -> Vec<u8> {
    to_json(&Event {
        specversion: "1.0",
        id: format!("lost-{after}-{through}"),
        source,
        r#type: "jackfield.changes.lost".to_owned(),
        subject: None,
        time: humantime::format_rfc3339_millis(Timestamp::now().system_time()).to_string(),
        datacontenttype: "application/json",
        sequence: ordered(through),
        partitionkey: None,
        data: Lost { after, through },
    })
}

/// A number whose texts sort as the numbers do.
fn ordered(sequence: u64) -> String {
    format!("{sequence:020}")
}

fn to_json(event: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(event).expect("events have text keys and no failing values")
}

/// The key of a secret as it is written: `whsec_` and base64. Nothing where it is none, whatever its length.
pub(crate) fn key_of(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()
}

/// A secret with this key, as it is written.
pub(crate) fn secret_of(key: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(key))
}

/// The header `webhook-signature`: over the id, the time in seconds since 1970 and the body of a delivery.
pub(crate) fn signature(key: &hmac::Key, id: &str, seconds: u64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(format!("{id}.{seconds}.").as_bytes());
    context.update(body);
    format!("v1,{}", STANDARD.encode(context.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn a_delivery_is_signed_as_the_standard_says() {
        let key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(secret_of(&key), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
        for wrong in ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?", ""] {
            assert_eq!(key_of(wrong), None, "{wrong}");
        }
    }
}
