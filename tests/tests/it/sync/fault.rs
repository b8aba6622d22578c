//! A server that answers badly: the state is the list's all the same, nothing is done twice, and not much is asked.

use jackfield_tests::{Admin, Options, Server, Tenant, TenantOptions};
use serde_json::json;

use super::{Desk, changed, rooms, state};

/// Rules that spoil one request in five, a fifth of them in each way.
pub(super) async fn spoil(admin: &Admin, seed: u64) -> u64 {
    let counter = counter(admin).await;
    let kinds = [
        json!({"status": 429, "retry_after": 1}),
        json!({"status": 500}),
        json!({"status": 503, "retry_after": 1}),
        json!({"drop": "before"}),
        json!({"drop": "after"}),
    ];
    for (at, mut rule) in kinds.into_iter().enumerate() {
        // A rule sees what the ones before it let pass.
        let passed = 1.0 - 0.04 * f64::from(u8::try_from(at).unwrap());
        rule["probability"] = json!(0.04 / passed);
        rule["seed"] = json!(seed + at as u64);
        admin.create("/admin/v1/faults", &rule).await;
    }
    counter
}

/// A rule that is never met and counts the requests.
pub(super) async fn counter(admin: &Admin) -> u64 {
    let rule = json!({"status": 500, "probability": 0.0});
    admin.create("/admin/v1/faults", &rule).await["id"].as_u64().unwrap()
}

/// How many requests a [`counter`] has counted.
pub(super) async fn requests(admin: &Admin, counter: u64) -> u64 {
    let list = admin.get("/admin/v1/faults").await;
    let rules = list["faults"].as_array().unwrap();
    rules.iter().find(|rule| rule["id"] == counter).unwrap()["calls"].as_u64().unwrap()
}

#[tokio::test]
async fn one_request_in_five_goes_wrong() {
    let server = Server::start(Options::default());
    for seed in [1, 2] {
        let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        let desk = Desk::of(&tenant);
        let first = rooms(330, "");
        desk.list("first.csv", &first);
        desk.run(&["sync", "first.csv", "--yes"]).is(0);
        let mut second: std::collections::BTreeMap<_, _> = first.into_iter().take(300).collect();
        second.extend(rooms(150, "new"));
        second.extend((0..200).map(|n| (format!("suite {n}"), jackfield_tests::tenant::profile("s"))));
        desk.list("second.csv", &second);

        let counter = spoil(&tenant.admin, seed * 100).await;
        let told = desk.json(&["sync", "second.csv", "--yes", "--delete-missing"], 0);
        let requests = requests(&tenant.admin, counter).await;
        tenant.admin.delete("/admin/v1/faults").await;

        assert_eq!(told["applied"]["counts"], json!({"create": 200, "update": 150, "delete": 30}));
        assert!(told["applied"]["foundDone"].as_u64().unwrap() > 0, "answers were lost: {}", told["applied"]);
        assert_eq!(state(&tenant).await, second);
        assert_eq!(changed(&tenant).await, 330 + 380, "nothing was done twice");
        // Four pages to plan, 380 writes, five pages to verify.
        let ideal = 4 + 380 + 5;
        println!("seed {seed}: {requests} requests, ideally {ideal}");
        assert!(requests * 2 <= ideal * 3, "{requests} requests, ideally {ideal}");
    }
}

#[tokio::test]
async fn a_server_that_wants_rest_gets_it() {
    let server = Server::start(Options::default());
    let options = TenantOptions { rate_limit: Some(100), ..TenantOptions::default() };
    let tenant = Tenant::on(server.endpoint(), options).await;
    let desk = Desk::of(&tenant);
    let list = rooms(500, "");
    desk.list("rooms.csv", &list);
    let told = desk.json(&["sync", "rooms.csv", "--yes"], 0);
    assert_eq!(changed(&tenant).await, 500);
    // 200 at once, then 100 a second: three seconds and more, and few wasted requests.
    assert!(told["applied"]["seconds"].as_f64().unwrap() > 2.0, "{told}");
    let requests = told["applied"]["requests"].as_u64().unwrap();
    assert!(requests <= 750, "{requests} requests for 500 changes");
}

#[tokio::test]
async fn patience_ends_and_the_journal_goes_on() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let desk = Desk::of(&tenant);
    let list = rooms(30, "");
    desk.list("rooms.csv", &list);
    // The plan is read and ten changes are made, then maintenance begins.
    let rule = json!({"operation": "create", "status": 503, "retry_after": 1});
    tenant
        .admin
        .create("/admin/v1/faults", &json!({"operation": "create", "latency_ms": 1, "times": 10}))
        .await;
    tenant.admin.create("/admin/v1/faults", &rule).await;
    let run = desk.run(&["sync", "rooms.csv", "--yes", "--patience", "2"]);
    run.is(1);
    assert!(run.err.contains("20 changes are left") && run.err.contains("--resume"), "{}", run.err);
    assert_eq!(changed(&tenant).await, 10);
    tenant.admin.delete("/admin/v1/faults").await;
    desk.run(&["sync", "--resume", "--yes"]).is(0);
    assert_eq!(state(&tenant).await, list);
    assert_eq!(changed(&tenant).await, 30);
    let run = desk.run(&["sync", "--resume", "--yes"]);
    run.is(2);
    assert!(run.err.contains("journal"), "nothing is left to go on with: {}", run.err);
}
