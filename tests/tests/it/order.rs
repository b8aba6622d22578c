//! The order of the checks: route, authentication, rate, scope, provider known, provider owned, add-on and
//! availability, body, state. Each request here breaks several rules; the first one answers.

use http::Method;
use jackfield_tests::{Request, Tenant, TenantOptions};
use serde_json::json;

use crate::operation::Op;
use crate::operation::directory::{DirectoryOp, Subject};

const UNKNOWN: &str = "amzn1.comms.csp.id.00000000-0000-4000-8000-000000000000";

/// A request with a body that no operation takes.
fn bad_body(op: Op, provider: &str, token: &str) -> Request {
    Request::new(&op.method(), op.path(provider)).bearer(token).body("{\"externalUserId\":7")
}

async fn scopeless(tenant: &Tenant) -> String {
    tenant.admin.token(&tenant.client_id, &json!({"scopes": ["profile"]})).await
}

#[tokio::test]
async fn the_route_comes_before_authentication() {
    let tenant = Tenant::fresh().await;
    tenant.send(&Request::new(&Method::GET, tenant.path()).bearer("nonsense")).await.is(405);
    tenant.send(&Request::new(&Method::POST, tenant.path() + "/x").bearer("nonsense")).await.is(404);
}

#[tokio::test]
async fn authentication_comes_before_provider_and_body() {
    let tenant = Tenant::fresh().await;
    for op in Op::ALL {
        for provider in [&tenant.provider, UNKNOWN, "nonsense"] {
            tenant.send(&bad_body(op, provider, "nonsense")).await.is(401);
            tenant
                .send(&Request::new(&op.method(), op.path(provider)).body("x".repeat(100_000)))
                .await
                .is(401);
        }
    }
}

#[tokio::test]
async fn the_rate_comes_after_authentication_and_before_the_scope() {
    for op in Op::ALL {
        let tenant = Tenant::with(TenantOptions { rate_limit: Some(1), ..TenantOptions::default() }).await;
        let token = scopeless(&tenant).await;
        let mut statuses = Vec::new();
        while statuses.last() != Some(&429) {
            statuses.push(tenant.send(&bad_body(op, UNKNOWN, &token)).await.status);
            assert!(statuses.len() < 30, "one request a second is allowed: {statuses:?}");
        }
        assert_eq!(statuses[0], 403, "{op:?}: {statuses:?}");
        tenant.send(&bad_body(op, UNKNOWN, "nonsense")).await.is(401);
    }
}

#[tokio::test]
async fn the_scope_comes_before_the_provider() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    let token = scopeless(&tenant).await;
    for op in Op::ALL {
        for provider in [&tenant.provider, &other.provider, UNKNOWN, "nonsense"] {
            tenant.send(&bad_body(op, provider, &token)).await.is(403);
        }
    }
}

#[tokio::test]
async fn the_provider_comes_before_add_on_availability_and_body() {
    let off = Tenant::with(TenantOptions { webrtc: false, ..TenantOptions::default() }).await;
    let elsewhere = Tenant::with(TenantOptions { country: "JP", ..TenantOptions::default() }).await;
    for tenant in [&off, &elsewhere] {
        let other = Tenant::fresh().await;
        for op in Op::ALL {
            tenant.send(&bad_body(op, UNKNOWN, &tenant.token)).await.is(404);
            tenant.send(&bad_body(op, &other.provider, &tenant.token)).await.is(401);
            tenant.send(&bad_body(op, &tenant.provider, &tenant.token)).await.is(403);
        }
    }
}

/// A request of these operations that breaks every rule that comes after the path.
fn bad_directory_body(op: DirectoryOp, id: &str, token: &str) -> Request {
    Request::new(&op.method(), op.target(id)).bearer(token).body("{\"itemId\":7")
}

#[tokio::test]
async fn the_family_keeps_the_order() {
    let (tenant, other) = (Tenant::fresh().await, Tenant::fresh().await);
    // Nothing is available there, with add-on or without.
    let off = TenantOptions { webrtc: false, vertical: "core", country: "JP", ..TenantOptions::default() };
    let off = Tenant::with(off).await;
    let token = scopeless(&tenant).await;
    for op in DirectoryOp::ALL {
        let theirs = op.prepare(&other).await;
        tenant.send(&bad_directory_body(op, &theirs, "nonsense")).await.is(401);
        tenant.send(&bad_directory_body(op, &theirs, &token)).await.is(403);
        if op.subject() != Subject::Organization {
            off.send(&bad_directory_body(op, "nonsense", &off.token)).await.is(404);
            off.send(&bad_directory_body(op, &theirs, &off.token)).await.is(401);
        }
        let mine = op.prepare(&off).await;
        off.send(&bad_directory_body(op, &mine, &off.token)).await.is(403);
        if op.has_body() {
            let mine = op.prepare(&tenant).await;
            tenant.send(&bad_directory_body(op, &mine, &tenant.token)).await.is(400);
        }
    }
}

#[tokio::test]
async fn the_body_of_the_family_comes_before_the_state() {
    let tenant = Tenant::fresh().await;
    let mapped = DirectoryOp::GetNetwork.prepare(&tenant).await;
    tenant.send(&bad_directory_body(DirectoryOp::CreateNetwork, &mapped, &tenant.token)).await.is(400);
    tenant
        .send(&bad_directory_body(DirectoryOp::UpdateNetwork, &tenant.provider, &tenant.token))
        .await
        .is(400);
    let taken = json!({"serviceProviderLogicalId": "switchboard", "displayName": []});
    let create = tenant.request(&Method::POST, DirectoryOp::CreateProvider.target("")).json(&taken);
    tenant.send(&create).await.is(400);
}

#[tokio::test]
async fn the_body_comes_before_the_state() {
    let tenant = Tenant::fresh().await;
    tenant.create("7201", "1234").await.is(201);
    let wrong_type = |id: &str| {
        let mut body = Op::Create.body(id);
        body["amazonIdType"] = json!("phone");
        body
    };
    tenant.send(&tenant.create_request(&wrong_type("7201"))).await.is(400);
    tenant.send(&tenant.update_request(&wrong_type("none"))).await.is(400);
    tenant.send(&tenant.delete_request(&json!({"externalUserId": " none"}))).await.is(400);
}
