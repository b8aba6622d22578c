//! The device of the server: it calls, is called, answers, renegotiates and hangs up, for an integrator as published.

use http::Method;
use jackfield_tests::{Tenant, poll, tenant};
use serde_json::{Value, json};

use super::integration::{ANSWER, Endpoint, Integration, SDP, inbound, sdp};
use super::skills::skill_id;

/// An organization with a profile, an endpoint of its own, and an integration that carries its calls.
pub(crate) struct Stage {
    pub(crate) tenant: Tenant,
    pub(crate) skill: Integration,
    pub(crate) skill_id: String,
    pub(crate) profile: String,
    /// The `externalUserId` of the profile.
    pub(crate) endpoint: String,
}

impl Stage {
    pub(crate) async fn set(endpoint: Endpoint) -> Self {
        Self::of(Tenant::fresh().await, endpoint).await
    }

    pub(crate) async fn of(tenant: Tenant, endpoint: Endpoint) -> Self {
        let skill = Integration::start(&tenant, endpoint).await;
        let target = format!("/admin/v1/organizations/{}/profiles", tenant.organization);
        let unit = format!("amzn1.alexa.unit.did.{}", uuid::Uuid::new_v4());
        let made = tenant.admin.create(&target, &json!({ "unit": unit })).await;
        let profile = made["id"].as_str().unwrap().to_owned();
        let suffix = profile.strip_prefix(jackfield_model::AmazonId::PREFIX).unwrap();
        tenant.create("room-7201", suffix).await.is(201);
        let stage = Self { tenant, skill, skill_id: skill_id(), profile, endpoint: "room-7201".to_owned() };
        stage.set_skill(&stage.skill.url(), "10s").await;
        let network = json!({ "networkType": "SKILL", "skillConfiguration": { "skillId": stage.skill_id } });
        let target = format!("/admin/v1/serviceProviders/{}/network", stage.tenant.provider);
        let set = stage.tenant.admin.call(&Method::PUT, &target, &network).await;
        assert!(set.status < 300, "{set:?}");
        stage
    }

    pub(crate) async fn set_skill(&self, endpoint: &str, timeout: &str) {
        let body = json!({
            "organizationId": self.tenant.organization, "endpoint": endpoint,
            "clientId": self.tenant.client_id, "timeout": timeout,
        });
        self.tenant
            .admin
            .call(&Method::PUT, &format!("/admin/v1/skills/{}", self.skill_id), &body)
            .await
            .is(200);
    }

    /// The device of the profile calls the front desk.
    pub(crate) async fn start(&self, more: Value) -> Value {
        let mut body = json!({ "from": self.profile, "to": "front-desk" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.tenant.admin.create("/admin/v1/calls", &body).await
    }

    pub(crate) async fn call(&self, session: &str) -> Value {
        self.tenant.admin.get(&format!("/admin/v1/calls/{session}")).await
    }

    /// The call once it is in this state.
    pub(crate) async fn await_state(&self, session: &str, state: &str) -> Value {
        let call = self.tenant.admin.get(&format!("/admin/v1/calls/{session}?wait=20&state={state}")).await;
        assert_eq!(call["state"], state, "{call}");
        call
    }

    pub(crate) async fn act(&self, session: &str, act: &str, body: Value) -> Value {
        let target = format!("/admin/v1/calls/{session}/{act}");
        self.tenant.admin.call(&Method::POST, &target, &body).await.expect(200).json()
    }

    pub(crate) async fn rule(&self, rule: Value) {
        let target = format!("/admin/v1/profiles/{}/device", self.profile);
        let set = self.tenant.admin.call(&Method::PUT, &target, &rule).await.expect(200).json();
        assert_eq!(self.tenant.admin.get(&target).await, set);
    }

    /// The transcript, once each of its messages for the skill has an answer.
    async fn transcript(&self, session: &str) -> Vec<String> {
        let settled = async || {
            let call = self.call(session).await;
            let entries = call["transcript"].as_array().unwrap().clone();
            let waiting = entries.iter().any(|entry| entry["status"].is_null());
            (!waiting).then_some(entries)
        };
        let entries = poll::until_async("every message is answered", poll::PATIENCE, settled).await;
        entries
            .iter()
            .map(|entry| {
                let kind = entry["type"].as_str().unwrap().rsplit('.').next().unwrap().to_owned();
                let arrow = if entry["direction"] == "to_skill" { ">" } else { "<" };
                format!("{arrow}{kind} {}", entry["status"])
            })
            .collect()
    }
}

pub(crate) async fn hang_up(stage: &Stage, session: &str) {
    stage.act(session, "hang-up", json!({})).await;
}

#[tokio::test]
async fn a_device_calls_an_endpoint() {
    let stage = Stage::set(Endpoint::Answers).await;
    let call = stage.start(json!({ "sdp": SDP })).await;
    let session = call["sessionId"].as_str().unwrap();
    assert_eq!(
        (&call["direction"], &call["from"], &call["to"]),
        (&json!("outbound"), &json!(stage.profile), &json!("front-desk"))
    );
    assert_eq!((&call["skillId"], &call["media"]), (&json!(stage.skill_id), &Value::Null));
    stage.await_state(session, "accepted").await;
    let got = stage.skill.await_request("InitiateOutboundCall", session).await;
    let request = &got.body["request"];
    assert_eq!(request["sdpDetails"], json!({ "type": "OFFER", "value": SDP }));
    assert_eq!(
        request["participants"],
        json!([
            { "id": { "type": "RAW_ADDRESS", "value": "room-7201" }, "isOriginator": true },
            { "id": { "type": "RAW_ADDRESS", "value": "front-desk" }, "isOriginator": false },
        ])
    );
    let token = got.body["context"]["System"]["user"]["permissions"]["consentToken"].as_str().unwrap();
    assert!(token.starts_with("Atza|") && token.len() >= 350, "it is an access token");
    stage.act(session, "update", json!({ "sdp": SDP, "renegotiationType": "CALL_HOLD" })).await;
    let hold = stage.skill.await_request("CallUpdate", session).await;
    assert_eq!(hold.body["request"]["renegotiationType"], "CALL_HOLD");
    stage.skill.await_request("CallUpdateAck", session).await;
    // The endpoint offers; who brought the description answers by hand.
    stage.skill.signal("CallUpdate", session, sdp("OFFER", SDP)).await.is(202);
    stage.act(session, "update", json!({ "sdp": ANSWER })).await;
    let response = stage.skill.await_request("CallUpdateResponse", session).await;
    assert_eq!(response.body["request"]["sdpDetails"], json!({ "type": "ANSWER", "value": ANSWER }));
    assert_eq!(response.body["request"]["renegotiationType"], "CALL_UPDATE");
    let ended = stage.act(session, "hang-up", json!({ "code": "DEVICE_BUSY", "message": "no" })).await;
    assert_eq!(
        (&ended["state"], &ended["result"]),
        (&json!("ended"), &json!({ "code": "DEVICE_BUSY", "message": "no" }))
    );
    let bye = stage.skill.await_request("CallEnded", session).await;
    assert_eq!(bye.body["request"]["callResult"], json!({ "code": "DEVICE_BUSY", "message": "no" }));
    let target = format!("/admin/v1/calls/{session}/hang-up");
    stage
        .tenant
        .admin
        .call(&Method::POST, &target, &Value::Null)
        .await
        .is_error(409, "has ended with DEVICE_BUSY");
    let said = stage.transcript(session).await;
    assert_eq!(said[0], ">InitiateOutboundCall 200");
    for entry in [
        "<CallRinging 202",
        ">CallRingingAck 200",
        "<CallAccepted 202",
        ">CallAcceptedAck 200",
        ">CallEnded 200",
    ] {
        assert!(said.iter().any(|found| found == entry), "{entry} in {said:?}");
    }
    let listed = stage.tenant.admin.get("/admin/v1/calls?limit=1000").await;
    let own = listed["items"].as_array().unwrap().iter().find(|call| call["sessionId"] == session).unwrap();
    assert_eq!((&own["state"], own.get("transcript")), (&json!("ended"), None));
}

#[tokio::test]
async fn an_endpoint_calls_a_device_that_answers_by_hand() {
    let stage = Stage::set(Endpoint::Acknowledges).await;
    let mut fields = inbound("desk", &stage.endpoint);
    fields["customParams"] = json!({ "callerName": "Front desk" });
    stage.skill.signal("InitiateInboundCall", "hand", fields).await.is(202);
    let call = stage.await_state("hand", "ringing").await;
    assert_eq!(call["callerName"], "Front desk");
    let target = "/admin/v1/calls/hand/update";
    stage
        .tenant
        .admin
        .call(&Method::POST, target, &Value::Null)
        .await
        .is_error(409, "a call that is accepted");
    let acknowledged = async || stage.call("hand").await["transcript"].as_array().unwrap().get(2).cloned();
    poll::until_async("the ringing is acknowledged", poll::PATIENCE, acknowledged).await;
    stage.act("hand", "answer", json!({ "sdp": ANSWER })).await;
    stage.await_state("hand", "accepted").await;
    for name in ["CallInProgress", "CallAccepted"] {
        let got = stage.skill.await_request(name, "hand").await;
        assert_eq!(got.body["request"]["sdpDetails"], json!({ "type": "ANSWER", "value": ANSWER }));
    }
    let ended = json!({ "callResult": { "code": "SUCCESS", "message": "Call ended by user" } });
    stage.skill.signal("CallEnded", "hand", ended).await.is(202);
    let said = stage.transcript("hand").await;
    let order = [
        "<InitiateInboundCall 202",
        ">CallRinging 200",
        "<CallRingingAck 202",
        ">CallInProgress 200",
        "<CallInProgressAck 202",
        ">CallAccepted 200",
        "<CallAcceptedAck 202",
        "<CallEnded 202",
    ];
    assert_eq!(said, order);
}

#[tokio::test]
async fn a_device_follows_its_rule() {
    let stage = Stage::set(Endpoint::Acknowledges).await;
    let call = async |session: &str| {
        stage.skill.signal("InitiateInboundCall", session, inbound("desk", &stage.endpoint)).await.is(202);
    };
    stage.rule(json!({ "onCall": "accept", "after": "10ms" })).await;
    call("accepts").await;
    stage.await_state("accepts", "accepted").await;
    let got = stage.skill.await_request("CallAccepted", "accepts").await;
    let answer = got.body["request"]["sdpDetails"]["value"].as_str().unwrap();
    assert!(answer.starts_with("v=0\r\n"), "the device made it: {answer}");
    // It answers offers of the endpoint by itself, too.
    stage.skill.signal("CallUpdate", "accepts", sdp("OFFER", SDP)).await.is(202);
    stage.skill.await_request("CallUpdateResponse", "accepts").await;
    hang_up(&stage, "accepts").await;
    stage.rule(json!({ "onCall": "decline" })).await;
    call("declines").await;
    let call_ = stage.await_state("declines", "ended").await;
    assert_eq!(call_["result"]["code"], "DEVICE_BUSY");
    stage.rule(json!({ "onCall": "ring" })).await;
    let target = format!("/admin/v1/profiles/{}/device", stage.profile);
    for (rule, said) in [
        (json!({}), "onCall"),
        (json!({ "onCall": "sing" }), "sing"),
        (json!({ "onCall": "accept", "after": "61s" }), "after must be a span of time of at most 60s"),
        (json!({ "onCall": "accept", "after": "soon" }), "after must be"),
    ] {
        stage.tenant.admin.call(&Method::PUT, &target, &rule).await.is_error(400, said);
    }
}

#[tokio::test]
async fn a_call_that_nobody_carries_ends_and_says_why() {
    let stage = Stage::set(Endpoint::Answers).await;
    let admin = &stage.tenant.admin;
    let post = async |body: Value| admin.call(&Method::POST, "/admin/v1/calls", &body).await;
    let unknown = tenant::profile("nobody");
    post(json!({ "from": unknown, "to": "x" })).await.is_error(404, "no such communication profile");
    post(json!({ "from": stage.profile })).await.is_error(400, "to");
    post(json!({ "from": stage.profile, "to": "" })).await.is_error(400, "to is empty");
    post(json!({ "from": stage.profile, "to": "x", "sdp": "y" }))
        .await
        .is_error(400, "sdp is no session description");
    let other = stage.tenant.new_provider("without-network").await;
    let call = post(json!({ "from": stage.profile, "to": "x", "serviceProviderId": other }))
        .await
        .expect(201)
        .json();
    assert_eq!((&call["state"], &call["result"]["code"]), (&json!("ended"), &json!("INTERNAL_ERROR")));
    assert!(call["transcript"][0]["note"].as_str().unwrap().contains("has no network mapping"), "{call}");
    admin.delete(&format!("/admin/v1/skills/{}", stage.skill_id)).await;
    let call = stage.start(json!({})).await;
    assert!(call["result"]["message"].as_str().unwrap().contains("which is not set"), "{call}");
    assert!(stage.skill.names().iter().all(|name| name == "Grant"), "nothing was sent");
    admin
        .call(&Method::GET, "/admin/v1/calls/nobody", &Value::Null)
        .await
        .is_error(404, "There is no such call");
    admin
        .call(&Method::GET, "/admin/v1/calls/nobody?wait=61", &Value::Null)
        .await
        .is_error(400, "at most 60");
}

/// A device that makes its own offer needs nothing but a profile and an endpoint; and fault rules reach its messages.
#[tokio::test]
async fn messages_to_the_skill_can_be_lost() {
    let stage = Stage::set(Endpoint::Answers).await;
    let rule = json!({ "operation": "skill_request", "client_id": stage.tenant.client_id, "drop": "before", "times": 1 });
    let rule = stage.tenant.admin.create("/admin/v1/faults", &rule).await;
    let lost = stage.start(json!({})).await;
    let session = lost["sessionId"].as_str().unwrap();
    let noted = async || {
        let call = stage.call(session).await;
        call["transcript"][0]["note"].as_str().map(str::to_owned)
    };
    let note = poll::until_async("the message is lost", poll::PATIENCE, noted).await;
    assert!(note.contains("lost it"), "{note}");
    assert_eq!(stage.call(session).await["state"], "initiated");
    hang_up(&stage, session).await;
    let call = stage.start(json!({})).await;
    stage.await_state(call["sessionId"].as_str().unwrap(), "accepted").await;
    hang_up(&stage, call["sessionId"].as_str().unwrap()).await;
    stage.tenant.admin.delete(&format!("/admin/v1/faults/{}", rule["id"])).await;
}
