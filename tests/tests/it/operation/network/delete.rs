//! DELETE …/network

use jackfield_tests::Tenant;

use super::super::directory::{DirectoryOp, network, recorded};

const OP: DirectoryOp = DirectoryOp::DeleteNetwork;

#[tokio::test]
async fn a_mapping_goes_and_its_provider_stays() {
    let tenant = Tenant::fresh().await;
    let provider = OP.prepare(&tenant).await;
    let response = tenant.send(&OP.request(&tenant, &provider)).await.expect(200);
    assert!(response.body.is_empty());
    tenant.send(&DirectoryOp::GetNetwork.request(&tenant, &provider)).await.is(404);
    tenant.send(&OP.request(&tenant, &provider)).await.is_error(404, "network mapping");
    tenant.send(&DirectoryOp::GetProvider.request(&tenant, &provider)).await.is(200);
    let changes = recorded(&tenant, &provider).await;
    let (operation, before, after, request) = changes.last().unwrap();
    assert_eq!(operation, "service_provider.update");
    assert_eq!((&before["network"], after.get("network")), (&network("first"), None));
    assert_eq!(request, response.request_id());
    tenant.send(&DirectoryOp::CreateNetwork.request(&tenant, &provider)).await.is(201);
}

#[tokio::test]
async fn another_tenant_cannot_remove_it() {
    let (mine, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let provider = OP.prepare(&mine).await;
    other.send(&OP.request(&other, &provider)).await.is(401);
    mine.send(&DirectoryOp::GetNetwork.request(&mine, &provider)).await.is(200);
}
