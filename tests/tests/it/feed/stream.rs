//! `GET /admin/v1/changes` with `Accept: text/event-stream`.

use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::metrics::parse;
use jackfield_tests::postgres::Database;
use jackfield_tests::raw::Raw;
use jackfield_tests::{Listener, Options, Request, Server, Tenant, TenantOptions, Version, poll};
use serde_json::{Value, json};

use super::events::{Event, Events, Reader, fill};

async fn started(flags: &[&str]) -> (Server, Tenant) {
    let server = Server::start(Options::with_flags(flags));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    (server, tenant)
}

/// What the pages of the record say.
async fn recorded(tenant: &Tenant, query: &str) -> Vec<Value> {
    let page = tenant.admin.get(&format!("/admin/v1/changes?limit=1000&{query}")).await;
    assert_eq!(page["more"], false);
    page["changes"].as_array().unwrap().clone()
}

fn data(events: Vec<Event>) -> Vec<Value> {
    assert!(events.iter().all(|event| event.name == "change" && event.data["sequence"] == event.id));
    events.into_iter().map(|event| event.data).collect()
}

/// The value of a metric.
async fn metric(tenant: &Tenant, name: &str, label: Option<(&str, &str)>) -> f64 {
    let answer = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    let samples = parse(answer.text()).unwrap();
    let is_it = |sample: &&jackfield_tests::metrics::Sample| {
        sample.name == name
            && label.is_none_or(|(name, value)| sample.labels.get(name).is_some_and(|found| found == value))
    };
    samples.iter().filter(is_it).map(|sample| sample.value).sum()
}

/// Waits until so many streams are open.
pub(crate) async fn until_open(tenant: &Tenant, count: f64) {
    poll::until_async("so many streams are open", poll::PATIENCE, async || {
        ((metric(tenant, "jackfield_change_streams", None).await - count).abs() < 0.1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn changes_come_as_they_are_made_and_a_reader_goes_on() {
    let (server, tenant) = started(&[]).await;
    let reader = Reader::of(&server);
    let query = format!("?serviceProviderId={}", tenant.provider);
    let mut events = reader.open(&query, None).await;
    assert_eq!(events.headers["content-type"], "text/event-stream");
    assert_eq!(events.headers["cache-control"], "no-store");
    // The record from its beginning, then what is new.
    assert_eq!(events.next().await.unwrap().data["operation"], "service_provider.create");
    for n in 0..3 {
        tenant.create(&n.to_string(), "1").await.is(201);
        let event = events.next().await.unwrap();
        assert_eq!((event.name.as_str(), &event.data["external_user_id"]), ("change", &json!(n.to_string())));
    }
    let last = events.last_id;
    drop(events);
    tenant.update("0", "2").await.is(200);
    tenant.delete("1").await.is(200);
    let mut events = reader.open(&query, last).await;
    let rest = data(events.take(2).await);
    assert_eq!(rest, recorded(&tenant, &format!("{}&after={}", &query[1..], last.unwrap())).await);
    assert_eq!(
        rest.iter().map(|change| change["operation"].as_str().unwrap()).collect::<Vec<_>>(),
        ["association.update", "association.delete"]
    );
    // The header counts more than the query string, in which a browser leaves what it began with.
    let mut again = reader.open(&format!("{query}&after=1"), last).await;
    assert_eq!(data(again.take(2).await), rest);
    assert_eq!(reader.try_open("", Some("x")).await.err().map(|status| status.as_u16()), Some(400));
    // Who asks for JSON gets a page.
    let page = tenant.admin.call(&Method::GET, "/admin/v1/changes", &Value::Null).await;
    assert_eq!(page.header("Content-Type"), Some("application/json"));
}

#[tokio::test]
async fn a_stream_has_the_filters_of_a_page() {
    let (server, tenant) = started(&[]).await;
    let reader = Reader::of(&server);
    for n in 0..5 {
        tenant.create(&n.to_string(), "1").await.is(201);
        tenant.update(&n.to_string(), "2").await.is(200);
    }
    let filters = [
        ("operation=association.", 10),
        ("operation=association.update", 5),
        ("externalUserId=3", 2),
        ("actor=admin&operation=organization.", 1),
        ("externalUserId=3&operation=association.update", 1),
    ];
    for (filter, count) in filters {
        assert_eq!(recorded(&tenant, filter).await.len(), count, "{filter}");
    }
    for (filter, _) in filters {
        let mut events = reader.open(&format!("?{filter}"), None).await;
        let expected = recorded(&tenant, filter).await;
        assert_eq!(data(events.take(expected.len()).await), expected, "{filter}");
        // What comes after it is filtered as well, and what does not match is passed over.
        tenant.create("other", "1").await.is(201);
        tenant.delete("other").await.is(200);
        tenant.update("3", "3").await.is(200);
        tenant.update("3", "2").await.is(200);
        if filter.starts_with("externalUserId") {
            let next = events.next().await.unwrap().data;
            assert_eq!(
                (&next["operation"], &next["external_user_id"]),
                (&json!("association.update"), &json!("3"))
            );
        }
    }
}

#[tokio::test]
async fn streams_are_bounded_and_counted() {
    const MOST: usize = jackfield_model::limit::CHANGE_STREAMS;
    let (server, tenant) = started(&[]).await;
    let reader = Reader::of(&server);
    let mut open: Vec<Events> = Vec::new();
    for _ in 0..MOST {
        open.push(reader.open("", None).await);
    }
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let most = MOST as f64;
    assert!((metric(&tenant, "jackfield_change_streams", None).await - most).abs() < 0.1);
    assert_eq!(reader.try_open("", None).await.err().map(|status| status.as_u16()), Some(503));
    let limited = metric(&tenant, "jackfield_limited_total", Some(("limit", "change_streams"))).await;
    assert!((limited - 1.0).abs() < 0.1, "{limited}");
    // Pages are no streams.
    tenant.admin.get("/admin/v1/changes").await;
    open.truncate(MOST - 1);
    // A place is free as soon as its reader has gone, and not only when there is something to send.
    let began = Instant::now();
    until_open(&tenant, most - 1.0).await;
    assert!(began.elapsed() < jackfield_model::limit::CHANGE_STREAM_SILENCE / 2, "{:?}", began.elapsed());
    let mut events = reader.open("?operation=association.", None).await;
    tenant.create("1", "1").await.is(201);
    assert_eq!(events.next().await.unwrap().data["external_user_id"], "1");
}

#[tokio::test]
async fn a_stream_ends_with_the_right_to_it_and_with_the_server() {
    let (mut server, tenant) = started(&[]).await;
    let made = tenant.admin.create("/admin/v1/tokens", &json!({"name": "reader", "role": "viewer"})).await;
    let token = made["token"].as_str().unwrap();
    server.endpoint().keep_secret(token);
    let address = server.endpoint().address(Listener::Admin);
    let mut theirs = Reader { address, token }.open("?operation=association.", None).await;
    let mut ours = Reader::of(&server).open("?operation=association.", None).await;
    tenant.create("1", "1").await.is(201);
    assert_eq!(theirs.next().await, ours.next().await);
    tenant.admin.delete(&format!("/admin/v1/tokens/{}", made["id"].as_str().unwrap())).await;
    tenant.create("2", "1").await.is(201);
    assert_eq!(theirs.next().await, None, "revoked");
    assert_eq!(ours.next().await.unwrap().data["external_user_id"], "2");
    let refused = Reader { address, token }.try_open("", None).await.err();
    assert_eq!(refused.map(|status| status.as_u16()), Some(401));
    let began = Instant::now();
    server.begin_terminate();
    assert_eq!(ours.next().await, None, "the server ends");
    assert_eq!(server.wait().status.code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(8), "nobody was waited for: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_reader_from_before_the_retention_is_told_what_it_missed() {
    let (mut server, tenant) = started(&[]).await;
    for n in 0..20 {
        tenant.create(&n.to_string(), "1").await.is(201);
    }
    let last = recorded(&tenant, "").await.last().unwrap()["sequence"].as_u64().unwrap();
    server.terminate();
    server.options().flags = vec!["--change-retention".to_owned(), "1ms".to_owned()];
    // All that was made before is too old for the look that a server takes at its start. The next one is a while off.
    server.restart();
    poll::until_async("the old changes are gone", poll::PATIENCE, async || {
        recorded(&tenant, "").await.is_empty().then_some(())
    })
    .await;
    let mut events = Reader::of(&server).open("", Some(3)).await;
    tenant.create("new", "1").await.is(201);
    let lost = events.next().await.unwrap();
    assert_eq!((lost.name.as_str(), &lost.data), ("lost", &json!({"after": 3, "through": last})));
    assert_eq!(events.next().await.unwrap().data["external_user_id"], "new");
    let mut events = Reader::of(&server).open("", Some(last)).await;
    assert_eq!(events.next().await.unwrap().data["external_user_id"], "new", "nothing was missed");
}

#[tokio::test]
async fn a_reader_who_does_not_read_is_cut_off() {
    let (server, tenant) = started(&["--body-timeout", "1s"]).await;
    fill(&tenant, "room", 12_000).await;
    let endpoint = server.endpoint();
    let mut raw = Raw::connect_narrow_to(endpoint.address(Listener::Admin)).await;
    raw.write(format!(
        "GET /admin/v1/changes HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer {}\r\n\r\n",
        endpoint.admin_token()
    ))
    .await
    .unwrap();
    until_open(&tenant, 1.0).await;
    // It goes on with new changes, so that nothing else ends it.
    until_open(&tenant, 0.0).await;
}

/// A reader goes on at another node: the numbers are the same, and none is missing, whoever wrote.
#[tokio::test]
async fn a_reader_goes_on_at_another_node() {
    let database = Database::fresh();
    let nodes = [0, 1].map(|_| Server::start(Options::on(&database)));
    let one = Tenant::on(nodes[0].endpoint(), TenantOptions::default()).await;
    let other = one.at(nodes[1].endpoint(), Version::Http1);
    let writing = [fill(&one, "one", 400), fill(&other, "other", 400)];
    let reading = async {
        let (mut last, mut seen) = (None, Vec::new());
        for turn in 0.. {
            let mut events = Reader::of(&nodes[turn % 2]).open("?operation=association.", last).await;
            seen.extend(data(events.take(100).await));
            last = events.last_id;
            if seen.len() == 800 {
                return seen;
            }
        }
        unreachable!("it goes on until all was seen")
    };
    let (seen, _) = tokio::join!(reading, futures_util::future::join_all(writing));
    assert_eq!(seen, recorded(&other, "operation=association.").await);
}
