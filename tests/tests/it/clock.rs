//! The token clock: what expires, expires at once when it is moved; what happened when stays a fact.

use http::Method;
use jackfield_tests::{Admin, Options, Request, Server, Tenant, TenantOptions};
use serde_json::{Value, json};

use crate::operation::Op;

async fn set(admin: &Admin, offset: Value) {
    admin.call(&Method::PUT, "/admin/v1/clock", &json!({ "offset": offset })).await.is(200);
}

#[tokio::test]
async fn an_access_token_expires_when_the_clock_says_so() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let form = format!(
        "grant_type=client_credentials&scope=amazon_communication::service_provider&client_id={}&client_secret={}",
        tenant.client_id, tenant.client_secret
    );
    let login = Request::new(&Method::POST, "/auth/o2/token").body(form);
    let token = tenant.send(&login).await.expect(200).json()["access_token"].as_str().unwrap().to_owned();
    server.endpoint().keep_secret(&token);
    let query = || Op::Query.bare_request(&tenant.provider, "1").bearer(&token);
    set(&tenant.admin, json!("+59m")).await;
    tenant.send(&query()).await.is(200);
    set(&tenant.admin, json!(3_601)).await;
    tenant.send(&query()).await.is_error(401, "expired");
    let fresh = tenant.send(&login).await.expect(200).json()["access_token"].as_str().unwrap().to_owned();
    server.endpoint().keep_secret(&fresh);
    let renewed = Op::Query.bare_request(&tenant.provider, "1").bearer(&fresh);
    tenant.send(&renewed).await.is(200);
    set(&tenant.admin, json!("+2h 5m")).await;
    tenant.send(&renewed).await.is(401);
    set(&tenant.admin, json!("-1h")).await;
    tenant.send(&query()).await.is(200);
    set(&tenant.admin, json!(0)).await;
    tenant.send(&query()).await.is(200);
}

#[tokio::test]
async fn a_page_token_expires_after_24_hours() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    for n in 0..3 {
        tenant.create(&n.to_string(), "1").await.is(201);
    }
    let first = json!({"filters": {}, "paginationContext": {"maxResults": 1}});
    let page = tenant.query(&first).await.expect(200).json();
    let next = json!({"filters": {}, "paginationContext": {"maxResults": 1, "nextToken": page["paginationContext"]["nextPageToken"]}});
    let query = async |offset: i64| {
        set(&tenant.admin, json!(offset)).await;
        let token = tenant.admin.token(&tenant.client_id, &json!({})).await;
        let request = Request::new(&Method::POST, tenant.query_path()).bearer(&token).json(&next);
        tenant.send(&request).await
    };
    let day = 24 * 60 * 60;
    query(day - 60).await.is(200);
    query(day + 1).await.is_error(400, "expired");
    query(0).await.is(200);
}

#[tokio::test]
async fn what_happened_when_stays_a_fact_and_the_offset_is_seen_everywhere() {
    let server = Server::start(Options::with_flags(&["--clock", "+2days"]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
    tenant.create("7201", "1").await.is(409);
    let clock = tenant.admin.get("/admin/v1/clock").await;
    assert_eq!(clock["offset_seconds"], 2 * 24 * 60 * 60);
    let (time, system) = (clock["time"].as_str().unwrap(), clock["system_time"].as_str().unwrap());
    assert!(time > system, "{clock}");
    let changes = tenant.admin.changes(&tenant.provider, 0).await;
    assert!(changes.last().unwrap()["time"].as_str().unwrap()[..16] <= system[..16], "{changes:?} {clock}");
    let entry = &tenant.admin.get("/admin/v1/journal").await["entries"][0];
    assert!(entry["time"].as_str().unwrap()[..16] <= system[..16], "{entry} {clock}");
    assert_eq!(tenant.admin.get("/admin/v1/status").await["clock_offset_seconds"], 172_800);
    let metrics = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    assert!(
        metrics.text().lines().any(|line| line == "jackfield_clock_offset_seconds 172800"),
        "{metrics:?}"
    );
    assert!(server.log().contains("the token clock is not the system's clock"), "{}", server.log());
}

#[tokio::test]
async fn wrong_offsets_are_refused() {
    let server = Server::start(Options::default());
    let admin = Admin::new(server.endpoint());
    for bad in [json!("soon"), json!("+11years"), json!(400_000_000), json!(""), json!("--2h")] {
        let body = json!({ "offset": bad });
        admin.call(&Method::PUT, "/admin/v1/clock", &body).await.is_error(400, "offset");
    }
    admin.call(&Method::PUT, "/admin/v1/clock", &json!({"offset": "+2h", "x": 1})).await.is(400);
    assert_eq!(admin.get("/admin/v1/clock").await["offset_seconds"], 0);
    let ended = Server::try_start(Options::with_flags(&["--clock", "soon"])).unwrap_err();
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    let behind = Server::start(Options::with_flags(&["--clock", "-30m"]));
    assert_eq!(Admin::new(behind.endpoint()).get("/admin/v1/clock").await["offset_seconds"], -1_800);
}
