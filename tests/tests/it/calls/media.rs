//! Media: the device of the server and an endpoint hear each other, whoever calls, and go on after a renegotiation.

use jackfield_tests::poll;
use serde_json::{Value, json};

use super::device::{Stage, hang_up};
use super::integration::{Endpoint, inbound};

/// Waits until the device and the endpoint hear the tone of the other.
async fn hear_each_other(stage: &Stage, session: &str, packets: u64) {
    let tone = |hertz: Option<f64>| hertz.is_some_and(|hertz| (435.0..=445.0).contains(&hertz));
    let both = async || {
        let media = stage.call(session).await["media"].clone();
        let device = media["packetsReceived"].as_u64().unwrap_or_default() > packets
            && tone(media["frequencyHz"].as_f64());
        let endpoint = stage.skill.measured();
        (device && endpoint.received > packets && tone(endpoint.hertz)).then_some(media)
    };
    let media = poll::until_async("they hear each other", poll::PATIENCE, both).await;
    assert_eq!(media["connected"], true);
    let (lost, received) = (&media["packetsLost"], &media["packetsReceived"]);
    assert!(lost.as_u64().unwrap() * 100 <= received.as_u64().unwrap(), "{media}");
}

#[tokio::test]
async fn a_device_calls_and_both_sides_hear_the_tone() {
    let stage = Stage::set(Endpoint::Media).await;
    let call = stage.start(json!({})).await;
    let session = call["sessionId"].as_str().unwrap();
    stage.await_state(session, "accepted").await;
    hear_each_other(&stage, session, 50).await;
    stage.act(session, "update", json!({ "renegotiationType": "CALL_UPDATE" })).await;
    stage.skill.await_request("CallUpdateAck", session).await;
    let packets = stage.skill.measured().received;
    hear_each_other(&stage, session, packets + 50).await;
    let ended = stage.act(session, "hang-up", json!({})).await;
    assert!(ended["media"]["packetsSent"].as_u64().unwrap() > packets, "what was measured is kept: {ended}");
}

#[tokio::test]
async fn an_endpoint_calls_and_both_sides_hear_the_tone() {
    let stage = Stage::set(Endpoint::Media).await;
    stage.rule(json!({ "onCall": "accept" })).await;
    let mut fields = inbound("desk", &stage.endpoint);
    fields["sdpDetails"]["value"] = json!(stage.skill.offer());
    stage.skill.signal("InitiateInboundCall", "media", fields).await.is(202);
    stage.await_state("media", "accepted").await;
    hear_each_other(&stage, "media", 50).await;
    hang_up(&stage, "media").await;
    let quiet = async || {
        let one = stage.skill.measured().received;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        (stage.skill.measured().received == one).then_some(())
    };
    poll::until_async("the device is silent after the call", poll::PATIENCE, quiet).await;
}

#[tokio::test]
async fn a_call_without_media_is_signaling_alone() {
    let stage = Stage::set(Endpoint::Answers).await;
    let call = stage.start(json!({ "media": false })).await;
    assert_eq!(call["media"], Value::Null);
    stage.await_state(call["sessionId"].as_str().unwrap(), "accepted").await;
    hang_up(&stage, call["sessionId"].as_str().unwrap()).await;
}
