//! Skills: how they are set, what they get, and what is said of those that do not answer.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use jackfield_tests::{Options, Request, Server, Tenant, TenantOptions};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::integration::{Answer, Endpoint, Integration};

const SCOPES: [&str; 2] = ["amazon_communication::calling", "amazon_communication::service_provider"];

/// A skill's id that no other test has.
pub(super) fn skill_id() -> String {
    format!("amzn1.ask.skill.{}", uuid::Uuid::new_v4())
}

fn path(id: &str) -> String {
    format!("/admin/v1/skills/{id}")
}

async fn post(tenant: &Tenant, target: &str) -> Value {
    tenant.admin.call(&Method::POST, target, &Value::Null).await.expect(200).json()
}

#[tokio::test]
async fn a_skill_is_set_found_listed_and_deleted() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let id = skill_id();
    let body = json!({ "organizationId": tenant.organization, "endpoint": "http://127.0.0.1:1/skill", "timeout": "1500ms" });
    let put = async |body: &Value| tenant.admin.call(&Method::PUT, &path(&id), body).await;
    let mut expected = body.clone();
    (expected["skillId"], expected["timeout"]) = (json!(id), json!("1s 500ms"));
    assert_eq!(put(&body).await.expect(200).json(), expected);
    assert_eq!(tenant.admin.get(&path(&id)).await, expected);
    let listed = tenant.admin.get(&format!("/admin/v1/skills?limit=1&after={}", &id[..id.len() - 1])).await;
    assert_eq!(listed["items"][0], expected);
    let mut seconds = body.clone();
    seconds["timeout"] = json!(3);
    assert_eq!(put(&seconds).await.expect(200).json()["timeout"], "3s");
    for (name, value, said) in [
        ("endpoint", json!("ftp://there"), "endpoint must be a URL with http or https of at most 2048 bytes"),
        ("endpoint", json!("there"), "endpoint must be a URL"),
        ("endpoint", json!(7), "expected a string"),
        ("timeout", json!("61s"), "timeout must be a span of time from 1ms to 60s"),
        ("timeout", json!(0), "timeout must be a span of time"),
        ("timeout", json!("soon"), "timeout must be a span of time"),
        ("ca", json!("hush"), "ca must be certificates in PEM form"),
        ("skillId", json!(skill_id()), "skillId is not the one of the path"),
        ("organizationId", json!(null), "organizationId is null"),
        ("clientId", json!("x"), "amzn1.application-oa2-client."),
    ] {
        let mut wrong = body.clone();
        wrong[name] = value;
        let refused = put(&wrong).await;
        assert_eq!(refused.status, 400, "{name}: {refused:?}");
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(said), "{name}: {message}");
    }
    let mut theirs = body.clone();
    theirs["clientId"] = json!(other.client_id);
    put(&theirs).await.is_error(404, "client");
    let mut moved = body.clone();
    moved["organizationId"] = json!(other.organization);
    put(&moved).await.is_error(409, "There is a skill with this id already");
    moved["organizationId"] = json!("amzn1.alexa.unit.did.nobody");
    put(&moved).await.is_error(404, "organization");
    tenant.admin.call(&Method::PUT, &path("x"), &body).await.is_error(400, "amzn1.ask.skill.");
    tenant.admin.delete(&path(&id)).await;
    tenant.admin.call(&Method::GET, &path(&id), &Value::Null).await.is_error(404, "There is no such skill");
    tenant
        .admin
        .call(&Method::DELETE, &path(&id), &Value::Null)
        .await
        .is_error(404, "There is no such skill");
}

/// Requests have the vendor's envelope and are signed with a chain that anybody can fetch.
#[tokio::test]
async fn requests_are_in_the_envelope_and_signed() {
    use rustls::pki_types::pem::PemObject;
    let tenant = Tenant::fresh().await;
    let skill = Integration::start(&tenant, Endpoint::Silent).await;
    let id = skill_id();
    let body = json!({ "organizationId": tenant.organization, "endpoint": skill.url() });
    tenant.admin.call(&Method::PUT, &path(&id), &body).await.is(200);
    let answer = post(&tenant, &format!("{}/ping", path(&id))).await;
    assert_eq!((&answer["ok"], &answer["status"]), (&json!(true), &json!(200)), "{answer}");
    let got = skill.await_request("CallRingingAck", "").await;
    let (system, request) = (&got.body["context"]["System"], &got.body["request"]);
    assert_eq!((&got.body["version"], &system["application"]["applicationId"]), (&json!("1.0"), &json!(id)));
    assert_eq!(request["locale"], "en-US");
    for (value, beginning) in [
        (&system["user"]["userId"], "amzn1.ask.account."),
        (&system["user"]["permissions"]["consentToken"], "Atza|"),
        (&system["device"]["deviceId"], "amzn1.ask.device."),
        (&system["apiEndpoint"], "http://127.0.0.1:"),
        (&request["requestId"], "amzn1.echo-api.request."),
        (&request["timestamp"], "20"),
    ] {
        assert!(value.as_str().unwrap().starts_with(beginning), "{value}");
    }
    let header = |name: &str| got.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json;charset=UTF-8");
    assert_eq!(header("accept"), "application/json");
    let url = header("signaturecertchainurl");
    let target = url.strip_prefix(&format!("http://{}", tenant.endpoint().public())).unwrap();
    let chain = tenant.client.send(&Request::new(&Method::GET, target)).await.unwrap();
    assert_eq!(chain.status, 200);
    let leaf = rustls::pki_types::CertificateDer::from_pem_slice(&chain.body).unwrap();
    let certificate = webpki_key(&leaf);
    let signature = BASE64_STANDARD.decode(header("signature-256")).unwrap();
    let public =
        ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, certificate);
    public.verify(&got.bytes, &signature).unwrap();
    assert!(public.verify(b"other", &signature).is_err());
}

/// The RSA key of a certificate (PKCS #1): the innards of the last BIT STRING before the extensions, found by its form.
fn webpki_key(certificate: &[u8]) -> &[u8] {
    // SEQUENCE { INTEGER of 257 bytes, ...}: the modulus of 2,048 bits with a leading zero.
    let modulus = [0x02, 0x82, 0x01, 0x01, 0x00];
    let at = certificate.windows(modulus.len()).position(|window| window == modulus).unwrap();
    &certificate[at - 4..at - 4 + 4 + 0x010a]
}

#[tokio::test]
async fn what_is_wrong_with_a_skill_is_explained() {
    let tenant = Tenant::fresh().await;
    let skill = Integration::start(&tenant, Endpoint::Silent).await;
    let id = skill_id();
    let ping = async |endpoint: &str| {
        let body = json!({ "organizationId": tenant.organization, "endpoint": endpoint, "timeout": "2s" });
        tenant.admin.call(&Method::PUT, &path(&id), &body).await.is(200);
        let answer = post(&tenant, &format!("{}/ping", path(&id))).await;
        assert_eq!(answer["ok"], false, "{answer}");
        (answer["problem"].as_str().unwrap().to_owned(), answer["message"].as_str().unwrap().to_owned())
    };
    let answers = |status, body, delay| skill.answer("", Answer { status, body, delay });
    let problem = |expected: &str, (problem, message): (String, String), said: &str| {
        assert_eq!(problem, expected, "{message}");
        assert!(message.contains(said), "{message}");
    };
    answers(500, "", Duration::ZERO);
    problem("status", ping(&skill.url()).await, "answered 500");
    answers(200, "nonsense", Duration::ZERO);
    problem("not_json", ping(&skill.url()).await, "not JSON");
    answers(200, r#"{"version":"2.0"}"#, Duration::ZERO);
    problem("version", ping(&skill.url()).await, "\"version\": \"1.0\"");
    answers(200, "{}", Duration::from_secs(60));
    problem("timeout", ping(&skill.url()).await, "within 2s");
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    problem("refused", ping(&format!("http://{gone}/")).await, "refused");
    let plain = skill.url().replace("http:", "https:");
    let (kind, message) = ping(&plain).await;
    assert!(["certificate", "connection"].contains(&&*kind), "no TLS is spoken there: {kind} {message}");
}

/// The code of a grant is redeemed as published samples do, once, and its token is good for signaling alone.
#[tokio::test]
async fn a_grant_is_redeemed_without_a_redirect_uri() {
    let tenant = Tenant::fresh().await;
    let scopes = json!({ "scopes": SCOPES });
    tenant.admin.patch(&format!("/admin/v1/clients/{}", tenant.client_id), &scopes).await;
    let skill = Integration::start(&tenant, Endpoint::Silent).await;
    let id = skill_id();
    let mut body = json!({ "organizationId": tenant.organization, "endpoint": skill.url() });
    tenant.admin.call(&Method::PUT, &path(&id), &body).await.is(200);
    let grant = format!("{}/grant", path(&id));
    tenant.admin.call(&Method::POST, &grant, &Value::Null).await.is_error(409, "no client");
    body["clientId"] = json!(tenant.client_id);
    tenant.admin.call(&Method::PUT, &path(&id), &body).await.is(200);
    // It is granted at once, and again when an operator asks.
    let got = skill.await_request("Grant", "").await;
    assert_eq!(got.body["request"]["type"], "Alexa.Authorization.Grant");
    assert_eq!(post(&tenant, &grant).await["ok"], true);
    let given = &got.body["request"]["body"]["grant"];
    assert_eq!(given["type"], "OAuth2.AuthorizationCode");
    let code = given["code"].as_str().unwrap();
    let redeem = |body: &str| {
        let (client, secret) = (&tenant.client_id, &tenant.client_secret);
        let query =
            format!("grant_type=authorization_code&client_id={client}&client_secret={secret}&code={code}");
        Request::new(&Method::POST, format!("/auth/o2/token?{query}"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body.to_owned())
    };
    let token = tenant.client.send(&redeem("{}")).await.unwrap();
    assert_eq!(token.status, 200, "{token:?}");
    let token = token.json();
    let access = token["access_token"].as_str().unwrap();
    assert!(token["refresh_token"].as_str().unwrap().starts_with("Atzr|"));
    let consent = got.body["context"]["System"]["user"]["permissions"]["consentToken"].as_str().unwrap();
    for token in [access, consent] {
        let query =
            Request::new(&Method::POST, tenant.query_path()).bearer(token).json(&json!({ "filters": {} }));
        tenant.send(&query).await.is(200);
    }
    // Once: who redeems it again takes back what it gave.
    tenant.client.send(&redeem("")).await.unwrap().is(400);
}

#[tokio::test]
async fn a_seed_has_skills_and_networks() {
    let home = tempfile::tempdir().unwrap();
    let seed = home.path().join("seed.toml");
    let id = skill_id();
    let client = "amzn1.application-oa2-client.5eed0000000000000000000000000ca1";
    let text = format!(
        "[[organization]]\nid = \"amzn1.alexa.unit.did.calls\"\nname = \"Calls\"\ncountry = \"US\"\nvertical = \"core\"\n\
         webrtc = true\n[[organization.client]]\nid = \"{client}\"\nsecret = \"a-secret-of-a-seed-0123456789-0123\"\n\
         [[organization.service_provider]]\nlogical_id = \"desk\"\nskill_id = \"{id}\"\n\
         [[organization.skill]]\nid = \"{id}\"\nendpoint = \"http://127.0.0.1:9/\"\nclient_id = \"{client}\"\ntimeout = \"5s\"\n"
    );
    std::fs::write(&seed, &text).unwrap();
    let server = Server::start(Options { seed: Some(seed.clone()), ..Options::default() });
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let found = tenant.admin.get(&path(&id)).await;
    assert_eq!((&found["clientId"], &found["timeout"]), (&json!(client), &json!("5s")));
    let providers =
        tenant.admin.get("/admin/v1/organizations/amzn1.alexa.unit.did.calls/serviceProviders").await;
    assert_eq!(providers["items"][0]["network"]["skillConfiguration"]["skillId"], json!(id));
    std::fs::write(&seed, text.replace("timeout = \"5s\"", "timeout = \"5h\"")).unwrap();
    let refused = Server::try_start(Options { seed: Some(seed), ..Options::default() }).unwrap_err();
    assert!(refused.stderr.contains("timeout must be from 1ms to 60s"), "{}", refused.stderr);
}
