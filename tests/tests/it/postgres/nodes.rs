//! Several nodes on one database are one service.

use std::time::{Duration, Instant};

use http::Method;
use jackfield_tests::page::walk;
use jackfield_tests::postgres::Database;
use jackfield_tests::{Admin, Request, Server, Tenant, TenantOptions, Version, poll};
use serde_json::{Value, json};

use crate::operation::Op;

/// Longest until a node knows of a revocation that another one answered.
const EVERYWHERE: Duration = Duration::from_secs(5);

/// Two nodes, and the same tenant on both.
struct Pair {
    one: Tenant,
    other: Tenant,
    servers: [Server; 2],
    _database: Database,
}

impl Pair {
    async fn start() -> Self {
        let database = Database::fresh();
        // At the same time: both find a database without a schema.
        let start = |url: String| std::thread::spawn(move || super::node(&url));
        let servers = [start(database.url()), start(database.url())].map(|start| start.join().unwrap());
        let one = Tenant::on(servers[0].endpoint(), TenantOptions::default()).await;
        let other = one.at(servers[1].endpoint(), Version::Http1);
        Self { one, other, servers, _database: database }
    }
}

/// Asks the node until it refuses with 401, which it must within the bound from now.
async fn refused(tenant: &Tenant, since: Instant) {
    let answer = async || match tenant.send(&Op::Query.request(tenant, "7201")).await.status {
        401 => Some(()),
        200 => None,
        status => panic!("{status}"),
    };
    poll::until_async("the other node refuses", EVERYWHERE, answer).await;
    assert!(since.elapsed() <= EVERYWHERE, "{:?}", since.elapsed());
}

#[tokio::test]
async fn what_one_node_answered_the_other_sees() {
    let pair = Pair::start().await;
    for n in 0..100 {
        let (here, there) = if n % 2 == 0 { (&pair.one, &pair.other) } else { (&pair.other, &pair.one) };
        let id = n.to_string();
        here.create(&id, "1").await.is(201);
        assert_eq!(there.find(&id).await.as_deref(), Some("1"), "create {n}");
        there.create(&id, "2").await.is(409);
        there.update(&id, "2").await.is(200);
        assert_eq!(here.find(&id).await.as_deref(), Some("2"), "update {n}");
        if n % 3 == 0 {
            here.delete(&id).await.is(200);
            assert_eq!(there.find(&id).await, None, "delete {n}");
            there.delete(&id).await.is(404);
        }
    }
    let (one, other) = (walk(&pair.one, &json!({}), 7).await, walk(&pair.other, &json!({}), 7).await);
    assert_eq!(one, other);
    assert_eq!(one.total_count, 66);
    let changes = pair.other.admin.changes(&pair.other.provider, 0).await;
    assert_eq!(changes, pair.one.admin.changes(&pair.one.provider, 0).await);
}

#[tokio::test]
async fn accounts_made_on_one_node_are_good_on_the_other_at_once() {
    let pair = Pair::start().await;
    for n in 0..20 {
        let (here, there) = if n % 2 == 0 { (0, 1) } else { (1, 0) };
        // Organization, client, provider and token, and the first request goes to the other node.
        let made = Tenant::on(pair.servers[here].endpoint(), TenantOptions::default()).await;
        let used = made.at(pair.servers[there].endpoint(), Version::Http1);
        used.create("7201", "1").await.is(201);
        assert_eq!(made.find("7201").await.as_deref(), Some("1"));
        // A login with the secret at the other node, and its token at the first.
        let form = format!(
            "grant_type=client_credentials&scope={}&client_id={}&client_secret={}",
            jackfield_tests::tenant::SCOPE,
            made.client_id,
            made.client_secret
        );
        let answer = used.send(&Request::new(&Method::POST, "/auth/o2/token").body(form)).await.expect(200);
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        made.send(&Op::Query.bare_request(&made.provider, "7201").bearer(&token)).await.is(200);
        let second = made.new_provider(&format!("second {n}")).await;
        used.send(&Op::Query.bare_request(&second, "7201").bearer(&used.token)).await.is(200);
    }
}

#[tokio::test]
async fn a_walk_goes_on_at_any_node() {
    let pair = Pair::start().await;
    for n in 0..20 {
        pair.one.create(&format!("{n:02}"), "1").await.is(201);
    }
    let (mut token, mut found) = (Value::Null, Vec::new());
    for page in 0.. {
        let node = if page % 2 == 0 { &pair.one } else { &pair.other };
        let mut context = json!({"maxResults": 3});
        if !token.is_null() {
            context["nextToken"] = token;
        }
        let answer =
            node.query(&json!({"filters": {}, "paginationContext": context})).await.expect(200).json();
        found.extend(jackfield_tests::page::ids(&answer).into_iter().map(|(id, _)| id));
        token = answer["paginationContext"]["nextPageToken"].clone();
        if token == "0" {
            break;
        }
    }
    let wanted: Vec<String> = (0..20).map(|n| format!("{n:02}")).collect();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn who_is_shut_out_is_shut_out_everywhere() {
    let pair = Pair::start().await;
    for n in 0..4 {
        let (here, there) = if n % 2 == 0 { (0, 1) } else { (1, 0) };
        let made = Tenant::on(pair.servers[here].endpoint(), TenantOptions::default()).await;
        let used = made.at(pair.servers[there].endpoint(), Version::Http1);
        used.send(&Op::Query.request(&used, "7201")).await.is(200);
        let client = format!("/admin/v1/clients/{}", made.client_id);
        let since = Instant::now();
        if n < 2 {
            made.admin.call(&Method::POST, &format!("{client}/revoke-tokens"), &Value::Null).await;
        } else {
            made.admin.patch(&client, &json!({"enabled": false})).await;
        }
        made.send(&Op::Query.request(&made, "7201")).await.is(401);
        refused(&used, since).await;
    }
    // A new secret makes the old one worthless.
    let client = format!("/admin/v1/clients/{}", pair.one.client_id);
    let since = Instant::now();
    let rotated = pair.one.admin.call(&Method::POST, &format!("{client}/rotate-secret"), &Value::Null).await;
    let secret = rotated.expect(200).json()["secret"].as_str().unwrap().to_owned();
    for server in &pair.servers {
        server.endpoint().keep_secret(&secret);
    }
    let login = async |secret: &str| {
        let form = format!(
            "grant_type=client_credentials&scope={}&client_id={}&client_secret={secret}",
            jackfield_tests::tenant::SCOPE,
            pair.other.client_id
        );
        pair.other.send(&Request::new(&Method::POST, "/auth/o2/token").body(form)).await.status
    };
    let old = async || (login(&pair.one.client_secret).await == 401).then_some(());
    poll::until_async("the old secret is refused", EVERYWHERE, old).await;
    assert!(since.elapsed() <= EVERYWHERE);
    assert_eq!(login(&secret).await, 200);
}

#[tokio::test]
async fn maintenance_is_shared() {
    let pair = Pair::start().await;
    for (on, status) in [(true, 503), (false, 200), (true, 503), (false, 200)] {
        pair.one.admin.maintenance(on, 7).await;
        let there = async || {
            let answer = pair.other.send(&Op::Query.request(&pair.other, "7201")).await;
            if answer.status == 503 {
                assert_eq!(answer.header("Retry-After"), Some("7"));
            }
            (answer.status == status).then_some(())
        };
        poll::until_async("the other node follows", EVERYWHERE, there).await;
        pair.one.send(&Op::Query.request(&pair.one, "7201")).await.is(status);
    }
    let shown = Admin::new(pair.other.endpoint()).get("/admin/v1/maintenance").await;
    assert_eq!(shown["enabled"], false);
}

#[tokio::test]
async fn nodes_that_start_together_make_one_schema() {
    let database = Database::fresh();
    let start = |_| {
        let url = database.url();
        std::thread::spawn(move || super::node(&url))
    };
    let starting: Vec<_> = (0..4).map(start).collect();
    let servers: Vec<Server> = starting.into_iter().map(|server| server.join().unwrap()).collect();
    // One root key: a token of the first is good at all.
    let tenant = Tenant::on(servers[0].endpoint(), TenantOptions::default()).await;
    for (n, server) in servers.iter().enumerate() {
        let here = tenant.at(server.endpoint(), Version::Http1);
        here.create(&n.to_string(), "1").await.is(201);
        assert_eq!(walk(&here, &json!({}), 100).await.total_count, n as u64 + 1);
    }
}

#[tokio::test]
async fn a_token_of_a_new_key_is_good_on_every_node_at_once() {
    let pair = Pair::start().await;
    let (one, other) = (&pair.one, &pair.other);
    one.create("7201", "1").await.is(201);
    one.create("7202", "1").await.is(201);
    for rotation in 2..5 {
        let rotated =
            one.admin.call(&Method::POST, "/admin/v1/keys/rotate", &Value::Null).await.expect(200).json();
        assert_eq!(rotated["items"].as_array().unwrap().last().unwrap()["id"], rotation);
        // Of the node that rotated, to the one that may not have heard of it.
        let token = one.admin.token(&one.client_id, &json!({})).await;
        pair.servers[1].endpoint().keep_secret(&token);
        let query = Request::new(&Method::POST, other.query_path())
            .bearer(&token)
            .json(&json!({"filters": {}, "paginationContext": {"maxResults": 1}}));
        let page = other.send(&query).await.expect(200).json();
        let next = page["paginationContext"]["nextPageToken"].clone();
        let query = Request::new(&Method::POST, one.query_path())
            .bearer(&token)
            .json(&json!({"filters": {}, "paginationContext": {"maxResults": 1, "nextToken": next}}));
        one.send(&query).await.is(200);
        other.send(&Op::Query.request(other, "7201")).await.is(200);
    }
}
