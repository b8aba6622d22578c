//! Calls that go wrong on purpose: what fault rules do to messages and devices, and calls that are blocked.

use http::Method;
use jackfield_tests::tenant::{association, external_users};
use jackfield_tests::{Request, poll};
use serde_json::{Value, json};

use super::device::{Stage, hang_up};
use super::integration::{Endpoint, SDP, inbound};

/// A fault rule for the client of the stage.
async fn rule(stage: &Stage, mut rule: Value) -> u64 {
    rule["client_id"] = json!(stage.tenant.client_id);
    stage.tenant.admin.create("/admin/v1/faults", &rule).await["id"].as_u64().unwrap()
}

async fn without(stage: &Stage, rule: u64) {
    stage.tenant.admin.delete(&format!("/admin/v1/faults/{rule}")).await;
}

/// The note of the message of this name in a transcript, once there is one.
async fn note(stage: &Stage, session: &str, name: &str) -> String {
    let noted = async || {
        let call = stage.call(session).await;
        let entries = call["transcript"].as_array().unwrap();
        let found = entries.iter().find(|entry| entry["type"].as_str().unwrap().ends_with(name))?;
        found["note"].as_str().map(str::to_owned)
    };
    poll::until_async(&format!("{name} has a note"), poll::PATIENCE, noted).await
}

/// The messages that the skill got, without the grant.
fn got(stage: &Stage) -> Vec<String> {
    stage.skill.names().into_iter().filter(|name| name != "Grant").collect()
}

#[tokio::test]
async fn messages_come_twice_and_out_of_order() {
    let stage = Stage::set(Endpoint::Answers).await;
    let twice = rule(&stage, json!({ "deliver": "twice", "nth": 1 })).await;
    let call = stage.start(json!({ "sdp": SDP })).await;
    let session = call["sessionId"].as_str().unwrap();
    stage.await_state(session, "accepted").await;
    let said = note(&stage, session, "InitiateOutboundCall").await;
    assert!(said.contains(&format!("rule {twice} had it sent twice; the second was answered 200")), "{said}");
    let names = got(&stage);
    assert_eq!(names[..2], ["InitiateOutboundCall", "InitiateOutboundCall"], "{names:?}");
    hang_up(&stage, session).await;
    without(&stage, twice).await;

    let stage = Stage::set(Endpoint::Answers).await;
    let swapped =
        rule(&stage, json!({ "operation": "skill_request", "deliver": "after_next", "nth": 2 })).await;
    let call = stage.start(json!({ "sdp": SDP })).await;
    let session = call["sessionId"].as_str().unwrap();
    stage.skill.await_request("CallRingingAck", session).await;
    assert_eq!(got(&stage), ["InitiateOutboundCall", "CallAcceptedAck", "CallRingingAck"]);
    let said = note(&stage, session, "CallRingingAck").await;
    assert!(said.contains("after the next message"), "{said}");
    hang_up(&stage, session).await;
    without(&stage, swapped).await;

    // Where none follows it is late, and comes all the same.
    let late = rule(&stage, json!({ "deliver": "after_next", "nth": 1 })).await;
    let call = stage.start(json!({ "sdp": SDP })).await;
    let session = call["sessionId"].as_str().unwrap();
    stage.await_state(session, "accepted").await;
    let said = note(&stage, session, "InitiateOutboundCall").await;
    assert!(said.contains("late, as no other followed"), "{said}");
    hang_up(&stage, session).await;
    without(&stage, late).await;
}

#[tokio::test]
async fn a_device_without_media_is_connected_and_silent() {
    let stage = Stage::set(Endpoint::Media).await;
    let silent = rule(&stage, json!({ "operation": "device", "device": "no_media", "times": 1 })).await;
    let call = stage.start(json!({})).await;
    let session = call["sessionId"].as_str().unwrap();
    stage.await_state(session, "accepted").await;
    let connected = async || {
        let media = stage.call(session).await["media"].clone();
        (media["connected"] == true && stage.skill.measured().sent > 50).then_some(media)
    };
    let media = poll::until_async("the path is secured", poll::PATIENCE, connected).await;
    assert_eq!((&media["packetsSent"], &media["packetsReceived"]), (&json!(0), &json!(0)), "{media}");
    assert_eq!(stage.skill.measured().received, 0);
    hang_up(&stage, session).await;
    without(&stage, silent).await;
}

#[tokio::test]
async fn a_device_rejects_the_description_of_the_endpoint() {
    let stage = Stage::set(Endpoint::Answers).await;
    let rejects = rule(&stage, json!({ "device": "reject_sdp" })).await;
    let call = stage.start(json!({})).await;
    let outbound = call["sessionId"].as_str().unwrap().to_owned();
    stage.skill.signal("InitiateInboundCall", "rejected", inbound("desk", &stage.endpoint)).await.is(202);
    for session in [&*outbound, "rejected"] {
        let call = stage.await_state(session, "ended").await;
        assert_eq!(call["result"]["code"], "INTERNAL_ERROR", "{call}");
        let said = note(&stage, session, "CallEnded").await;
        assert!(said.contains(&format!("rule {rejects} had the device reject")), "{said}");
        let told = stage.skill.await_request("CallEnded", session).await;
        assert_eq!(told.body["request"]["callResult"], call["result"]);
    }
    without(&stage, rejects).await;
}

#[tokio::test]
async fn rules_of_calls_are_checked() {
    let stage = Stage::set(Endpoint::Silent).await;
    for (rule, said) in [
        (
            json!({ "deliver": "twice", "operation": "query" }),
            "deliver goes with the operation skill_request",
        ),
        (json!({ "device": "no_media", "operation": "create" }), "device goes with the operation device"),
        (json!({ "status": 500, "operation": "device" }), "device goes with the operation device"),
        (json!({ "device": "no_media", "latency_ms": 5 }), "exclude each other"),
        (json!({ "deliver": "twice", "status": 500 }), "exclude each other"),
        (json!({ "deliver": "thrice" }), "thrice"),
        (json!({ "device": "broken" }), "broken"),
    ] {
        stage.tenant.admin.call(&Method::POST, "/admin/v1/faults", &rule).await.is_error(400, said);
    }
}

/// A profile blocks another: neither its endpoint rings the device, nor its device the endpoint.
#[tokio::test]
async fn a_blocked_caller_does_not_ring() {
    let stage = Stage::set(Endpoint::Answers).await;
    let tenant = &stage.tenant;
    let target = format!("/admin/v1/organizations/{}/profiles", tenant.organization);
    let unit = format!("amzn1.alexa.unit.did.{}", uuid::Uuid::new_v4());
    let other =
        tenant.admin.create(&target, &json!({ "unit": unit })).await["id"].as_str().unwrap().to_owned();
    let create = tenant.request(&Method::POST, external_users(&tenant.provider));
    tenant.send(&create.json(&association("desk", &other))).await.is(201);
    let block = async |value: &str| {
        for (by, about) in [(&stage.profile, &other), (&other, &stage.profile)] {
            let target = format!(
                "/v1/communications/profile/{by}/contacts/settings/Block?alexaCommunicationProfileId={about}"
            );
            let set = Request::new(&Method::PUT, target).bearer(&tenant.token);
            tenant.send(&set.json(&json!({ "value": value }))).await.is(200);
        }
    };
    block("ENABLED").await;
    stage.skill.signal("InitiateInboundCall", "blocked", inbound("desk", &stage.endpoint)).await.is(202);
    let call = stage.await_state("blocked", "ended").await;
    assert_eq!(call["result"]["code"], "UNAUTHORIZED", "{call}");
    assert!(note(&stage, "blocked", "InitiateInboundCall").await.contains("blocks the calls of"), "{call}");
    stage.skill.await_request("CallEnded", "blocked").await;
    let call = stage.start(json!({ "to": "desk" })).await;
    assert_eq!((&call["state"], &call["result"]["code"]), (&json!("ended"), &json!("UNAUTHORIZED")));
    assert_eq!(got(&stage), ["CallEnded"], "nothing rang");
    block("DISABLED").await;
    stage.skill.signal("InitiateInboundCall", "blocked", inbound("desk", &stage.endpoint)).await.is(202);
    stage.await_state("blocked", "ringing").await;
    hang_up(&stage, "blocked").await;
}
