//! What the tests on PostgreSQL stand on: clusters that die and come back, and a proxy that loses answers.

use std::time::{Duration, Instant};

use jackfield_tests::poll;
use jackfield_tests::postgres::{Cluster, Database, sql, try_sql};
use jackfield_tests::proxy::{Proxy, Way};

fn table(cluster: &Cluster) {
    cluster.sql("CREATE TABLE t (n int)");
    cluster.sql("INSERT INTO t VALUES (1)");
}

#[test]
fn a_schema_is_of_one_test() {
    let (one, other) = (Database::fresh(), Database::fresh());
    one.sql("CREATE TABLE t (n int)");
    assert_eq!(one.sql("SELECT count(*), current_schema FROM t"), format!("0|{}", one.schema()));
    assert!(try_sql(&other.url(), "SELECT * FROM t").unwrap_err().contains("does not exist"));
    assert_eq!(one.sql("SHOW fsync"), "on");
    let (url, schema) = (other.url(), one.schema().to_owned());
    drop(one);
    let left = sql(&url, &format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{schema}'"));
    assert_eq!(left, "0");
}

#[test]
fn a_cluster_that_is_killed_comes_back_with_what_was_committed() {
    let mut cluster = Cluster::with(&[("max_connections", "20")]);
    table(&cluster);
    assert_eq!(cluster.sql("SHOW max_connections"), "20");
    cluster.kill9();
    try_sql(&cluster.url(), "SELECT 1").unwrap_err();
    cluster.restart();
    assert_eq!(cluster.sql("SELECT n FROM t"), "1");
    cluster.configure("default_transaction_read_only", "on");
    assert!(try_sql(&cluster.url(), "INSERT INTO t VALUES (2)").unwrap_err().contains("read-only"));
    cluster.configure("default_transaction_read_only", "off");
    cluster.sql("INSERT INTO t VALUES (2)");
    cluster.stop();
    cluster.restart();
    assert_eq!(cluster.sql("SELECT count(*) FROM t"), "2");
}

#[test]
fn a_standby_takes_over() {
    let mut primary = Cluster::start();
    table(&primary);
    let standby = primary.synchronous_standby();
    primary.sql("INSERT INTO t VALUES (2)");
    let url = primary.url_of_primary(&standby);
    assert_eq!(sql(&url, "SHOW port"), primary.port().to_string());
    primary.kill9();
    try_sql(&url, "SELECT 1").unwrap_err();
    standby.promote();
    assert_eq!(sql(&url, "SHOW port"), standby.port().to_string());
    assert_eq!(sql(&url, "SELECT count(*) FROM t"), "2");
    sql(&url, "INSERT INTO t VALUES (3)");
}

#[test]
fn a_disk_of_tables_gets_full_and_the_cluster_lives() {
    let Some(cluster) = Cluster::on_small_disk(160, &[]) else {
        eprintln!("NOT TESTED: this system lets nobody mount a small disk for PostgreSQL");
        return;
    };
    table(&cluster);
    let disk = cluster.disk().unwrap();
    disk.fill();
    let grow = "INSERT INTO t SELECT generate_series(1, 100000)";
    assert!(try_sql(&cluster.url(), grow).unwrap_err().contains("No space left on device"));
    assert_eq!(cluster.sql("SELECT count(*) FROM t"), "1");
    disk.free();
    cluster.sql(grow);
}

#[test]
fn a_proxy_is_slow_loses_answers_and_cuts() {
    let cluster = Cluster::start();
    table(&cluster);
    let proxy = Proxy::to(cluster.port());
    let url = proxy.url(&cluster.url(), cluster.port());
    assert_eq!(sql(&url, "SELECT n FROM t"), "1");
    proxy.set_latency(Duration::from_millis(300));
    let start = Instant::now();
    sql(&url, "SELECT 1");
    assert!(start.elapsed() >= Duration::from_millis(600), "connecting and asking: {:?}", start.elapsed());
    proxy.set_latency(Duration::ZERO);
    // A commit whose answer is lost.
    let asking = std::thread::spawn({
        let url = url.clone();
        move || try_sql(&url, "SELECT pg_sleep(0.5); INSERT INTO t VALUES (2)")
    });
    poll::until("the statement runs", poll::PATIENCE, || {
        let running = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        (cluster.sql(running) == "1").then_some(())
    });
    proxy.set_way(Way::NoAnswers);
    poll::until("it is committed", poll::PATIENCE, || {
        (cluster.sql("SELECT count(*) FROM t") == "2").then_some(())
    });
    poll::until("the answer is lost", poll::PATIENCE, || (proxy.swallowed() > 0).then_some(()));
    assert!(!asking.is_finished());
    proxy.cut();
    asking.join().unwrap().unwrap_err();
    proxy.set_way(Way::Closed);
    try_sql(&url, "SELECT 1").unwrap_err();
    proxy.set_way(Way::Open);
    assert_eq!(sql(&url, "SELECT count(*) FROM t"), "2");
}
