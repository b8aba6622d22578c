//! Fault rules: what a client meets, and what of it was carried out.

use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::metrics::parse;
use jackfield_tests::{Admin, Options, Request, Server, Tenant, TenantOptions, Version};
use serde_json::{Value, json};

use crate::operation::Op;

async fn add(admin: &Admin, rule: Value) -> u64 {
    admin.create("/admin/v1/faults", &rule).await["id"].as_u64().unwrap()
}

async fn clear(admin: &Admin) {
    admin.delete("/admin/v1/faults").await;
}

/// How often each rule selected a call and was met.
async fn counts(admin: &Admin) -> Vec<(u64, u64)> {
    let list = admin.get("/admin/v1/faults").await;
    let count = |rule: &Value, name: &str| rule[name].as_u64().unwrap();
    list["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (count(rule, "calls"), count(rule, "hits")))
        .collect()
}

#[tokio::test]
async fn a_status_so_many_times() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let rule =
        add(&tenant.admin, json!({"operation": "create", "status": 429, "retry_after": 7, "times": 3})).await;
    for _ in 0..3 {
        let response = tenant.create("7201", "1").await.expect(429);
        assert_eq!(
            (response.kind().as_str(), response.header("Retry-After")),
            ("TOO_MANY_REQUESTS", Some("7"))
        );
        let target = format!("/admin/v1/journal?requestId={}", response.request_id());
        let entry = &tenant.admin.get(&target).await["entries"][0];
        assert_eq!((&entry["fault"], &entry["client_id"]), (&json!(rule), &json!(tenant.client_id)));
        assert_eq!(entry["refusal"], json!({"check": "fault", "reason": "status"}));
        assert_eq!(tenant.find("7201").await, None, "other operations go on, and nothing was stored");
    }
    tenant.create("7201", "1").await.is(201);
    assert_eq!(counts(&tenant.admin).await, [(4, 3)]);
    let metrics = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    let samples = parse(metrics.text()).unwrap();
    let faults = samples.iter().find(|sample| sample.name == "jackfield_faults_total").unwrap();
    assert_eq!(faults.labels["effect"], "status");
    assert!((faults.value - 3.0).abs() < 0.1);
}

#[tokio::test]
async fn every_documented_status_at_every_operation() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for client in [&tenant, &tenant.again(Version::Http2)] {
        for op in Op::ALL {
            for status in [400, 401, 403, 404, 429, 503] {
                add(&tenant.admin, json!({"status": status, "times": 1})).await;
                // The tenant holds each answer to the rules: type, message, headers.
                client.send(&op.request(&tenant, "7201")).await.is_error(status, "fault rule");
                clear(&tenant.admin).await;
            }
        }
        add(&tenant.admin, json!({"status": 502, "times": 1})).await;
        let response = client.client.send(&Op::Query.request(&tenant, "7201")).await.unwrap();
        assert_eq!((response.status, response.kind().as_str()), (502, "BAD_GATEWAY"));
        clear(&tenant.admin).await;
    }
}

#[tokio::test]
async fn a_dropped_connection_before_and_after_the_work() {
    let server = Server::start(Options::with_flags(&["--journal-scope", "all"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for (client, id) in [(&tenant, "one"), (&tenant.again(Version::Http2), "two")] {
        add(&tenant.admin, json!({"operation": "create", "drop": "before", "times": 1})).await;
        let create = Op::Create.request(&tenant, id);
        client.try_send(&create).await.unwrap_err();
        assert_eq!(tenant.find(id).await, None, "nothing was carried out");
        add(&tenant.admin, json!({"operation": "create", "drop": "after", "times": 1})).await;
        client.try_send(&create).await.unwrap_err();
        assert!(tenant.find(id).await.is_some(), "it was carried out, the answer was lost");
        client.send(&create).await.is(409);
        let page = tenant.admin.get("/admin/v1/journal?operation=create").await;
        let entries = page["entries"].as_array().unwrap();
        let last: Vec<_> = entries[entries.len() - 3..]
            .iter()
            .map(|entry| (entry["status"].clone(), entry["dropped"] == true, entry["fault"].is_u64()))
            .collect();
        let expected = [(Value::Null, true, true), (json!(201), true, true), (json!(409), false, false)];
        assert_eq!(last, expected);
        assert!(entries[entries.len() - 3].get("refusal").is_none(), "nothing was decided: {page}");
        clear(&tenant.admin).await;
    }
}

#[tokio::test]
async fn rules_choose_by_client_and_provider() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let other = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    add(&tenant.admin, json!({"client_id": tenant.client_id, "status": 503})).await;
    tenant.send(&Op::Query.request(&tenant, "1")).await.is(503);
    other.send(&Op::Query.request(&other, "1")).await.is(200);
    clear(&tenant.admin).await;
    add(&tenant.admin, json!({"service_provider_id": other.provider, "status": 404})).await;
    tenant.send(&Op::Query.request(&tenant, "1")).await.is(200);
    other.send(&Op::Query.request(&other, "1")).await.is(404);
    // Who is not let in does not meet a rule.
    other.send(&Op::Query.bare_request(&other.provider, "1")).await.is(401);
    assert_eq!(counts(&tenant.admin).await, [(1, 1)]);
}

#[tokio::test]
async fn rules_choose_by_the_number_of_the_call() {
    let servers = [Server::start(Options::default()), Server::start(Options::default())];
    let mut drawn = Vec::new();
    for server in &servers {
        let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        let statuses = async |count: usize| {
            let mut statuses = Vec::new();
            for _ in 0..count {
                statuses.push(tenant.send(&Op::Query.request(&tenant, "1")).await.status);
            }
            clear(&tenant.admin).await;
            statuses
        };
        add(&tenant.admin, json!({"operation": "query", "status": 503, "nth": 2})).await;
        assert_eq!(statuses(4).await, [200, 503, 200, 200]);
        add(&tenant.admin, json!({"status": 503, "every": 2})).await;
        assert_eq!(statuses(4).await, [200, 503, 200, 503]);
        add(&tenant.admin, json!({"status": 503, "probability": 0.5, "seed": 7})).await;
        drawn.push(statuses(40).await);
    }
    assert_eq!(drawn[0], drawn[1], "the seed decides");
    assert!(drawn[0].contains(&200) && drawn[0].contains(&503), "{drawn:?}");
}

#[tokio::test]
async fn a_latency_is_waited_for_and_the_call_goes_on() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    add(&tenant.admin, json!({"operation": "create", "latency_ms": 300, "latency_max_ms": 400})).await;
    let started = Instant::now();
    tenant.create("7201", "1").await.is(201);
    assert!(started.elapsed() >= Duration::from_millis(300), "{:?}", started.elapsed());
    clear(&tenant.admin).await;
    add(&tenant.admin, json!({"latency_ms": 200, "status": 503})).await;
    let started = Instant::now();
    tenant.create("7202", "1").await.is(503);
    assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
}

#[tokio::test]
async fn the_token_endpoint_meets_rules_in_its_own_form() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let form = format!(
        "grant_type=client_credentials&scope=amazon_communication::service_provider&client_id={}&client_secret={}",
        tenant.client_id, tenant.client_secret
    );
    let login = Request::new(&Method::POST, "/auth/o2/token").body(form);
    for (status, code) in
        [(503, "temporarily_unavailable"), (401, "invalid_client"), (400, "invalid_request")]
    {
        add(
            &tenant.admin,
            json!({"operation": "token", "client_id": tenant.client_id, "status": status, "times": 1}),
        )
        .await;
        let answer = tenant.send(&login).await.expect(status).json();
        assert_eq!(answer["error"], code);
        tenant.send(&login).await.is(200);
    }
    add(&tenant.admin, json!({"operation": "token", "drop": "after", "times": 1})).await;
    tenant.try_send(&login).await.unwrap_err();
    tenant.send(&login).await.is(200);
}

#[tokio::test]
async fn operators_and_health_meet_no_rule_and_wrong_rules_are_refused() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let rule = add(&tenant.admin, json!({"status": 503})).await;
    tenant.send(&Request::new(&Method::GET, "/healthz")).await.is(200);
    tenant.send(&Request::new(&Method::GET, "/openapi.json")).await.is(200);
    tenant.admin.get("/admin/v1/status").await;
    tenant.admin.delete(&format!("/admin/v1/faults/{rule}")).await;
    for gone in [rule.to_string(), "0".to_owned(), "x".to_owned()] {
        let target = format!("/admin/v1/faults/{gone}");
        tenant.admin.call(&Method::DELETE, &target, &Value::Null).await.is(404);
    }
    tenant.create("7201", "1").await.is(201);
    for (bad, part) in [
        (json!({}), "status"),
        (json!({"status": 200}), "400 to 599"),
        (json!({"status": 503, "drop": "after"}), "exclude"),
        (json!({"status": 503, "operation": "admin"}), "operation"),
        (json!({"status": 503, "surprise": 1}), "surprise"),
        (json!({"latency_ms": 60_001}), "60000"),
    ] {
        tenant.admin.call(&Method::POST, "/admin/v1/faults", &bad).await.is_error(400, part);
    }
    for _ in 0..100 {
        add(&tenant.admin, json!({"operation": "delete", "status": 503})).await;
    }
    let more = json!({"status": 503});
    tenant.admin.call(&Method::POST, "/admin/v1/faults", &more).await.is_error(409, "100");
}
