//! Commits whose answers are lost: the client hears the truth, or 503, and never a wrong 201, 404 or 409.

use std::time::Duration;

use jackfield_tests::postgres::Cluster;
use jackfield_tests::proxy::{Proxy, Way};
use jackfield_tests::{Tenant, TenantOptions, poll};

/// A node that speaks to its database through a proxy.
struct Lossy {
    tenant: Tenant,
    // In this order: a server is killed before what it speaks to goes away.
    _server: jackfield_tests::Server,
    proxy: Proxy,
    cluster: Cluster,
}

impl Lossy {
    async fn start() -> Self {
        let cluster = Cluster::start();
        let proxy = Proxy::to(cluster.port());
        let server = super::node(&proxy.url(&cluster.url(), cluster.port()));
        let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        Self { tenant, _server: server, proxy, cluster }
    }

    /// Waits until the database has committed what a query finds.
    async fn committed(&self, query: &str) {
        let there = async || (self.cluster.sql(query) == "1").then_some(());
        poll::until_async("the database has committed", poll::PATIENCE, there).await;
    }

    /// Waits until the node writes again.
    async fn back(&self, id: &str) {
        let created = async || match self.tenant.create(id, "1").await.status {
            201 | 409 => Some(()),
            503 => None,
            status => panic!("{status}"),
        };
        poll::until_async("the node writes again", poll::PATIENCE, created).await;
    }
}

fn row(id: &str, suffix: &str) -> String {
    format!(
        "SELECT count(*) FROM association WHERE external_user_id = '{id}' AND amazon_id LIKE '%.did.{suffix}'"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_is_looked_up() {
    let lossy = Lossy::start().await;
    let mut settled = 0;
    for n in 0..3 {
        let id = format!("{n}");
        // Create, update and delete, each with its answer lost.
        lossy.proxy.set_way(Way::NoAnswers);
        let (created, ()) = tokio::join!(lossy.tenant.create(&id, "1"), async {
            lossy.committed(&row(&id, "1")).await;
            lossy.proxy.set_way(Way::Open);
        });
        assert!(matches!(created.status, 201 | 503), "{created:?}");
        lossy.back(&format!("{n} after create")).await;
        assert_eq!(lossy.tenant.find(&id).await.as_deref(), Some("1"));

        lossy.proxy.set_way(Way::NoAnswers);
        let (updated, ()) = tokio::join!(lossy.tenant.update(&id, "2"), async {
            lossy.committed(&row(&id, "2")).await;
            lossy.proxy.set_way(Way::Open);
        });
        assert!(matches!(updated.status, 200 | 503), "{updated:?}");
        lossy.back(&format!("{n} after update")).await;
        assert_eq!(lossy.tenant.find(&id).await.as_deref(), Some("2"));

        lossy.proxy.set_way(Way::NoAnswers);
        let gone =
            format!("SELECT count(*) FROM change WHERE object_id = '{id}' AND operation LIKE '%delete'");
        let (deleted, ()) = tokio::join!(lossy.tenant.delete(&id), async {
            lossy.committed(&gone).await;
            lossy.proxy.set_way(Way::Open);
        });
        assert!(matches!(deleted.status, 200 | 503), "{deleted:?}");
        lossy.back(&format!("{n} after delete")).await;
        assert_eq!(lossy.tenant.find(&id).await, None);
        settled += [created, updated, deleted].iter().filter(|answer| answer.status != 503).count();
    }
    eprintln!("{settled} of 9 lost answers were found in time");
    assert!(settled > 0, "what was committed is looked up before the client is answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_arrived_is_not_claimed() {
    let lossy = Lossy::start().await;
    lossy.proxy.set_way(Way::BlackHole);
    let started = std::time::Instant::now();
    let answer = lossy.tenant.create("7201", "1").await;
    answer.is(503);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "a client is not kept waiting: {:?}",
        started.elapsed()
    );
    lossy.proxy.set_way(Way::Open);
    lossy.back("after").await;
    assert_eq!(lossy.tenant.find("7201").await, None);
    lossy.tenant.create("7201", "1").await.is(201);
}
