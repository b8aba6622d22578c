//! /metrics

use std::collections::BTreeSet;

use http::Method;
use jackfield_tests::metrics::{Sample, parse};
use jackfield_tests::{Options, Request, Server, Tenant, TenantOptions};
use serde_json::json;

use crate::operation::Op;

async fn scrape(tenant: &Tenant) -> Vec<Sample> {
    // A scraper has no token.
    let answer = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    assert!(answer.header("Content-Type").unwrap().starts_with("text/plain"), "{answer:?}");
    parse(answer.text()).unwrap()
}

/// The value of the one sample with this name and these labels, 0 where there is none.
fn value(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let matches = |sample: &&Sample| {
        sample.name == name
            && labels
                .iter()
                .all(|(label, value)| sample.labels.get(*label).is_some_and(|found| found == value))
    };
    samples.iter().filter(matches).map(|sample| sample.value).sum()
}

#[tokio::test]
async fn requests_are_counted_by_operation_and_status() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let before = scrape(&tenant).await;
    for n in 0..3 {
        tenant.create(&n.to_string(), "1").await.is(201);
    }
    tenant.create("0", "1").await.is(409);
    tenant.update("0", "2").await.is(200);
    tenant.delete("0").await.is(200);
    tenant.delete("0").await.is(404);
    tenant.query(&json!({"filters": {}})).await.is(200);
    tenant.query(&json!({})).await.is(400);
    tenant.send(&Op::Create.bare_request(&tenant.provider, "0")).await.is(401);
    let after = scrape(&tenant).await;
    for (operation, status, count) in [
        ("create", "201", 3.0),
        ("create", "409", 1.0),
        ("create", "401", 1.0),
        ("update", "200", 1.0),
        ("delete", "200", 1.0),
        ("delete", "404", 1.0),
        ("query", "200", 1.0),
        ("query", "400", 1.0),
    ] {
        let labels = [("operation", operation), ("status", status)];
        for name in ["jackfield_requests_total", "jackfield_request_duration_seconds_count"] {
            let grown = value(&after, name, &labels) - value(&before, name, &labels);
            assert!((grown - count).abs() < 0.1, "{name} {operation} {status} grew by {grown}");
        }
    }
    let gauge = |name: &str| value(&after, name, &[]);
    assert!((gauge("jackfield_associations") - 2.0).abs() < 0.1);
    assert!(gauge("jackfield_organizations") >= 1.0 && gauge("jackfield_store_disk_bytes") > 0.0);
    assert!(gauge("jackfield_commit_duration_seconds_count") >= 5.0, "each write was in a commit");
    assert!(gauge("jackfield_commit_group_size_sum") >= 5.0);
    assert!(
        (value(&after, "jackfield_build_info", &[("version", env!("CARGO_PKG_VERSION"))]) - 1.0).abs() < 0.1
    );
}

#[tokio::test]
async fn limits_and_tokens_are_counted() {
    let server = Server::start(Options::default());
    let tenant =
        Tenant::on(server.endpoint(), TenantOptions { rate_limit: Some(1), ..TenantOptions::default() })
            .await;
    let mut refused = 0;
    for _ in 0..10 {
        refused += u32::from(tenant.send(&Op::Query.request(&tenant, "7201")).await.status == 429);
    }
    assert!(refused > 0);
    let form = format!(
        "grant_type=client_credentials&scope={}&client_id={}&client_secret={}",
        jackfield_tests::tenant::SCOPE,
        tenant.client_id,
        tenant.client_secret
    );
    tenant.send(&Request::new(&Method::POST, "/auth/o2/token").body(form)).await.is(200);
    let samples = scrape(&tenant).await;
    assert!(
        (value(&samples, "jackfield_limited_total", &[("limit", "rate")]) - f64::from(refused)).abs() < 0.1
    );
    assert!(
        (value(&samples, "jackfield_tokens_issued_total", &[("grant", "client_credentials")]) - 1.0).abs()
            < 0.1
    );
}

#[tokio::test]
async fn what_clients_send_makes_no_new_series() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let wild = async |n: usize| {
        tenant.send(&Request::new(&Method::GET, format!("/{n}/{n}"))).await.is(404);
        let method = Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
        tenant.send(&Request::new(&method, tenant.path())).await.is(405);
        tenant.send(&Op::Query.bare_request(&format!("p{n}"), "7201").bearer(&tenant.token)).await.is(404);
    };
    let series = |samples: Vec<Sample>| -> BTreeSet<String> {
        samples.into_iter().map(|sample| format!("{} {:?}", sample.name, sample.labels)).collect()
    };
    wild(0).await;
    scrape(&tenant).await;
    let before = series(scrape(&tenant).await);
    for n in 1..20 {
        wild(n).await;
    }
    assert_eq!(series(scrape(&tenant).await), before);
}

#[tokio::test]
async fn the_cache_of_an_embedded_store_takes_what_was_said() {
    const MIB: f64 = 1024.0 * 1024.0;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("size.toml");
    std::fs::write(&file, "store-cache = \"48MiB\"\n").unwrap();
    let file = ["--config", file.to_str().unwrap()];
    let limit = async |name: &str, flags: &[&str], environment: Option<&str>| {
        let server = Server::start(Options {
            store: Some(format!("embedded:{}", home.path().join(name).display())),
            environment: environment
                .map(|size| ("JACKFIELD_STORE_CACHE".to_owned(), size.to_owned()))
                .into_iter()
                .collect(),
            ..Options::with_flags(flags)
        });
        let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        let samples = scrape(&tenant).await;
        let of = |name: &str, cache: &str| value(&samples, name, &[("cache", cache)]);
        let limits = ["blocks", "rows"].map(|cache| {
            let bytes = of("jackfield_store_cache_bytes", cache);
            let limit = of("jackfield_store_cache_limit_bytes", cache);
            assert!(bytes <= limit, "{cache}: {bytes} of {limit} bytes");
            limit / MIB
        });
        assert!(limits[0] < limits[1] && limits[0] <= 256.0, "{limits:?}");
        limits.iter().sum::<f64>()
    };
    assert_eq!(limit("file", &file, None).await, 48.0);
    assert_eq!(limit("variable", &file, Some("64MiB")).await, 64.0);
    assert_eq!(limit("flag", &["--store-cache", "33MiB"], Some("64MiB")).await, 33.0);
    let default = limit("default", &[], None).await;
    assert!(default >= 32.0, "{default} MiB");
    // At least the floor, whatever the share of this machine's memory is.
    assert!(limit("share", &["--store-cache", "1%"], None).await >= 32.0);
}
