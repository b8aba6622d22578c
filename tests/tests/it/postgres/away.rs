//! The database is away: at the start, and under load. The service says so, stays within its memory, and comes back by
//! itself.

use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::postgres::Cluster;
use jackfield_tests::{
    Admin, Listener, Options, Request, Response, Server, Tenant, TenantOptions, Version, poll, seed,
};

use crate::load::{Course, Load};

/// More than this a server must not take while its database is away.
const GROWTH_MAX: u64 = 64 << 20;

async fn ask(server: &Server, listener: Listener, target: &str) -> Response {
    let client = jackfield_tests::Client::new(server.endpoint(), listener, Version::Http1);
    client.send(&Request::new(&Method::GET, target)).await.unwrap()
}

async fn serves(server: &Server) {
    let ready = async || (ask(server, Listener::Public, "/readyz").await.status == 200).then_some(());
    poll::until_async("the server is ready", poll::PATIENCE, ready).await;
}

/// Everything is refused, and both kinds of health are told apart.
async fn waits(server: &Server) {
    for listener in [Listener::Public, Listener::Admin] {
        ask(server, listener, "/healthz").await.is(200);
        for target in ["/readyz", "/metrics", "/v1/communications/profile/x", "/admin/v1/status", "/nothing"]
        {
            let answer = ask(server, listener, target).await;
            answer.is_error(503, "yet");
            assert_eq!(answer.header("Retry-After"), Some("2"), "{answer:?}");
            assert_eq!(answer.kind(), "SERVICE_UNAVAILABLE");
        }
    }
}

#[tokio::test]
async fn a_server_waits_for_its_database() {
    let mut cluster = Cluster::start();
    let url = cluster.url();
    cluster.stop();
    let server = super::node(&url);
    waits(&server).await;
    let reason = ask(&server, Listener::Admin, "/readyz").await.message();
    assert!(reason.contains("refused"), "{reason}");
    assert!(!ask(&server, Listener::Public, "/readyz").await.message().contains("refused"));
    // Told once, however often it was tried.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let told = |server: &Server| server.log().matches("the store cannot be opened").count();
    assert_eq!(told(&server), 1, "{}", server.log());
    cluster.restart();
    serves(&server).await;
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
    assert!(server.log().contains("the store is open"));
}

#[tokio::test]
async fn a_server_that_waits_can_be_stopped() {
    let mut cluster = Cluster::start();
    cluster.stop();
    let mut server = super::node(&cluster.url());
    waits(&server).await;
    let start = Instant::now();
    server.terminate();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_does_not_pass_ends_the_start() {
    let cluster = Cluster::start();
    let good = cluster.url();
    for (url, part) in [
        (good.replace("/postgres", "/nowhere"), "nowhere"),
        (good.replace("postgres@", "nobody@"), "nobody"),
        (format!("{good}?sslmode=verify-full&sslrootcert=/no/such/file"), "/no/such/file"),
    ] {
        refused(&url, part);
    }
    // A schema of a later release that this one cannot work with.
    drop(super::node(&good));
    cluster.sql("INSERT INTO schema_version (version, name, works_from) VALUES (999, 'later', 999)");
    refused(&good, "999");
    // And one that it can.
    cluster.sql("UPDATE schema_version SET works_from = 1 WHERE version = 999");
    let server = super::node(&good);
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
}

/// The start ends with one line that says why.
fn refused(url: &str, part: &str) {
    let ended = Server::try_start(Options { store: Some(url.to_owned()), ..Options::default() });
    let ended = ended.err().unwrap_or_else(|| panic!("{url} is no database to wait for"));
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let line = ended.stderr.lines().last().unwrap_or_default();
    assert!(line.starts_with("error: ") && line.contains(part), "{url}: {}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_under_load_is_survived() {
    let outage = Duration::from_secs(seed::count("JACKFIELD_TEST_OUTAGE_SECONDS", 8) as u64);
    let mut rng = seed::rng("outage");
    let mut cluster = Cluster::start();
    let server = super::node(&cluster.url());
    let mut load = Load::on(&[&server], &mut rng).await;
    let course = Course::patient();
    let event = async {
        let written = async || (course.acknowledged() > 200).then_some(());
        poll::until_async("there is load", poll::PATIENCE, written).await;
        let before = super::resident(&server);
        cluster.kill9();
        let (since, mut most) = (Instant::now(), 0);
        while since.elapsed() < outage {
            most = most.max(super::resident(&server));
            ask(&server, Listener::Public, "/healthz").await.is(200);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        ask(&server, Listener::Public, "/readyz").await.is(503);
        assert!(course.refused() > 20, "there was load meanwhile");
        eprintln!("{before} bytes before, at most {most} in {outage:?} without a database");
        assert!(most < before + GROWTH_MAX, "memory is bounded: {before} before, {most} at most");
        cluster.restart();
        let (back, before) = (Instant::now(), course.acknowledged());
        let written = async || (course.acknowledged() > before + 20).then_some(());
        poll::until_async("writes are answered again", Duration::from_secs(10), written).await;
        eprintln!("{:?} after the database", course.first_after(back).unwrap() - back);
        course.stop();
    };
    load.during(&course, event).await;
    load.verify().await;
    serves(&server).await;
    let log = server.log();
    assert!(log.contains("refused") || log.contains("closed"), "the log says what is in the way:\n{log}");
    let lines = log.matches("request refused").count() as u64;
    assert!(lines > 0 && lines < 30 + outage.as_secs(), "{lines} lines for {} refusals", course.refused());
    assert!(Admin::new(server.endpoint()).get("/admin/v1/status").await["ready"] == true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_is_survived() {
    let mut rng = seed::rng("frozen database");
    let cluster = Cluster::start();
    let server = super::node(&cluster.url());
    let mut load = Load::on(&[&server], &mut rng).await;
    let course = Course::patient();
    let event = async {
        let written = async || (course.acknowledged() > 100).then_some(());
        poll::until_async("there is load", poll::PATIENCE, written).await;
        let memory = super::resident(&server);
        cluster.freeze();
        let refused = async || (course.refused() > 20).then_some(());
        poll::until_async("requests are refused, not kept waiting", poll::PATIENCE, refused).await;
        ask(&server, Listener::Public, "/readyz").await.is(503);
        assert!(super::resident(&server) < memory + GROWTH_MAX);
        cluster.thaw();
        let before = course.acknowledged();
        let written = async || (course.acknowledged() > before + 20).then_some(());
        poll::until_async("writes are answered again", poll::PATIENCE, written).await;
        course.stop();
    };
    load.during(&course, event).await;
    load.verify().await;
}
