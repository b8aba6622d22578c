//! Commits whose answers are lost: the client hears the truth, or 503, and never a wrong 201, 404 or 409.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jackfield_tests::postgres::{Cluster, program};
use jackfield_tests::proxy::{Proxy, Way};
use jackfield_tests::{Response, Tenant, TenantOptions, poll};

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

    /// Sends a write whose commit happens and whose answer is lost: it is let go on when nothing comes back any more.
    async fn lose_answer(&self, write: impl Future<Output = Response>, committed: &str) -> Response {
        let lock = Lock::take(&self.cluster);
        let (answer, ()) = tokio::join!(write, async {
            let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
            self.database_says(waiting, "1").await;
            self.proxy.set_way(Way::NoAnswers);
            drop(lock);
            self.database_says(committed, "1").await;
            let lost = async || (self.proxy.swallowed() > 0).then_some(());
            poll::until_async("the answer is lost", poll::PATIENCE, lost).await;
            self.proxy.set_way(Way::Open);
        });
        answer
    }

    async fn database_says(&self, query: &str, wanted: &str) {
        let so = async || (self.cluster.sql(query) == wanted).then_some(());
        poll::until_async(query, poll::PATIENCE, so).await;
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

/// A session that keeps everybody from writing associations. Ended when dropped.
struct Lock<'c> {
    session: Child,
    cluster: &'c Cluster,
}

const HELD: &str = "FROM pg_locks WHERE granted AND mode = 'ShareRowExclusiveLock'";

impl<'c> Lock<'c> {
    fn take(cluster: &'c Cluster) -> Self {
        // One transaction: what one --command says is.
        let script = "LOCK TABLE association IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(600)";
        let mut psql = Command::new(program("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--command", script, &cluster.url()]);
        psql.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let session = psql.spawn().unwrap();
        let lock = Self { session, cluster };
        poll::until("the lock is held", poll::PATIENCE, || {
            (cluster.sql(&format!("SELECT count(*) {HELD}")) == "1").then_some(())
        });
        lock
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        self.cluster.sql(&format!("SELECT pg_terminate_backend(pid) {HELD}"));
        let _ = self.session.wait();
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
        let created = Box::pin(lossy.lose_answer(lossy.tenant.create(&id, "1"), &row(&id, "1"))).await;
        assert!(matches!(created.status, 201 | 503), "{created:?}");
        lossy.back(&format!("{n} after create")).await;
        assert_eq!(lossy.tenant.find(&id).await.as_deref(), Some("1"));

        let updated = Box::pin(lossy.lose_answer(lossy.tenant.update(&id, "2"), &row(&id, "2"))).await;
        assert!(matches!(updated.status, 200 | 503), "{updated:?}");
        lossy.back(&format!("{n} after update")).await;
        assert_eq!(lossy.tenant.find(&id).await.as_deref(), Some("2"));

        let gone = format!("SELECT count(*) FROM change WHERE object_id = '{id}' AND after IS NULL");
        let deleted = Box::pin(lossy.lose_answer(lossy.tenant.delete(&id), &gone)).await;
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
    let started = Instant::now();
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
