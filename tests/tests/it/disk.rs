//! A disk that is full or read-only: writes are refused with 503, reads go on, nothing is half-stored, and when the
//! cause is gone writes work again.

use std::collections::BTreeMap;

use http::Method;
use jackfield_tests::namespace::SmallDisk;
use jackfield_tests::page::walk;
use jackfield_tests::tenant::profile;
use jackfield_tests::{Options, Request, Server, Tenant, TenantOptions, poll};
use serde_json::json;

/// Room for the journal of the store and what belongs to it, and not much more.
const MEBIBYTES: u32 = 200;

fn small_disk() -> Option<SmallDisk> {
    let disk = SmallDisk::new(MEBIBYTES);
    if disk.is_none() {
        eprintln!("NOT TESTED: this system lets nobody make a mount namespace, so no disk can be made full");
    }
    disk
}

fn server_on(disk: &SmallDisk) -> Server {
    let store = format!("embedded:{}", disk.path("store").display());
    Server::start(Options { store: Some(store), wrapper: disk.wrapper(), ..Options::default() })
}

/// What was acknowledged, by id.
type Acknowledged = BTreeMap<String, String>;

/// Creates associations until one is refused, or this many are there.
async fn create_until_refused(tenant: &Tenant, stored: &mut Acknowledged, most: usize) -> bool {
    for _ in 0..most {
        // Long ids fill what room is left in the files of the store.
        let id = format!("{:06}{}", stored.len(), "x".repeat(250));
        let response = tenant.create(&id, "1").await;
        match response.status {
            201 => drop(stored.insert(id, profile("1"))),
            503 => return true,
            _ => panic!("{response:?}"),
        }
    }
    false
}

async fn shows(tenant: &Tenant, stored: &Acknowledged) {
    let shown = walk(tenant, &json!({}), 100).await;
    assert_eq!(shown.total_count, stored.len() as u64);
    assert!(shown.found.into_iter().eq(stored.clone()), "what is shown is what was acknowledged");
}

async fn fill(disk: &SmallDisk, tenant: &Tenant, stored: &mut Acknowledged) {
    disk.fill();
    let refused = async || create_until_refused(tenant, stored, 200).await.then_some(());
    poll::until_async("writes are refused", poll::PATIENCE, refused).await;
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_nothing_else_until_there_is_room() {
    let Some(disk) = small_disk() else { return };
    let server = server_on(&disk);
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let mut stored = Acknowledged::new();
    assert!(!create_until_refused(&tenant, &mut stored, 150).await);
    for round in 0..3 {
        fill(&disk, &tenant, &mut stored).await;
        let first = stored.keys().next().unwrap().clone();
        for _ in 0..5 {
            tenant.create("new", "1").await.is(503);
            tenant.update(&first, "2").await.is(503);
            tenant.delete(&first).await.is(503);
        }
        // What needs no write is answered as ever.
        tenant.send(&Request::new(&Method::GET, "/healthz")).await.is(200);
        tenant.send(&Request::new(&Method::GET, "/readyz")).await.is(503);
        tenant.admin.get("/admin/v1/organizations").await;
        let organization = json!({"name": "n", "country": "US", "vertical": "core"});
        tenant.admin.call(&Method::POST, "/admin/v1/organizations", &organization).await.is(503);
        shows(&tenant, &stored).await;
        disk.free();
        let id = format!("room again {round}");
        let created = async || match tenant.create(&id, "1").await.status {
            201 => Some(()),
            503 => None,
            status => panic!("{status}"),
        };
        poll::until_async("writes work again", poll::PATIENCE, created).await;
        stored.insert(id, profile("1"));
        shows(&tenant, &stored).await;
        tenant.send(&Request::new(&Method::GET, "/readyz")).await.is(200);
        tenant.update(&first, "2").await.is(200);
        tenant.update(&first, "1").await.is(200);
    }
}

#[tokio::test]
async fn a_server_killed_on_a_full_disk_has_lost_nothing() {
    let Some(disk) = small_disk() else { return };
    let mut server = server_on(&disk);
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let mut stored = Acknowledged::new();
    for _ in 0..3 {
        assert!(!create_until_refused(&tenant, &mut stored, 100).await);
        fill(&disk, &tenant, &mut stored).await;
        server.kill9();
        // On the full disk it starts or says why not; either way the directory stays good.
        if let Err(ended) = server.try_restart() {
            assert!(ended.status.code().is_some_and(|code| code != 0), "{}", ended.stderr);
        } else {
            shows(&tenant, &stored).await;
            server.kill9();
        }
        disk.free();
        server.restart();
        shows(&tenant, &stored).await;
    }
    let changes = tenant.admin.changes(&tenant.provider, 0).await;
    let creates = changes.iter().filter(|change| change["operation"] == "association.create").count();
    assert_eq!(creates, stored.len(), "the change record has what was acknowledged and nothing else");
}

#[tokio::test]
async fn a_read_only_disk_can_be_read_or_is_refused_with_a_reason() {
    let Some(disk) = small_disk() else { return };
    let mut server = server_on(&disk);
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
    server.terminate();
    disk.set_read_only(true);
    match server.try_restart() {
        Ok(()) => {
            assert_eq!(tenant.find("7201").await.as_deref(), Some("1"));
            tenant.create("7202", "1").await.is(503);
            server.kill9();
        }
        Err(ended) => {
            assert!(ended.status.code().is_some_and(|code| code != 0));
            let last = ended.stderr.lines().last().unwrap_or_default();
            assert!(last.contains("Read-only file system") && last.contains("store"), "{}", ended.stderr);
        }
    }
    disk.set_read_only(false);
    server.restart();
    assert_eq!(tenant.find("7201").await.as_deref(), Some("1"));
    tenant.create("7202", "1").await.is(201);
}
