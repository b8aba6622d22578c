use serde_json::{Value, json};

use super::{Message, MessageType, RenegotiationType, Signal};

const SDP: &str = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n";

/// A valid message of each type that a cloud sends.
fn valid() -> Vec<Value> {
    let of = |name: &str, fields: Value| {
        let mut body = json!({ "type": format!("Alexa.Comms.CallSignaling.{name}"), "sessionId": "s-1" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body
    };
    let sdp = |kind: &str| json!({ "type": kind, "value": SDP });
    let party = |value: &str, is_originator: bool| json!({ "id": { "type": "RAW_ADDRESS", "value": value }, "isOriginator": is_originator });
    vec![
        of(
            "InitiateInboundCall",
            json!({
                "participants": [party("desk", true), party("7201", false)],
                "sdpDetails": sdp("OFFER"),
                "customParams": { "callerName": "Front desk" },
            }),
        ),
        of("CallRinging", json!({})),
        of("CallRingingAck", json!({})),
        of("CallInProgress", json!({ "sdpDetails": sdp("ANSWER") })),
        of("CallInProgressAck", json!({})),
        of("CallAccepted", json!({ "sdpDetails": sdp("ANSWER") })),
        of("CallAcceptedAck", json!({})),
        of("CallUpdate", json!({ "sdpDetails": sdp("OFFER"), "renegotiationType": "CALL_HOLD" })),
        of("CallUpdateResponse", json!({ "sdpDetails": sdp("ANSWER"), "renegotiationType": "CALL_RESUME" })),
        of("CallUpdateAck", json!({})),
        of("CallEnded", json!({ "callResult": { "code": "SUCCESS", "message": "bye" } })),
    ]
}

fn parse(body: &Value) -> Result<Signal, String> {
    Signal::parse(body.to_string().as_bytes()).map_err(|error| error.0)
}

fn name(body: &Value) -> MessageType {
    MessageType::from_wire(body["type"].as_str().unwrap()).unwrap()
}

#[test]
fn every_type_is_read_and_written_again() {
    let bodies = valid();
    assert_eq!(bodies.len(), MessageType::ALL.len() - 1, "all but the one that is sent to skills");
    for body in bodies {
        let signal = parse(&body).unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(signal.session_id.as_str(), "s-1");
        assert_eq!(signal.message.kind(), name(&body));
        let mut written = signal.message.fields();
        written.insert("type".to_owned(), signal.message.kind().to_wire().into());
        written.insert("sessionId".to_owned(), "s-1".into());
        assert_eq!(Value::Object(written), body);
    }
}

/// Every path of a value, objects and items included.
fn paths(value: &Value, at: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(n, value)| (format!("{at}/{n}"), value)).collect()
        }
        _ => Vec::new(),
    };
    children
        .into_iter()
        .flat_map(|(path, value)| [vec![path.clone()], paths(value, &path)].concat())
        .collect()
}

fn remove(body: &mut Value, path: &str) {
    let (parent, last) = path.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Object(object) => drop(object.remove(last)),
        Value::Array(items) => drop(items.remove(last.parse().unwrap())),
        _ => unreachable!(),
    }
}

#[test]
fn every_field_is_needed_and_checked_and_the_refusal_names_it() {
    /// What may be left out: published clients do.
    const OPTIONAL: [&str; 4] =
        ["/customParams", "/customParams/callerName", "/renegotiationType", "/callResult/message"];
    for body in valid() {
        for path in paths(&body, "") {
            let last = path.rsplit('/').find(|word| word.parse::<usize>().is_err()).unwrap();
            let mut without = body.clone();
            remove(&mut without, &path);
            match parse(&without) {
                Ok(_) => assert!(OPTIONAL.contains(&&*path), "{} without {path}", name(&body)),
                Err(error) => {
                    assert!(!OPTIONAL.contains(&&*path), "{} without {path}: {error}", name(&body));
                    assert!(error.contains(last), "{} without {path}: {error}", name(&body));
                }
            }
            for wrong in [json!(null), json!(7), json!(""), json!([[]])] {
                let mut changed = body.clone();
                *changed.pointer_mut(&path).unwrap() = wrong.clone();
                if path == "/callResult/message" && wrong == json!("") {
                    continue;
                }
                let error = parse(&changed).expect_err(&format!("{} with {path} {wrong}", name(&body)));
                assert!(error.contains(last), "{} with {path} {wrong}: {error}", name(&body));
            }
        }
    }
}

#[test]
fn refusals_name_the_rule() {
    let with = |place: usize, path: &str, value: Value| {
        let mut body = valid().swap_remove(place);
        *body.pointer_mut(path).unwrap() = value;
        parse(&body).unwrap_err()
    };
    assert_eq!(
        with(1, "/type", json!("CallRinging")),
        "type must have its full name: \"Alexa.Comms.CallSignaling.CallRinging\"."
    );
    assert!(
        with(1, "/type", json!("x"))
            .starts_with("type must be \"Alexa.Comms.CallSignaling.\" and one of Init")
    );
    assert_eq!(
        with(1, "/type", json!("Alexa.Comms.CallSignaling.InitiateOutboundCall")),
        "type is \"Alexa.Comms.CallSignaling.InitiateOutboundCall\", which is sent to skills; a cloud sends \
         InitiateInboundCall."
    );
    assert_eq!(
        with(1, "/sessionId", json!("s".repeat(129))),
        "sessionId has 129 characters; 1 to 128 are allowed."
    );
    assert_eq!(with(1, "/sessionId", json!("a\u{7}")), "sessionId holds a control character.");
    assert_eq!(with(5, "/sdpDetails/type", json!("OFFER")), "sdpDetails.type must be \"ANSWER\" here.");
    assert_eq!(
        with(5, "/sdpDetails/value", json!("hello")),
        "sdpDetails.value is no session description; it must begin with \"v=0\" (RFC 8866)."
    );
    assert_eq!(
        with(5, "/sdpDetails/value", json!(format!("v=0\n{}", "a".repeat(32 * 1024 - 3)))),
        "sdpDetails.value has 32769 bytes; at most 32768 are allowed."
    );
    assert_eq!(
        with(0, "/participants/1/isOriginator", json!(true)),
        "participants: isOriginator must be true for one of the two, and false for the other."
    );
    assert_eq!(
        with(0, "/participants/1/id/type", json!("COMMUNICATION_PROFILE_ID")),
        "participants[1].id.type must be RAW_ADDRESS: the called is looked up by its externalUserId."
    );
    assert_eq!(
        with(7, "/renegotiationType", json!("HOLD")),
        "renegotiationType must be one of CALL_UPDATE, CALL_HOLD, CALL_RESUME."
    );
    assert_eq!(
        with(10, "/callResult/code", json!("c".repeat(65))),
        "callResult.code has 65 characters; 1 to 64 are allowed."
    );
}

#[test]
fn a_renegotiation_without_a_type_is_an_update_and_other_properties_are_ignored() {
    let mut body = valid().swap_remove(7);
    remove(&mut body, "/renegotiationType");
    body["other"] = json!({ "sessionId": 7 });
    let message = parse(&body).unwrap().message;
    assert!(matches!(message, Message::CallUpdate(_, RenegotiationType::Update)));
}
