//! Quotas of an organization: 403 at the bound, for clients and operators alike, and nothing is lost.

use http::Method;
use jackfield_tests::metrics::parse;
use jackfield_tests::{Options, Request, Response, Server, Tenant, TenantOptions};
use serde_json::{Value, json};

use crate::operation::directory::{DirectoryOp, fresh, names, unit};

async fn tenant(server: &Server, quotas: &Value) -> Tenant {
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    set(&tenant, quotas).await;
    tenant
}

/// Sets quotas; answers all of them.
async fn set(tenant: &Tenant, quotas: &Value) -> Value {
    let target = format!("/admin/v1/organizations/{}", tenant.organization);
    tenant.admin.patch(&target, &json!({"quotas": quotas})).await["quotas"].clone()
}

async fn create(tenant: &Tenant, op: DirectoryOp, body: &Value) -> Response {
    tenant.send(&tenant.request(&op.method(), op.target("")).json(body)).await
}

fn desk(logical_id: &str) -> Value {
    json!({"serviceProviderLogicalId": logical_id, "displayName": names("a")})
}

fn of_unit(name: &str) -> Value {
    json!({"entity": {"type": "UNIT", "id": unit(name)}})
}

async fn refused_by_operators(tenant: &Tenant, what: &str, body: &Value, part: &str) {
    let target = format!("/admin/v1/organizations/{}/{what}", tenant.organization);
    let answer = tenant.admin.call(&Method::POST, &target, body).await;
    answer.is_error(403, part);
}

#[tokio::test]
async fn service_providers_and_clients_are_bounded() {
    let server = Server::start(Options::default());
    // There is one of each.
    let tenant = tenant(&server, &json!({"service_providers": 2, "clients": 1})).await;
    create(&tenant, DirectoryOp::CreateProvider, &desk("second")).await.is(201);
    let refused = create(&tenant, DirectoryOp::CreateProvider, &desk("third")).await;
    refused.is_error(403, "at most 2 service providers");
    assert_eq!(refused.json()["type"], "FORBIDDEN");
    create(&tenant, DirectoryOp::CreateProvider, &desk("second"))
        .await
        .is_error(409, "serviceProviderLogicalId");
    refused_by_operators(&tenant, "serviceProviders", &json!({"logical_id": "x"}), "at most 2").await;
    refused_by_operators(&tenant, "clients", &json!({}), "at most 1 clients").await;
    let entries = tenant.admin.get("/admin/v1/journal?operation=create_provider&status=403").await;
    assert_eq!(entries["entries"][0]["refusal"], json!({"check": "quota", "reason": "reached"}));
    let samples = parse(tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.text()).unwrap();
    let value = |name: &str, label: &str| {
        let mut found = samples.iter().filter(|sample| sample.name == name);
        let wanted =
            found.find(|sample| label.is_empty() || sample.labels.values().any(|value| value == label));
        wanted.map_or(0.0, |sample| sample.value)
    };
    assert!(value("jackfield_limited_total", "quota") >= 3.0, "{samples:?}");
    assert!(value("jackfield_registry_bytes", "") > 1_000.0, "{samples:?}");
}

#[tokio::test]
async fn profiles_are_bounded_one_by_one_and_in_batches() {
    let server = Server::start(Options::default());
    let tenant = tenant(&server, &json!({"profiles": 2})).await;
    let units = [fresh(), fresh(), fresh()];
    create(&tenant, DirectoryOp::CreateProfile, &of_unit(&units[0])).await.is(201);
    let items: Vec<Value> = units
        .iter()
        .enumerate()
        .map(|(number, owner)| json!({"itemId": number.to_string(), "entity": {"type": "UNIT", "id": unit(owner)}}))
        .collect();
    let answer =
        create(&tenant, DirectoryOp::CreateProfiles, &json!({"items": items})).await.expect(207).json();
    let statuses: Vec<u64> =
        answer["items"].as_array().unwrap().iter().map(|item| item["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 201, 403]);
    assert_eq!(answer["items"][2]["error"]["type"], "FORBIDDEN");
    let message = answer["items"][2]["error"]["message"].as_str().unwrap();
    assert!(message.contains("at most 2 communication profiles"), "{message}");
    create(&tenant, DirectoryOp::CreateProfile, &of_unit(&units[2])).await.is_error(403, "at most 2");
    // The profile of a unit that has one is no new one.
    create(&tenant, DirectoryOp::CreateProfile, &of_unit(&units[1])).await.is(201);
    refused_by_operators(&tenant, "profiles", &json!({"unit": unit(&units[2])}), "at most 2").await;
}

#[tokio::test]
async fn a_lowered_quota_removes_nothing_and_an_operator_can_raise_it() {
    let server = Server::start(Options::default());
    let tenant = tenant(&server, &json!({})).await;
    let defaults = json!({
        "service_providers": 1_000, "clients": 100, "profiles": 100_000,
        "units": 100_000, "address_books": 35_000, "contacts": 2_000,
    });
    assert_eq!(set(&tenant, &json!({})).await, defaults);
    create(&tenant, DirectoryOp::CreateProvider, &desk("second")).await.is(201);
    let lowered = set(&tenant, &json!({"service_providers": 0})).await;
    let mut expected = defaults.clone();
    expected["service_providers"] = 0.into();
    assert_eq!(lowered, expected);
    let target = format!("/admin/v1/organizations/{}/serviceProviders", tenant.organization);
    assert_eq!(tenant.admin.get(&target).await["items"].as_array().unwrap().len(), 2);
    tenant.create("7201", "1").await.is(201);
    create(&tenant, DirectoryOp::CreateProvider, &desk("third")).await.is_error(403, "at most 0");
    set(&tenant, &json!({"service_providers": 3})).await;
    create(&tenant, DirectoryOp::CreateProvider, &desk("third")).await.is(201);
    let of = format!("/admin/v1/organizations/{}", tenant.organization);
    for (quotas, part) in [
        (json!({"profiles": 10_000_001}), "quotas.profiles is above 10000000"),
        (json!({"providers": 1}), "providers"),
        (json!({"clients": -1}), "clients"),
        (json!([1, 2, 3]), "quotas"),
        (json!({"clients": null}), "quotas"),
    ] {
        let answer = tenant.admin.call(&Method::PATCH, &of, &json!({"quotas": quotas})).await;
        assert_eq!(answer.status, 400, "{quotas}: {answer:?} {part}");
    }
}
