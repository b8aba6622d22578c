//! The database is there and does not do what it should: read-only, out of disk, out of connections, slow.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::page::{ids, walk};
use jackfield_tests::postgres::{Cluster, program, try_sql};
use jackfield_tests::proxy::Proxy;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Request, Tenant, TenantOptions, Version, poll, seed};
use serde_json::json;

use crate::load::{Course, Load};
use crate::operation::Op;

/// Waits until creates are answered with this status; ids begin with `prefix`. Answers how many were made.
async fn until_creates_are(tenant: &Tenant, status: u16, prefix: &str) -> u64 {
    let (mut made, mut n) = (0, 0);
    let wanted = async || {
        n += 1;
        // Long ids fill what room is left.
        let answer = tenant.create(&format!("{prefix}{n}{}", "x".repeat(200)), "1").await.status;
        assert!(matches!(answer, 201 | 503), "{answer}");
        made += u64::from(answer == 201);
        (answer == status).then_some(())
    };
    poll::until_async("creates are answered so", poll::PATIENCE, wanted).await;
    made
}

async fn total(tenant: &Tenant) -> u64 {
    walk(tenant, &json!({}), 100).await.total_count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_database_refuses_writes_until_it_is_writable() {
    let cluster = Cluster::start();
    let server = super::node(&cluster.url());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
    for _ in 0..2 {
        cluster.configure("default_transaction_read_only", "on");
        let mut made = until_creates_are(&tenant, 503, &format!("{}", fastrand::u32(..))).await;
        for _ in 0..5 {
            tenant.update("7201", "2").await.is(503);
            tenant.delete("7201").await.is(503);
        }
        // A read is answered, or refused; it is never untrue.
        let read = tenant.send(&Op::Query.request(&tenant, "7201")).await;
        assert!(matches!(read.status, 200 | 503), "{read:?}");
        assert!(read.status == 503 || ids(&read.json()) == [("7201".to_owned(), profile("1"))], "{read:?}");
        let log = server.log();
        assert!(log.contains("read-only"), "the log says what is in the way:\n{log}");
        tenant.send(&Request::new(&Method::GET, "/healthz")).await.is(200);
        tenant.send(&Request::new(&Method::GET, "/readyz")).await.is(503);
        cluster.configure("default_transaction_read_only", "off");
        made += until_creates_are(&tenant, 201, &format!("{}", fastrand::u32(..))).await;
        assert!(made > 0);
        assert_eq!(tenant.find("7201").await.as_deref(), Some("1"));
        tenant.send(&Request::new(&Method::GET, "/readyz")).await.is(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_the_database_refuses_writes_until_there_is_room() {
    let Some(cluster) = Cluster::on_small_disk(160, &[]) else {
        eprintln!("NOT TESTED: this system lets nobody mount a small disk for PostgreSQL");
        return;
    };
    let server = super::node(&cluster.url());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let disk = cluster.disk().unwrap();
    let mut stored = until_creates_are(&tenant, 201, "before ").await;
    for round in 0..2 {
        disk.fill();
        stored += until_creates_are(&tenant, 503, &format!("full {round} ")).await;
        let log = server.log();
        assert!(log.contains("No space left"), "the log says what is in the way:\n{log}");
        // Reads need no room.
        assert_eq!(total(&tenant).await, stored);
        disk.free();
        stored += until_creates_are(&tenant, 201, &format!("free {round} ")).await;
        assert_eq!(total(&tenant).await, stored, "what was refused was not stored");
    }
}

/// Sessions that take every connection there is. Ended when dropped.
struct Hogs(Vec<Child>);

impl Hogs {
    fn take_all(cluster: &Cluster) -> Self {
        let mut hogs = Self(Vec::new());
        let full =
            || try_sql(&cluster.url(), "SELECT 1").is_err_and(|error| error.contains("too many clients"));
        poll::until("every connection is taken", poll::PATIENCE, || {
            let psql = Command::new(program("psql"))
                .args(["--no-psqlrc", "--quiet", "--command", "SELECT pg_sleep(600)", &cluster.url()])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            hogs.0.push(psql.unwrap());
            full().then_some(())
        });
        hogs
    }
}

impl Drop for Hogs {
    fn drop(&mut self) {
        for hog in &mut self.0 {
            let _ = hog.kill();
            let _ = hog.wait();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_without_a_free_connection_is_awaited() {
    // A session of a hog ends with its client.
    let cluster = Cluster::with(&[("max_connections", "12"), ("client_connection_check_interval", "100")]);
    let hogs = Hogs::take_all(&cluster);
    let server = super::node(&cluster.url());
    let ready = async |status: u16| {
        let client =
            jackfield_tests::Client::new(server.endpoint(), jackfield_tests::Listener::Admin, Version::Http1);
        let answer = client.send(&Request::new(&Method::GET, "/readyz")).await.unwrap();
        (answer.status == status).then(|| answer.message())
    };
    let reason = poll::until_async("it waits", poll::PATIENCE, async || ready(503).await).await;
    assert!(reason.contains("too many"), "{reason}");
    drop(hogs);
    poll::until_async("it serves", poll::PATIENCE, async || ready(200).await).await;
    // Fewer connections than the pool may have: it makes do with what it gets.
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let creating: Vec<_> = (0..8)
        .map(|n| {
            let client = tenant.again(Version::Http1);
            tokio::spawn(async move {
                let mut refused = 0;
                for m in 0..20 {
                    while client.create(&format!("{n} {m}"), "1").await.status == 503 {
                        refused += 1;
                        assert!(refused < 200, "it makes do with the connections that it gets");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            })
        })
        .collect();
    for client in creating {
        client.await.unwrap();
    }
    // All connections are gone, and none is to be had; then there are some again.
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE application_name = 'jackfield' AND pid <> pg_backend_pid()";
    cluster.sql(others);
    let hogs = Hogs::take_all(&cluster);
    drop(hogs);
    until_creates_are(&tenant, 201, "again ").await;
    assert!(total(&tenant).await > 160, "what was acknowledged is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_database_slows_and_nothing_else() {
    const LATENCY: Duration = Duration::from_secs(2);
    let mut rng = seed::rng("slow database");
    let cluster = Cluster::start();
    let proxy = Proxy::to(cluster.port());
    let server = super::node(&proxy.url(&cluster.url(), cluster.port()));
    let mut load = Load::on(&[&server], &mut rng).await;
    let memory = super::resident(&server);
    let course = Course::patient();
    let event = async {
        let written = async || (course.acknowledged() > 100).then_some(());
        poll::until_async("there is load", poll::PATIENCE, written).await;
        proxy.set_latency(LATENCY);
        let (slow, mut most) = (Instant::now(), 0);
        while slow.elapsed() < 4 * LATENCY {
            most = most.max(super::resident(&server));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let done = course.first_after(slow + LATENCY);
        assert!(done.is_some() || course.refused() > 0, "requests are answered, slowly or with 503");
        eprintln!("slow: {} acknowledged, {} refused", course.acknowledged(), course.refused());
        assert!(most < memory + (64 << 20), "memory is bounded: {memory} before, {most} at most");
        proxy.set_latency(Duration::ZERO);
        let before = course.acknowledged();
        let written = async || (course.acknowledged() > before + 100).then_some(());
        poll::until_async("it is as fast as before", poll::PATIENCE, written).await;
        course.stop();
    };
    Box::pin(load.during(&course, event)).await;
    load.verify().await;
    drop(server);
}
