//! 100,000 associations in one provider: a walk by pages returns each exactly once while another client writes, and
//! all of them go with their provider.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use http::Method;
use jackfield_model::limit;
use jackfield_tests::page::walk;
use jackfield_tests::tenant::{association, profile};
use jackfield_tests::{Options, Server, Tenant, TenantOptions, Version, seed};
use serde_json::json;

use crate::operation::directory::DirectoryOp;

const CONNECTIONS: usize = 64;

fn id(n: usize) -> String {
    format!("room-{n:06}")
}

/// Creates `count` associations over many connections.
async fn load(tenant: &Tenant, count: usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (client, next) = (tenant.again(Version::Http1), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return;
                    }
                    // Straight to the connection: the checks of every answer would cost more than the answers.
                    let request = client.create_request(&association(&id(n), &profile("1")));
                    client.client.send(&request).await.unwrap().is(201);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}

/// Creates and deletes ids that lie between those of the walk, until told to stop. Answers how often.
async fn disturb(tenant: Tenant, count: usize, stop: Arc<AtomicBool>) -> usize {
    let mut rng = fastrand::Rng::new();
    let mut rounds = 0;
    while !stop.load(Ordering::Relaxed) {
        let other = format!("{}+{rounds}", id(rng.usize(0..count)));
        tenant.create(&other, "2").await.is(201);
        tenant.delete(&other).await.is(200);
        rounds += 1;
    }
    rounds
}

/// At its bound a cascade removes everything, above it nothing.
async fn cascade(tenant: &Tenant, count: usize) {
    let target = DirectoryOp::DeleteProvider.target(&tenant.provider) + "?cascade=true";
    let delete = tenant.request(&Method::DELETE, target);
    tenant.create("one more", "1").await.is(201);
    tenant.send(&delete).await.is_error(409, "100000");
    assert_eq!(tenant.find("one more").await.as_deref(), Some("1"));
    tenant.delete("one more").await.is(200);
    let changes = async || tenant.admin.get("/admin/v1/status").await["last_change"].as_u64().unwrap();
    let (before, start) = (changes().await, Instant::now());
    tenant.send(&delete).await.is(200);
    eprintln!("deleted with the provider in {:?}", start.elapsed());
    assert_eq!(changes().await, before + count as u64 + 1, "one for each association, one for the provider");
    tenant.query(&json!({"filters": {}})).await.is(404);
    assert_eq!(tenant.admin.get("/admin/v1/status").await["associations"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_walk_returns_each_exactly_once_while_others_write() {
    let count = seed::count("JACKFIELD_WALK_ASSOCIATIONS", 100_000);
    let server = Server::start(Options::quiet());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let start = Instant::now();
    load(&tenant, count).await;
    eprintln!("{count} associations created in {:?}", start.elapsed());
    let stop = Arc::new(AtomicBool::new(false));
    let disturbing: Vec<_> = [Version::Http1, Version::Http2]
        .map(|version| tokio::spawn(disturb(tenant.again(version), count, Arc::clone(&stop))))
        .into();
    let start = Instant::now();
    let found = walk(&tenant, &json!({}), limit::PAGE_MAX).await;
    eprintln!("walked over {} pages in {:?}", found.pages, start.elapsed());
    stop.store(true, Ordering::Relaxed);
    for writer in disturbing {
        assert!(writer.await.unwrap() > 0, "the other client wrote meanwhile");
    }
    // `walk` refuses repeats; what the others wrote may be in it or not.
    let stable: BTreeSet<&str> =
        found.found.iter().map(|(id, _)| id.as_str()).filter(|id| !id.contains('+')).collect();
    let expected: Vec<String> = (0..count).map(id).collect();
    assert!(stable.iter().copied().eq(expected.iter().map(String::as_str)), "each is returned once");
    let after = tenant
        .query(&json!({"filters": {}, "paginationContext": {"maxResults": 1}}))
        .await
        .expect(200)
        .json();
    assert_eq!(after["paginationContext"]["totalCount"], count);
    if count as u64 == limit::CASCADE_ASSOCIATIONS {
        cascade(&tenant, count).await;
    }
}
