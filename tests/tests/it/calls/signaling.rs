//! POST /v1/communications/signaling: who may, what is checked, and in which order.

use std::time::Duration;

use http::Method;
use jackfield_tests::{Request, Tenant, TenantOptions};
use serde_json::{Value, json};

use super::device::{Stage, hang_up};
use super::integration::{ANSWER, Answer, Endpoint, SDP, inbound, message, sdp, signal_request};

/// The checks are in the order of the contract: token, scope, organization, body, state.
#[tokio::test]
async fn who_may_signal() {
    let stage = Stage::set(Endpoint::Silent).await;
    let tenant = &stage.tenant;
    let body = message("CallRinging", "nobody's", json!({}));
    let send = async |token: &str, body: &Value| tenant.send(&signal_request(token, body)).await;
    let issue =
        async |scopes: Value| tenant.admin.token(&tenant.client_id, &json!({ "scopes": scopes })).await;
    let (calling, both) = ("amazon_communication::calling", jackfield_tests::tenant::SCOPE);
    tenant.send(&Request::new(&Method::POST, "/v1/communications/signaling").json(&body)).await.is(401);
    send("nonsense", &body).await.is(401);
    for scopes in [json!([]), json!(["alexa::enterprise:management", "profile"])] {
        send(&issue(scopes).await, &json!({})).await.is_error(403, calling);
    }
    for scopes in [json!([calling]), json!([both]), json!([calling, both])] {
        send(&issue(scopes).await, &body).await.is_error(404, "no call with that sessionId");
    }
    let plain = Tenant::with(TenantOptions { webrtc: false, ..TenantOptions::default() }).await;
    plain.send(&signal_request(&plain.token, &json!({}))).await.is_error(403, "add-on");
    let away = Tenant::with(TenantOptions { country: "JP", ..TenantOptions::default() }).await;
    away.send(&signal_request(&away.token, &json!({}))).await.is_error(403, "Calling is not available");
    tenant
        .send(&Request::new(&Method::GET, "/v1/communications/signaling").bearer(&tenant.token))
        .await
        .is(405);
}

/// Every message type: missing and wrong fields, and what is wrong is named.
#[tokio::test]
async fn fields_are_checked_before_the_call_is_looked_at() {
    let stage = Stage::set(Endpoint::Silent).await;
    let good = [
        ("InitiateInboundCall", inbound("desk", &stage.endpoint)),
        ("CallInProgress", sdp("ANSWER", ANSWER)),
        ("CallAccepted", sdp("ANSWER", ANSWER)),
        ("CallUpdate", sdp("OFFER", SDP)),
        ("CallUpdateResponse", sdp("ANSWER", ANSWER)),
        ("CallEnded", json!({ "callResult": { "code": "SUCCESS", "message": "" } })),
    ];
    for (name, fields) in good {
        for field in fields.as_object().unwrap().keys() {
            let mut without = fields.clone();
            without.as_object_mut().unwrap().remove(field);
            stage.skill.signal(name, "s", without).await.is_error(400, field);
            let mut wrong = fields.clone();
            wrong[field] = json!(7);
            stage.skill.signal(name, "s", wrong).await.is_error(400, field);
        }
    }
    for (body, said) in [
        (json!({ "sessionId": "s" }), "type is missing"),
        (json!({ "type": "CallRinging", "sessionId": "s" }), "its full name"),
        (json!({ "type": "Alexa.Comms.CallSignaling.CallRinging" }), "sessionId is missing"),
        (message("CallRinging", &"s".repeat(129), json!({})), "at most 128"),
        (message("CallRinging", "", json!({})), "1 to 128"),
        (message("InitiateOutboundCall", "s", json!({})), "which is sent to skills"),
        (json!([]), "a JSON object is expected"),
    ] {
        let said = if said == "at most 128" { "1 to 128 are allowed" } else { said };
        stage.tenant.send(&signal_request(&stage.tenant.token, &body)).await.is_error(400, said);
    }
}

#[tokio::test]
async fn a_call_is_its_organizations_and_takes_what_is_in_order() {
    let (stage, other) = (Stage::set(Endpoint::Silent).await, Tenant::fresh().await);
    let call = stage.start(json!({ "sdp": SDP })).await;
    let session = call["sessionId"].as_str().unwrap();
    let say = async |name: &str, fields: Value| stage.skill.signal(name, session, fields).await;
    let foreign = message("CallRinging", session, json!({}));
    other.send(&signal_request(&other.token, &foreign)).await.is_error(404, "no call with that sessionId");
    say("CallAccepted", sdp("ANSWER", ANSWER))
        .await
        .is_error(400, "the call is initiated; CallRinging or CallEnded");
    say("CallRingingAck", json!({})).await.is_error(400, "out of order");
    say("CallRinging", json!({})).await.is(202);
    // Again is as good as once, and it is acknowledged again.
    say("CallRinging", json!({})).await.is(202);
    say("CallInProgress", sdp("ANSWER", ANSWER)).await.is(202);
    say("CallInProgress", sdp("ANSWER", SDP)).await.is_error(400, "the call is in_progress");
    say("CallUpdate", sdp("OFFER", SDP)).await.is_error(400, "CallAccepted or CallEnded would be right");
    say("CallAccepted", sdp("ANSWER", ANSWER)).await.is(202);
    say("CallUpdateAck", json!({})).await.is_error(400, "the call is accepted");
    let lives = stage.skill.signal("InitiateInboundCall", session, inbound("desk", &stage.endpoint)).await;
    lives.is_error(409, "has not ended");
    let ended = json!({ "callResult": { "code": "SUCCESS", "message": "bye" } });
    say("CallEnded", ended.clone()).await.is(202);
    say("CallEnded", ended).await.is_error(404, "ended with SUCCESS");
    let call = stage.call(session).await;
    assert_eq!(call["result"], json!({ "code": "SUCCESS", "message": "bye" }));
    let refused: Vec<&Value> =
        call["transcript"].as_array().unwrap().iter().filter(|entry| entry["status"] == 400).collect();
    assert_eq!(refused.len(), 5, "what was out of order is in the transcript: {call}");
    assert!(refused.iter().all(|entry| entry["direction"] == "from_cloud" && entry["note"].is_string()));
    // An id that has ended may be taken again.
    stage.skill.signal("InitiateInboundCall", session, inbound("desk", &stage.endpoint)).await.is(202);
    hang_up(&stage, session).await;
}

#[tokio::test]
async fn the_called_is_looked_up_in_the_directory() {
    let stage = Stage::set(Endpoint::Acknowledges).await;
    let tenant = &stage.tenant;
    let begin = async |session: &str, to: &str| {
        stage.skill.signal("InitiateInboundCall", session, inbound("desk", to)).await
    };
    begin("a", "nobody").await.is_error(404, "has no association");
    begin("a", &"x".repeat(257)).await.is_error(400, "value has 257 characters");
    begin("a", " x").await.is_error(400, "white space");
    // Another provider of the organization has it, but its network is not of this skill.
    let elsewhere = tenant.new_provider("elsewhere").await;
    let create = tenant.request(&Method::POST, jackfield_tests::tenant::external_users(&elsewhere));
    let body = jackfield_tests::tenant::association("elsewhere-1", &jackfield_tests::tenant::profile("e1"));
    tenant.send(&create.json(&body)).await.is(201);
    begin("a", "elsewhere-1").await.is_error(404, "whose network names the skill of this client");
    begin("a", &stage.endpoint).await.is(202);
    let got = stage.skill.await_request("CallRinging", "a").await;
    assert_eq!(got.body["request"]["sessionId"], "a");
    let call = stage.await_state("a", "ringing").await;
    assert_eq!(
        (&call["direction"], &call["from"], &call["to"]),
        (&json!("inbound"), &json!("desk"), &json!(stage.endpoint))
    );
    hang_up(&stage, "a").await;
}

/// A skill that does not take the first message ends the call, with the result and the note that say why.
#[tokio::test]
async fn a_skill_that_fails_ends_the_call() {
    let stage = Stage::set(Endpoint::Silent).await;
    let answers = |status, body, delay| stage.skill.answer("", Answer { status, body, delay });
    let ends = async |code: &str, status: Value, said: &str| {
        let call = stage.start(json!({ "sdp": SDP })).await;
        let call = stage.await_state(call["sessionId"].as_str().unwrap(), "ended").await;
        assert_eq!(call["result"]["code"], code, "{call}");
        let first = &call["transcript"][0];
        assert_eq!(
            (&first["type"], &first["status"]),
            (&json!("Alexa.Comms.CallSignaling.InitiateOutboundCall"), &status)
        );
        assert!(first["note"].as_str().unwrap().contains(said), "{first}");
    };
    answers(500, "", Duration::ZERO);
    ends("INTERNAL_ERROR", json!(500), "answered 500").await;
    answers(200, "nonsense", Duration::ZERO);
    ends("INTERNAL_ERROR", json!(200), "not JSON").await;
    stage.set_skill(&stage.skill.url(), "1s").await;
    answers(200, "{}", Duration::from_secs(60));
    ends("SESSION_TIMEOUT", Value::Null, "within 1s").await;
    stage.set_skill("http://127.0.0.1:1/", "1s").await;
    ends("INTERNAL_ERROR", Value::Null, "refused").await;
}
