//! What a restart must find again.

use http::Method;
use jackfield_tests::page::walk;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Options, Request, Server, Tenant, TenantOptions, Version};
use serde_json::{Value, json};

use crate::operation::Op;
use crate::operation::directory::DirectoryOp;

/// Everything that an operator can see of a tenant.
async fn picture(tenant: &Tenant) -> Value {
    let organization = format!("/admin/v1/organizations/{}", tenant.organization);
    json!({
        "organization": tenant.admin.get(&organization).await,
        "clients": tenant.admin.get(&format!("{organization}/clients")).await,
        "providers": tenant.admin.get(&format!("{organization}/serviceProviders")).await,
        "profiles": tenant.admin.get(&format!("{organization}/profiles")).await,
        "associations": walk(tenant, &json!({}), 100).await.found,
        "changes": tenant.admin.changes(&tenant.provider, 0).await,
        "all changes": tenant.admin.get("/admin/v1/changes?limit=1000").await,
    })
}

#[tokio::test]
async fn everything_is_found_again() {
    let mut server = Server::start(Options::default());
    let tenant =
        Tenant::on(server.endpoint(), TenantOptions { strict: true, ..TenantOptions::default() }).await;
    let organization = format!("/admin/v1/organizations/{}", tenant.organization);
    for n in 0..3 {
        let body =
            json!({"id": profile(&n.to_string()), "unit": format!("amzn1.alexa.unit.did.{n}"), "name": "é"});
        tenant.admin.create(&format!("{organization}/profiles"), &body).await;
    }
    for n in 0..150 {
        tenant.create(&format!("id {n} 😀"), "0").await.is(201);
    }
    for n in (0..150).step_by(3) {
        tenant.update(&format!("id {n} 😀"), "1").await.is(200);
    }
    for n in (0..150).step_by(7) {
        tenant.delete(&format!("id {n} 😀")).await.is(200);
    }
    tenant
        .admin
        .patch(&format!("/admin/v1/clients/{}", tenant.client_id), &json!({"rate_limit": 500_000}))
        .await;
    // These operations leave providers with and without a network mapping, and profiles with names.
    for op in DirectoryOp::ALL {
        let id = op.prepare(&tenant).await;
        tenant.send(&op.request(&tenant, &id)).await.is(op.success());
    }
    let in_use = tenant.request(&Method::DELETE, format!("/v1/communications/profile/{}", profile("1")));
    tenant.send(&in_use).await.is(409);
    let before = picture(&tenant).await;
    for round in 0..3 {
        if round == 1 {
            server.kill9();
        } else {
            server.terminate();
        }
        server.restart();
        assert_eq!(picture(&tenant).await, before, "after restart {round}");
        // The token that was issued before is still good, and so is the secret.
        tenant.send(&Op::Query.request(&tenant, "7201")).await.is(200);
        tenant.send(&in_use).await.is(409);
        let form = format!(
            "grant_type=client_credentials&scope={}&client_id={}&client_secret={}",
            jackfield_tests::tenant::SCOPE,
            tenant.client_id,
            tenant.client_secret
        );
        tenant.send(&Request::new(&Method::POST, "/auth/o2/token").body(form)).await.is(200);
    }
    server.terminate();
}

#[tokio::test]
async fn a_write_is_durable_when_it_is_answered() {
    let mut server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for n in 0..10 {
        tenant.create(&n.to_string(), "1").await.is(201);
        server.kill9();
        server.restart();
        assert_eq!(tenant.find(&n.to_string()).await.as_deref(), Some("1"), "create {n}");
    }
    tenant.update("3", "2").await.is(200);
    server.kill9();
    server.restart();
    assert_eq!(tenant.find("3").await.as_deref(), Some("2"));
    tenant.delete("3").await.is(200);
    server.kill9();
    server.restart();
    assert_eq!(tenant.find("3").await, None);
    let revoked = tenant.again(Version::Http1);
    let target = format!("/admin/v1/clients/{}", tenant.client_id);
    tenant.admin.patch(&target, &json!({"enabled": false})).await;
    server.kill9();
    server.restart();
    revoked.send(&Op::Query.request(&revoked, "3")).await.is(401);
}

#[tokio::test]
async fn memory_forgets() {
    let mut server = Server::start(Options { store: Some("memory:".to_owned()), ..Options::default() });
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for op in Op::ALL {
        op.prepare(&tenant, "7201").await;
        tenant.send(&op.request(&tenant, "7201")).await.is(op.success());
    }
    server.terminate();
    server.restart();
    assert_eq!(tenant.admin.get("/admin/v1/organizations").await["items"], json!([]));
}
