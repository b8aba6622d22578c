//! HTTP itself: two protocols on one listener, bodies in every framing, heads at their bounds, nonsense.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use http::Method;
use jackfield_model::{limit, path};
use jackfield_tests::check::check;
use jackfield_tests::page::walk;
use jackfield_tests::raw::Raw;
use jackfield_tests::{Listener, Request, Response, Tenant, Version};
use serde_json::{Value, json};

use crate::operation::Op;

/// What of an answer must not depend on the protocol, with `<own>` for the part of the ids that is the tenant's own and
/// `<made>` for an id that the request made.
fn essence(tenant: &Tenant, response: &Response) -> (u16, Vec<(String, String)>, String) {
    let varying = ["date", "x-amzn-requestid"];
    let mut headers: Vec<(String, String)> = response
        .headers
        .iter()
        .filter(|(name, _)| !varying.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let mut body = response.text().replace(own_part(tenant), "<own>");
    let made: Value = serde_json::from_str(&body).unwrap_or_default();
    if let Some(id) = made["profileId"]["profileId"].as_str() {
        body = body.replace(id, "<made>");
    }
    (response.status, headers, body)
}

/// The UUID of the tenant's service provider.
fn own_part(tenant: &Tenant) -> &str {
    tenant.provider.rsplit('.').next().unwrap()
}

/// The same of an answer of the token endpoint, whose body bears a request id or a token.
fn login_essence(tenant: &Tenant, response: &Response) -> (u16, Vec<(String, String)>, Value) {
    let (status, mut headers, _) = essence(tenant, response);
    headers.retain(|(name, _)| name != "content-length");
    let mut body = response.json();
    for name in ["request_id", "access_token"] {
        if body[name].is_string() {
            body[name] = "its own".into();
        }
    }
    (status, headers, body)
}

#[tokio::test]
async fn both_protocols_give_the_same_answers() {
    let one = Tenant::fresh().await;
    let two = Tenant::fresh().await.again(Version::Http2);
    give_the_same_answers(&one, &two).await;
}

/// Sends a matrix of requests through both, who are fresh and alike.
pub(crate) async fn give_the_same_answers(one: &Tenant, two: &Tenant) {
    for tenant in [one, two] {
        for id in ["7201", "7202"] {
            tenant.create(id, "1").await.is(201);
        }
    }
    let unknown = "amzn1.comms.csp.id.00000000-0000-4000-8000-000000000000";
    let requests = |tenant: &Tenant| {
        let mut requests = Vec::new();
        for op in Op::ALL {
            requests.push(op.request(tenant, "7201"));
            requests.push(op.request(tenant, "none"));
            requests.push(op.bare_request(&tenant.provider, "7201"));
            requests.push(op.bare_request(&tenant.provider, "7201").bearer("nonsense"));
            requests.push(op.bare_request(unknown, "7201").bearer(&tenant.token));
            requests.push(tenant.request(&op.method(), op.path(&tenant.provider)).body("nonsense"));
            requests.push(tenant.request(&op.method(), op.path(&tenant.provider)));
        }
        requests.extend(directory_requests(tenant, unknown));
        requests.push(tenant.request(&Method::DELETE, tenant.path() + "?externalUserId=7202"));
        requests.push(tenant.request(&Method::GET, tenant.path()));
        requests.push(tenant.request(&Method::GET, "/nothing"));
        let login = |grant: &str, secret: &str| {
            let form = format!("grant_type={grant}&client_id={}&client_secret={secret}", tenant.client_id);
            let form = form + "&scope=amazon_communication::service_provider";
            Request::new(&Method::POST, "/auth/o2/token").body(form)
        };
        requests.push(login("client_credentials", &tenant.client_secret));
        requests.push(login("client_credentials", "wrong"));
        requests.push(login("x", &tenant.client_secret));
        requests.push(Request::new(&Method::POST, "/auth/O2/token/"));
        requests.push(Request::new(&Method::GET, "/auth/o2/token"));
        requests.push(Request::new(&Method::GET, "/healthz"));
        requests.push(Request::new(&Method::GET, "/openapi.json"));
        requests
    };
    let mut statuses = BTreeSet::new();
    for (first, second) in requests(one).iter().zip(&requests(two)) {
        let answers = (one.send(first).await, two.send(second).await);
        statuses.insert(answers.0.status);
        if first.target.starts_with("/auth") {
            assert_eq!(login_essence(one, &answers.0), login_essence(two, &answers.1), "{first:?}");
            continue;
        }
        assert_eq!(essence(one, &answers.0), essence(two, &answers.1), "{} {}", first.method, first.target);
    }
    let every_kind = [200, 201, 207, 400, 401, 404, 405, 409];
    assert_eq!(statuses, every_kind.into(), "every kind of answer is among them");
}

/// Service providers, network mapping and profiles: made, made again, shown, changed, refused.
fn directory_requests(tenant: &Tenant, unknown: &str) -> Vec<Request> {
    let provider = |id: &str| path::SERVICE_PROVIDER.replace("{serviceProviderId}", id);
    let (target, network) = (provider(&tenant.provider), provider(&tenant.provider) + "/network");
    let unit = format!("amzn1.alexa.unit.did.{}", own_part(tenant));
    let name = json!([{"locale": "en-US", "value": "Desk"}]);
    let skill = json!({"networkType": "SKILL", "skillConfiguration": {"skillId": "amzn1.ask.skill.a"}});
    let profile = json!({"entity": {"type": "UNIT", "id": unit}, "name": "Lobby"});
    let unit_query = format!("{}?entity.type=UNIT&entity.id={unit}", path::PROFILES);
    let taken = json!({"serviceProviderLogicalId": "switchboard", "displayName": name});
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    let calls = [
        (&post, path::SERVICE_PROVIDERS.to_owned(), taken),
        (&post, path::SERVICE_PROVIDERS.to_owned(), json!({})),
        (&put, target.clone(), json!({"displayName": name})),
        (&get, target.clone(), Value::Null),
        (&get, provider(unknown), Value::Null),
        (&delete, target, Value::Null),
        (&get, network.clone(), Value::Null),
        (&post, network.clone(), skill.clone()),
        (&post, network.clone(), skill.clone()),
        (&put, network.clone(), skill),
        (&get, network.clone() + "/", Value::Null),
        (&delete, network.clone(), Value::Null),
        (&delete, network, Value::Null),
        (&post, path::PROFILES.to_owned(), profile.clone()),
        (&post, path::PROFILES.to_owned(), profile),
        (&get, unit_query, Value::Null),
        (&get, path::PROFILE.replace("{profileId}", &jackfield_tests::tenant::profile("none")), Value::Null),
        (&post, path::PROFILES_BATCH.to_owned(), json!({"items": [{"itemId": "1"}]})),
    ];
    let call = |(method, target, body): (&Method, String, Value)| {
        let request = tenant.request(method, target);
        if body.is_null() { request } else { request.json(&body) }
    };
    calls.into_iter().map(call).collect()
}

#[tokio::test]
async fn one_http2_connection_carries_many_requests_at_a_time() {
    let tenant = Tenant::fresh().await.again(Version::Http2);
    let requests: Vec<Request> = (0..300).map(|n| Op::Create.request(&tenant, &n.to_string())).collect();
    let responses = tenant.client.send_together(&requests).await.unwrap();
    for (request, response) in requests.iter().zip(&responses) {
        check(tenant.endpoint(), Listener::Public, request, response);
        response.is(201);
    }
    assert_eq!(walk(&tenant, &json!({}), 100).await.total_count, 300);
}

/// The head of a create with the token, without the headers that frame the body.
fn head(tenant: &Tenant, framing: &str) -> String {
    let (path, token) = (tenant.path(), &tenant.token);
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{framing}\r\n")
}

fn checked(tenant: &Tenant, response: Response) -> Response {
    check(tenant.endpoint(), Listener::Public, &Request::new(&Method::POST, tenant.path()), &response);
    response
}

fn chunks(body: &str, size: usize) -> String {
    let chunk =
        |part: &[u8]| format!("{:x};name=value\r\n{}\r\n", part.len(), std::str::from_utf8(part).unwrap());
    body.as_bytes().chunks(size).map(chunk).collect()
}

#[tokio::test]
async fn chunked_bodies_are_read() {
    let tenant = Tenant::fresh().await;
    let mut raw = Raw::connect(tenant.endpoint()).await;
    for (id, size) in [("1", 1), ("7", 7), ("all", 1_000)] {
        let body = Op::Create.body(id).to_string();
        raw.write(head(&tenant, "Transfer-Encoding: chunked\r\n")).await.unwrap();
        raw.write(chunks(&body, size) + "0\r\nTrailer: ignored\r\n\r\n").await.unwrap();
        checked(&tenant, raw.response().await).is(201);
        assert_eq!(tenant.find(id).await.as_deref(), Some("1234"));
    }
    // The bound holds although nobody says how long the body is.
    let bound = format!("{{\"x\":\"{}\"}}", "x".repeat(limit::BODY_BYTES - 8));
    assert_eq!(bound.len(), limit::BODY_BYTES);
    for (body, part) in [(bound.clone(), "externalUserId is missing"), (bound + " ", "65536")] {
        let mut raw = Raw::connect(tenant.endpoint()).await;
        raw.write(head(&tenant, "Transfer-Encoding: chunked\r\n")).await.unwrap();
        // The server may answer and close before it has read everything.
        let _ = raw.write(chunks(&body, 4_096) + "0\r\n\r\n").await;
        checked(&tenant, raw.response().await).is_error(400, part);
    }
}

#[tokio::test]
async fn a_huge_content_length_is_refused_at_once() {
    let tenant = Tenant::fresh().await;
    let mut raw = Raw::connect(tenant.endpoint()).await;
    let start = Instant::now();
    raw.write(head(&tenant, "Content-Length: 10000000000\r\n") + "{").await.unwrap();
    checked(&tenant, raw.response().await).is_error(400, "65536");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    // A length that no machine can count is for the HTTP library to refuse.
    let mut raw = Raw::connect(tenant.endpoint()).await;
    raw.write(head(&tenant, "Content-Length: 18446744073709551616\r\n") + "{").await.unwrap();
    let answer = raw.to_end().await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn a_refusal_is_read_although_the_body_was_not() {
    let tenant = Tenant::fresh().await;
    for version in [Version::Http1, Version::Http2] {
        let tenant = tenant.again(version);
        for size in [1_000, limit::BODY_BYTES, limit::BODY_BYTES * 4] {
            let body = "x".repeat(size);
            for op in Op::ALL {
                let request = Request::new(&op.method(), op.path(&tenant.provider)).body(body.clone());
                tenant.send(&request.clone()).await.is(401);
                tenant.send(&request.bearer("nonsense")).await.is(401);
                let unknown = tenant.request(&op.method(), op.path("unknown")).body(body.clone());
                tenant.send(&unknown).await.is(404);
            }
            tenant.send(&tenant.request(&Method::PATCH, tenant.path()).body(body.clone())).await.is(405);
            tenant.send(&tenant.request(&Method::POST, "/nothing").body(body)).await.is(404);
        }
        tenant.send(&Op::Query.request(&tenant, "7201")).await.is(200);
    }
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let tenant = Tenant::fresh().await;
    let body = Op::Create.body("7201").to_string();
    let mut raw = Raw::connect(tenant.endpoint()).await;
    raw.write(head(&tenant, &format!("Content-Length: {}\r\nExpect: 100-continue\r\n", body.len())))
        .await
        .unwrap();
    raw.response().await.is(100);
    raw.write(body).await.unwrap();
    checked(&tenant, raw.response().await).is(201);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let tenant = Tenant::fresh().await;
    let mut raw = Raw::connect(tenant.endpoint()).await;
    let mut bytes = String::new();
    for n in 0..20 {
        let body = Op::Create.body(&format!("{:02}", n / 2)).to_string();
        bytes += &head(&tenant, &format!("Content-Length: {}\r\n", body.len()));
        bytes += &body;
    }
    raw.write(bytes).await.unwrap();
    for n in 0..20 {
        let response = checked(&tenant, raw.response().await);
        assert_eq!(response.status, if n % 2 == 0 { 201 } else { 409 }, "answer {n}: {response:?}");
    }
    assert_eq!(walk(&tenant, &json!({}), 100).await.total_count, 10);
}

#[tokio::test]
async fn the_head_is_bounded() {
    let tenant = Tenant::fresh().await;
    for version in [Version::Http1, Version::Http2] {
        let tenant = tenant.again(version);
        for op in Op::ALL {
            let with = |bytes: usize| {
                op.bare_request(&tenant.provider, "7201").header("X-Filler", "x".repeat(bytes))
            };
            // The token is missing, so what passes the bound is a 401.
            tenant.send(&with(limit::HEAD_BYTES - 1_000)).await.is(401);
            tenant.send(&with(limit::HEAD_BYTES)).await.is_error(400, "16384");
            tenant.send(&with(limit::HEAD_BYTES * 2)).await.is_error(400, "16384");
        }
    }
    for (method, path) in [(Method::POST, "/auth/o2/token"), (Method::GET, "/auth/o2/tokeninfo")] {
        let long = Request::new(&method, path).header("X-Filler", "x".repeat(limit::HEAD_BYTES));
        let answer = tenant.send(&long).await.expect(400);
        assert_eq!(
            answer.json()["error"],
            "invalid_request",
            "a refusal of a login is in its form: {answer:?}"
        );
    }
    // To the byte: names and values, with those that the client adds by itself.
    let target = tenant.query_path();
    let host = tenant.endpoint().address(Listener::Public).to_string();
    let fixed = ["POST", &target, "host", &host, "content-length", "2", "x-filler"]
        .map(str::len)
        .iter()
        .sum::<usize>();
    let exact = |bytes: usize| {
        Request::new(&Method::POST, &*target).header("x-filler", "x".repeat(bytes - fixed)).body("{}")
    };
    tenant.send(&exact(limit::HEAD_BYTES)).await.is(401);
    tenant.send(&exact(limit::HEAD_BYTES + 1)).await.is(400);
    let long_path = format!("{}?x={}", tenant.path(), "x".repeat(limit::HEAD_BYTES));
    tenant.send(&tenant.request(&Method::DELETE, long_path)).await.is(400);
}

#[tokio::test]
async fn the_number_of_headers_is_bounded() {
    let tenant = Tenant::fresh().await;
    let body = Op::Query.body("7201").to_string();
    let many = |count: usize| (0..count).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    let query = |count: usize| {
        let framing = format!("Content-Length: {}\r\n{}", body.len(), many(count - 3));
        head(&tenant, &framing).replace("externalUsers", "externalUsers/query") + &body
    };
    let mut raw = Raw::connect(tenant.endpoint()).await;
    raw.write(query(100)).await.unwrap();
    raw.response().await.is(200);
    let mut raw = Raw::connect(tenant.endpoint()).await;
    raw.write(query(101)).await.unwrap();
    let status = raw.response().await.status;
    assert!(matches!(status, 400 | 431), "{status}");
    tenant.send(&Op::Query.request(&tenant, "7201")).await.is(200);
}

#[tokio::test]
async fn nonsense_ends_a_connection_and_nothing_else() {
    let tenant = Tenant::fresh().await;
    let heads: [&[u8]; 12] = [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  /  HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting \r\n\r\n",
        b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense instead of frames",
    ];
    for bytes in heads {
        let mut raw = Raw::connect(tenant.endpoint()).await;
        raw.write(bytes).await.unwrap();
        // What looks like the beginning of more is ended by the client.
        let _ = raw.write("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await;
        let answer = raw.to_end().await;
        let text = String::from_utf8_lossy(&answer);
        if let Some(status) = text.strip_prefix("HTTP/1.1 ") {
            assert!(status.starts_with('4'), "{:?}: {text}", String::from_utf8_lossy(bytes));
        }
    }
    let huge = "x".repeat(1_000_000);
    let mut raw = Raw::connect(tenant.endpoint()).await;
    let _ = raw.write(format!("GET / HTTP/1.1\r\nX: {huge}\r\n\r\n")).await;
    let answer = raw.to_end().await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    tenant.send(&Op::Query.request(&tenant, "7201")).await.is(200);
}

#[tokio::test]
async fn framing_cannot_be_told_in_two_ways() {
    // A proxy that believes the other one would see a second request in the body.
    let tenant = Tenant::fresh().await;
    let smuggled = format!("0\r\n\r\nDELETE {}?externalUserId=7201 HTTP/1.1\r\nX: ", tenant.path());
    tenant.create("7201", "1").await.is(201);
    let mut raw = Raw::connect(tenant.endpoint()).await;
    let framing = format!("Transfer-Encoding: chunked\r\nContent-Length: {}\r\n", smuggled.len());
    raw.write(head(&tenant, &framing) + &smuggled).await.unwrap();
    if let Some(response) = raw.try_response().await {
        assert!(response.status >= 400, "{response:?}");
    }
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1"));
}
