//! POST …/network

use jackfield_tests::{Request, Tenant};
use serde_json::{Value, json};

use super::super::directory::{DirectoryOp, network, recorded, refuses};
use super::bad_mappings;

const OP: DirectoryOp = DirectoryOp::CreateNetwork;

async fn get(tenant: &Tenant) -> Option<Value> {
    let response = tenant.send(&DirectoryOp::GetNetwork.request(tenant, &tenant.provider)).await;
    (response.status == 200).then(|| response.json())
}

#[tokio::test]
async fn a_network_is_mapped_once() {
    let tenant = Tenant::fresh().await;
    let create =
        |skill: &str| tenant.request(&OP.method(), OP.target(&tenant.provider)).json(&network(skill));
    let response = tenant.send(&create("one")).await.expect(201);
    assert!(response.body.is_empty());
    assert_eq!(get(&tenant).await, Some(network("one")));
    for skill in ["one", "two"] {
        tenant.send(&create(skill)).await.is_error(409, "PUT");
    }
    assert_eq!(get(&tenant).await, Some(network("one")));
    let changes = recorded(&tenant, &tenant.provider).await;
    let (operation, before, after, request) = changes.last().unwrap();
    assert_eq!(operation, "service_provider.update");
    assert_eq!((before.get("network"), &after["network"]), (None, &network("one")));
    assert_eq!((changes.len(), request.as_str()), (2, response.request_id()));
    let seen = tenant.admin.get(&format!("/admin/v1/serviceProviders/{}", tenant.provider)).await;
    assert_eq!(seen["network"], network("one"));
}

#[tokio::test]
async fn the_skill_is_bounded_and_the_rest_ignored() {
    let tenant = Tenant::fresh().await;
    for suffix in ["a", "A.b_c-9", &"a".repeat(254), &"a".repeat(255)] {
        let provider = tenant.new_provider(suffix).await;
        let mut body = network(suffix);
        body["more"] = json!({"skillId": 7});
        body["skillConfiguration"]["stage"] = json!(["live"]);
        tenant.send(&tenant.request(&OP.method(), OP.target(&provider)).json(&body)).await.is(201);
        let found = tenant.send(&DirectoryOp::GetNetwork.request(&tenant, &provider)).await.expect(200);
        assert_eq!(found.json(), network(suffix));
    }
}

#[tokio::test]
async fn refusals_name_the_property_and_store_nothing() {
    let tenant = Tenant::fresh().await;
    refuses(&tenant, OP, &tenant.provider, &bad_mappings()).await;
    assert_eq!(get(&tenant).await, None);
}

#[tokio::test]
async fn another_tenant_cannot_map() {
    let (mine, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let intruder = Request::new(&OP.method(), OP.target(&mine.provider)).json(&network("a"));
    other.send(&intruder.bearer(&other.token)).await.is(401);
    assert_eq!(get(&mine).await, None);
}
