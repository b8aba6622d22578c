//! DELETE /v1/communications/profile/{profileId}

use jackfield_tests::{Tenant, TenantOptions};
use serde_json::{Value, json};

use super::super::directory::{DirectoryOp, recorded};
use super::{get, intrude};

const OP: DirectoryOp = DirectoryOp::DeleteProfile;

fn suffix(id: &str) -> &str {
    id.strip_prefix(jackfield_model::AmazonId::PREFIX).unwrap()
}

#[tokio::test]
async fn a_profile_goes_and_its_unit_is_free() {
    let tenant = Tenant::fresh().await;
    let id = OP.prepare(&tenant).await;
    let entity = get(&tenant, &id).await.expect(200).json()["entity"].clone();
    let response = tenant.send(&OP.request(&tenant, &id)).await.expect(200);
    assert!(response.body.is_empty());
    get(&tenant, &id).await.is(404);
    tenant.send(&OP.request(&tenant, &id)).await.is(404);
    let changes = recorded(&tenant, &id).await;
    let (operation, _, after, request) = changes.last().unwrap();
    assert_eq!((operation.as_str(), after), ("profile.delete", &Value::Null));
    assert_eq!(request, response.request_id());
    let again = super::create(&tenant, &json!({"entity": entity})).await.expect(201).json();
    assert_ne!(super::profile_id(&again), id);
}

#[tokio::test]
async fn a_strict_organization_keeps_a_profile_that_is_in_use() {
    let tenant = Tenant::with(TenantOptions { strict: true, ..TenantOptions::default() }).await;
    let (id, other) = (OP.prepare(&tenant).await, OP.prepare(&tenant).await);
    tenant.create("7201", suffix(&id)).await.is(201);
    tenant.create("7202", suffix(&id)).await.is(201);
    let refused = async || tenant.send(&OP.request(&tenant, &id)).await.is_error(409, "associations");
    refused().await;
    let by_operator = format!("/admin/v1/profiles/{id}");
    tenant.admin.call(&http::Method::DELETE, &by_operator, &Value::Null).await.is(409);
    get(&tenant, &id).await.is(200);
    tenant.delete("7201").await.is(200);
    refused().await;
    tenant.update("7202", suffix(&other)).await.is(200);
    tenant.send(&OP.request(&tenant, &id)).await.is(200);
    tenant.send(&OP.request(&tenant, &other)).await.is(409);
    let cascade = DirectoryOp::DeleteProvider.target(&tenant.provider) + "?cascade=true";
    tenant.send(&tenant.request(&http::Method::DELETE, cascade)).await.is(200);
    tenant.send(&OP.request(&tenant, &other)).await.is(200);
}

#[tokio::test]
async fn other_organizations_lose_it_and_their_associations_stay() {
    let tenant = Tenant::fresh().await;
    let id = OP.prepare(&tenant).await;
    tenant.create("7201", suffix(&id)).await.is(201);
    tenant.send(&OP.request(&tenant, &id)).await.is(200);
    assert_eq!(tenant.find("7201").await.as_deref(), Some(suffix(&id)));
}

#[tokio::test]
async fn associations_of_other_organizations_are_no_hindrance() {
    let strict = || Tenant::with(TenantOptions { strict: true, ..TenantOptions::default() });
    let (tenant, other) = (strict().await, Tenant::fresh().await);
    let id = OP.prepare(&tenant).await;
    other.create("7201", suffix(&id)).await.is(201);
    tenant.send(&OP.request(&tenant, &id)).await.is(200);
}

#[tokio::test]
async fn another_tenant_cannot_delete() {
    let (mine, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let id = OP.prepare(&mine).await;
    other.send(&intrude(&other, OP.bare_request(&id))).await.is(401);
    get(&mine, &id).await.is(200);
}
