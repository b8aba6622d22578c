//! GET …/network

use jackfield_tests::Tenant;

use super::super::directory::{DirectoryOp, network};

const OP: DirectoryOp = DirectoryOp::GetNetwork;

#[tokio::test]
async fn the_mapping_is_shown_when_there_is_one() {
    let tenant = Tenant::fresh().await;
    tenant.send(&OP.request(&tenant, &tenant.provider)).await.is_error(404, "network mapping");
    let provider = OP.prepare(&tenant).await;
    let response = tenant.send(&OP.request(&tenant, &provider)).await.expect(200);
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    assert_eq!(response.json(), network("first"));
}

#[tokio::test]
async fn another_organizations_mapping_is_not_shown() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let provider = OP.prepare(&other).await;
    let refusal = tenant.send(&OP.request(&tenant, &provider)).await.expect(401);
    assert!(!refusal.text().contains("ask.skill"), "{refusal:?}");
}
