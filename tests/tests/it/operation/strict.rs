//! Strict profiles: create and update want a profile that the organization has.

use jackfield_tests::tenant::profile;
use jackfield_tests::{Tenant, TenantOptions};
use serde_json::json;

async fn add_profile(tenant: &Tenant, suffix: &str) {
    let target = format!("/admin/v1/organizations/{}/profiles", tenant.organization);
    let body =
        json!({"id": profile(suffix), "unit": format!("amzn1.alexa.unit.did.{suffix}"), "name": "Room"});
    tenant.admin.create(&target, &body).await;
}

#[tokio::test]
async fn a_profile_must_be_known() {
    let tenant = Tenant::with(TenantOptions { strict: true, ..TenantOptions::default() }).await;
    let known = format!("known-{}", tenant.provider);
    let second = format!("second-{}", tenant.provider);
    tenant.create("7201", &known).await.is_error(404, "profile");
    assert_eq!(tenant.find("7201").await, None);
    add_profile(&tenant, &known).await;
    tenant.create("7201", &known).await.is(201);
    tenant.update("7201", &second).await.is_error(404, "profile");
    assert_eq!(tenant.find("7201").await, Some(known.clone()));
    add_profile(&tenant, &second).await;
    tenant.update("7201", &second).await.is(200);
    assert_eq!(tenant.find("7201").await, Some(second));
}

#[tokio::test]
async fn a_profile_of_another_organization_is_not_known() {
    let tenant = Tenant::with(TenantOptions { strict: true, ..TenantOptions::default() }).await;
    let other = Tenant::with(TenantOptions { strict: true, ..TenantOptions::default() }).await;
    let theirs = format!("theirs-{}", other.provider);
    add_profile(&other, &theirs).await;
    other.create("7201", &theirs).await.is(201);
    tenant.create("7201", &theirs).await.is_error(404, "profile");
}

#[tokio::test]
async fn strictness_can_be_switched() {
    let tenant = Tenant::fresh().await;
    let target = format!("/admin/v1/organizations/{}", tenant.organization);
    tenant.create("7201", "unknown").await.is(201);
    tenant.admin.patch(&target, &json!({"strict_profiles": true})).await;
    tenant.create("7202", "unknown").await.is(404);
    tenant.update("7201", "unknown").await.is(404);
    tenant.delete("7201").await.is(200);
    tenant.admin.patch(&target, &json!({"strict_profiles": false})).await;
    tenant.create("7202", "unknown").await.is(201);
}
