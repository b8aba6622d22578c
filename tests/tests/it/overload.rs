//! What happens when there is too much: rate limits, the bound on requests in flight, maintenance.

use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::page::walk;
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{Options, Request, Server, Tenant, TenantOptions, Version, poll};
use serde_json::json;

use crate::login::{access_token, token_request, with_client};
use crate::operation::Op;
use crate::operation::directory::DirectoryOp;

fn limited(rate_limit: Option<u32>) -> TenantOptions {
    TenantOptions { rate_limit, ..TenantOptions::default() }
}

/// Sends queries as fast as they go until one is refused; answers how many went through and the refusal.
async fn until_refused(tenant: &Tenant, most: usize) -> (usize, jackfield_tests::Response) {
    for accepted in 0..=most {
        let response = tenant.send(&Op::Query.request(tenant, "7201")).await;
        if response.status == 429 {
            return (accepted, response);
        }
        response.is(200);
    }
    panic!("{most} requests went through at once");
}

#[tokio::test]
async fn a_client_that_is_too_fast_is_told_when_to_come_back() {
    let tenant = Tenant::with(limited(Some(2))).await;
    let (accepted, refusal) = until_refused(&tenant, 200).await;
    assert!(accepted >= 2, "{accepted} went through");
    let seconds: u64 = refusal.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    for op in Op::ALL {
        // A slow machine may have let a request in again by now, so each operation is asked until refused.
        let refused = async || (tenant.send(&op.request(&tenant, "none")).await.status == 429).then_some(());
        poll::until_async("every operation counts", poll::PATIENCE, refused).await;
    }
    let start = Instant::now();
    let served =
        async || (tenant.send(&Op::Query.request(&tenant, "7201")).await.status == 200).then_some(());
    poll::until_async("the rate allows again", Duration::from_secs(seconds + 2), served).await;
    assert!(start.elapsed() <= Duration::from_secs(seconds + 1), "Retry-After holds what it says");
}

#[tokio::test]
async fn one_clients_rate_is_not_anothers() {
    let (fast, calm) = (Tenant::with(limited(Some(1))).await, Tenant::with(limited(Some(1))).await);
    until_refused(&fast, 100).await;
    calm.send(&Op::Query.request(&calm, "7201")).await.is(200);
    // Another client of the same organization has a rate of its own.
    let target = format!("/admin/v1/organizations/{}/clients", fast.organization);
    let second = fast.admin.create(&target, &json!({"rate_limit": 1})).await;
    let token = fast.admin.token(second["id"].as_str().unwrap(), &json!({})).await;
    fast.send(&Op::Query.bare_request(&fast.provider, "7201").bearer(&token)).await.is(200);
}

#[tokio::test]
async fn the_default_rate_is_a_flag_and_a_client_may_have_its_own() {
    let server = Server::start(Options::with_flags(&["--rate-limit", "3"]));
    let default = Tenant::on(server.endpoint(), limited(None)).await;
    let (accepted, _) = until_refused(&default, 200).await;
    // Three a second, a burst of twice that, and what comes in again while the burst is sent.
    assert!((3..=60).contains(&accepted), "{accepted} went through");
    let unlimited = Tenant::on(server.endpoint(), limited(Some(0))).await;
    for _ in 0..100 {
        unlimited.send(&Op::Query.request(&unlimited, "7201")).await.is(200);
    }
    let target = format!("/admin/v1/clients/{}", default.client_id);
    default.admin.patch(&target, &json!({"rate_limit": 0})).await;
    let freed =
        async || (default.send(&Op::Query.request(&default, "7201")).await.status == 200).then_some(());
    poll::until_async("the new rate holds", Duration::from_secs(1), freed).await;
    for _ in 0..50 {
        default.send(&Op::Query.request(&default, "7201")).await.is(200);
    }
}

#[tokio::test]
async fn no_rate_limit_is_a_choice() {
    let server = Server::start(Options::with_flags(&["--rate-limit", "0"]));
    let tenant = Tenant::on(server.endpoint(), limited(None)).await;
    for _ in 0..300 {
        tenant.send(&Op::Query.request(&tenant, "7201")).await.is(200);
    }
}

#[tokio::test]
async fn more_in_flight_than_allowed_is_shed() {
    let server = Server::start(Options::with_flags(&["--max-in-flight", "2"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    // Two requests that take their time, one after the other and with nothing beside them: what came while a place was
    // taken for a moment would be shed itself.
    let rule = json!({"operation": "create", "latency_ms": 8_000, "times": 2});
    tenant.admin.create("/admin/v1/faults", &rule).await;
    let mut held = Vec::new();
    for id in ["held 1", "held 2"] {
        let slow = tenant.again(Version::Http1);
        held.push(tokio::spawn(async move { slow.create(id, "1").await }));
        let taken = async || (in_flight(&tenant).await == held.len()).then_some(());
        poll::until_async("the place is taken", poll::PATIENCE, taken).await;
    }
    for op in Op::ALL {
        let response = tenant.send(&op.request(&tenant, "7201")).await.expect(503);
        assert!(response.message().contains("overloaded"), "{response:?}");
    }
    for op in DirectoryOp::ALL {
        let id = op.prepare(&tenant).await;
        let response = tenant.send(&op.request(&tenant, &id)).await.expect(503);
        assert!(response.message().contains("overloaded"), "{response:?}");
    }
    let login = Request::new(&Method::POST, "/auth/o2/token").body("grant_type=client_credentials");
    // Logins have places of their own.
    tenant.send(&login).await.is(401);
    // Operators and health checks get through.
    tenant.admin.get("/admin/v1/status").await;
    tenant.send(&Request::new(&Method::GET, "/healthz")).await.is(200);
    for slow in held {
        slow.await.unwrap().is(201);
    }
    let found = walk(&tenant, &json!({}), 100).await.found;
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["held 1", "held 2"], "what was shed was not stored");
}

/// Requests that the public listener is working on.
pub(crate) async fn in_flight(tenant: &Tenant) -> usize {
    let metrics = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    let lines = metrics.text().lines();
    let value = lines.filter_map(|line| line.strip_prefix("jackfield_requests_in_flight ")).next().unwrap();
    value.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_overload_what_is_acknowledged_is_stored_and_the_rest_is_not() {
    let server = Server::start(Options::with_flags(&["--max-in-flight", "2"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let clients: Vec<_> = (0..32)
        .map(|client| {
            let tenant = tenant.again(if client % 2 == 0 { Version::Http1 } else { Version::Http2 });
            tokio::spawn(async move {
                let mut created = Vec::new();
                for n in 0..25 {
                    let id = format!("{client}-{n}");
                    let response = tenant.create(&id, "1").await;
                    assert!(matches!(response.status, 201 | 503), "{response:?}");
                    if response.status == 201 {
                        created.push(id);
                    }
                }
                created
            })
        })
        .collect();
    let mut created = Vec::new();
    for client in clients {
        created.extend(client.await.unwrap());
    }
    created.sort();
    let walk = walk(&tenant, &json!({}), 100).await;
    let found: Vec<String> = walk.found.into_iter().map(|(id, _)| id).collect();
    assert_eq!(found, created);
    assert_eq!(walk.total_count, created.len() as u64);
}

#[tokio::test]
async fn maintenance_is_503_for_clients_and_not_for_operators() {
    let mut server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
    tenant.admin.maintenance(true, 17).await;
    let closed = async || {
        for op in Op::ALL {
            let response = tenant.send(&op.request(&tenant, "7202")).await.expect(503);
            assert_eq!(response.header("Retry-After"), Some("17"), "{response:?}");
        }
        for op in DirectoryOp::ALL {
            let id = op.prepare(&tenant).await;
            tenant.send(&op.request(&tenant, &id)).await.is_error(503, "maintenance");
        }
    };
    closed().await;
    // The login goes on: who waits for the end of it has a token by then.
    let credentials = [("grant_type", "client_credentials"), ("scope", SCOPE)];
    let token = tenant.send(&token_request(&with_client(&tenant, &credentials))).await;
    let info = format!("/auth/o2/tokeninfo?access_token={}", access_token(&token).replace('|', "%7C"));
    tenant.send(&Request::new(&Method::GET, info)).await.is(200);
    assert_eq!(tenant.admin.get("/admin/v1/maintenance").await, json!({"enabled": true, "retry_after": 17}));
    tenant.admin.get("/admin/v1/organizations").await;
    tenant.send(&Request::new(&Method::GET, "/healthz")).await.is(200);
    server.terminate();
    server.restart();
    closed().await;
    tenant.admin.maintenance(false, 17).await;
    let open = async || (tenant.send(&Op::Query.request(&tenant, "7201")).await.status == 200).then_some(());
    poll::until_async("maintenance is over", Duration::from_secs(1), open).await;
    assert_eq!(tenant.find("7202").await, None, "nothing was stored meanwhile");
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1"));
    for bad in [json!({"enabled": true, "retry_after": 86_401}), json!({}), json!({"enabled": true, "x": 1})]
    {
        tenant.admin.call(&Method::PUT, "/admin/v1/maintenance", &bad).await.is(400);
    }
}
