//! PUT …/network

use jackfield_tests::{Request, Tenant};

use super::super::directory::{DirectoryOp, network, recorded, refuses};
use super::bad_mappings;

const OP: DirectoryOp = DirectoryOp::UpdateNetwork;

#[tokio::test]
async fn a_mapping_is_replaced_and_never_created() {
    let tenant = Tenant::fresh().await;
    let put =
        |provider: &str, skill: &str| tenant.request(&OP.method(), OP.target(provider)).json(&network(skill));
    tenant.send(&put(&tenant.provider, "one")).await.is_error(404, "network mapping");
    let provider = OP.prepare(&tenant).await;
    let response = tenant.send(&put(&provider, "one")).await.expect(200);
    assert!(response.body.is_empty());
    let get =
        async || tenant.send(&DirectoryOp::GetNetwork.request(&tenant, &provider)).await.expect(200).json();
    assert_eq!(get().await, network("one"));
    tenant.send(&put(&provider, "one")).await.is(200);
    let changes = recorded(&tenant, &provider).await;
    let (_, before, after, request) = changes.last().unwrap();
    assert_eq!((&before["network"], &after["network"]), (&network("first"), &network("one")));
    assert_eq!(request, response.request_id(), "the second update changed nothing");
    let longest = "a".repeat(255);
    tenant.send(&put(&provider, &longest)).await.is(200);
    assert_eq!(get().await, network(&longest));
}

#[tokio::test]
async fn refusals_name_the_property_and_change_nothing() {
    let tenant = Tenant::fresh().await;
    let provider = OP.prepare(&tenant).await;
    refuses(&tenant, OP, &provider, &bad_mappings()).await;
    let found = tenant.send(&DirectoryOp::GetNetwork.request(&tenant, &provider)).await.expect(200);
    assert_eq!(found.json(), network("first"));
}

#[tokio::test]
async fn another_tenant_cannot_change_it() {
    let (mine, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let provider = OP.prepare(&mine).await;
    let intruder = Request::new(&OP.method(), OP.target(&provider)).json(&network("theirs"));
    other.send(&intruder.bearer(&other.token)).await.is(401);
    let found = mine.send(&DirectoryOp::GetNetwork.request(&mine, &provider)).await.expect(200);
    assert_eq!(found.json(), network("first"));
}
