//! Secrets, tokens, codes and passwords that are tried one after the other.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use jackfield_model::limit;
use jackfield_tests::http::Client;
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{
    Listener, Options, Request, Response, Server, Tenant, TenantOptions, Version, metrics,
};
use serde_json::json;
use tokio::time::Instant;

use crate::consent::BACK;
use crate::login::{access_token, is_login_error, token_request};
use crate::operation::Op;

const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 9));
const WEAK: &str = "weak-secret";

fn credentials(id: &str, secret: &str) -> Request {
    let pairs = [
        ("grant_type", "client_credentials"),
        ("scope", SCOPE),
        ("client_id", id),
        ("client_secret", secret),
    ];
    token_request(&pairs)
}

async fn lone_tenant() -> (Server, Tenant) {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    (server, tenant)
}

fn from(server: &Server, address: IpAddr) -> Client {
    Client::new(server.endpoint(), Listener::Public, Version::Http1).from_address(address)
}

/// A client of the tenant with a secret that could be guessed.
async fn weak(tenant: &Tenant) -> String {
    let target = format!("/admin/v1/organizations/{}/clients", tenant.organization);
    tenant.endpoint().keep_secret(WEAK);
    tenant.admin.create(&target, &json!({"secret": WEAK})).await["id"].as_str().unwrap().to_owned()
}

/// Sends a request until it is refused for the guessing; answers how often it was judged, and that refusal.
async fn until_bounded(client: &Client, request: &Request, judged_as: u16) -> (usize, Response) {
    for judged in 0..=1_000 {
        let response = client.send(request).await.unwrap();
        if response.status == 429 {
            return (judged, response);
        }
        response.is(judged_as);
    }
    panic!("a thousand guesses were judged");
}

#[track_caller]
fn is_bounded(response: &Response) {
    is_login_error(response, 429, "temporarily_unavailable");
    let seconds: u64 = response.header("Retry-After").unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn wrong_secrets_are_bounded_and_harm_who_guesses() {
    let (server, tenant) = lone_tenant().await;
    let weak = weak(&tenant).await;
    let (stranger, user) = (from(&server, STRANGER), &tenant.client);
    let (judged, refusal) = until_bounded(&stranger, &credentials(&weak, "wrong-secret"), 401).await;
    let burst = limit::GUESSES_OF_CLIENT_AND_ADDRESS.burst as usize;
    // What comes in again while they are sent is allowed as well.
    assert!((burst..burst + 20).contains(&judged), "{judged}");
    is_bounded(&refusal);
    // Nobody learns by guessing on that a secret is right.
    is_bounded(&stranger.send(&credentials(&weak, WEAK)).await.unwrap());
    // It works from elsewhere all the while, and one that nobody can guess works from anywhere.
    access_token(&user.send(&credentials(&weak, WEAK)).await.unwrap());
    let strong = credentials(&tenant.client_id, &tenant.client_secret);
    access_token(&stranger.send(&strong).await.unwrap());
    // Ids that nobody has are bounded too.
    let nobody = credentials("amzn1.application-oa2-client.0", "wrong-secret");
    let (judged, refusal) = until_bounded(&stranger, &nobody, 401).await;
    assert!(judged < burst + 20);
    is_bounded(&refusal);
    let exposed = tenant.admin.send(&Request::new(&Method::GET, "/metrics")).await.expect(200);
    let samples = metrics::parse(exposed.text()).unwrap();
    let count = |name: &str, label: &str, value: &str| {
        let counted = samples.iter().filter(|sample| {
            sample.name == name && sample.labels.get(label).is_some_and(|found| found == value)
        });
        counted.map(|sample| sample.value).sum::<f64>()
    };
    assert!(
        count("jackfield_failed_logins_total", "what", "client_secret")
            >= 2.0 * f64::from(u16::try_from(burst).unwrap())
    );
    assert!(count("jackfield_limited_total", "limit", "guesses") >= 2.0);
    let told = server.log().lines().filter(|line| line.contains("a login failed")).count();
    assert_eq!(told, 1, "once a minute");
    let journal = tenant.admin.get("/admin/v1/journal?refused=true").await["entries"].clone();
    let bounded = journal.as_array().unwrap().iter().any(|entry| entry["refusal"]["check"] == "guessing");
    assert!(bounded, "the journal says why");
}

#[tokio::test]
async fn refresh_tokens_and_codes_are_bounded_too() {
    let (server, tenant) = lone_tenant().await;
    let stranger = from(&server, STRANGER);
    let target = format!("/admin/v1/clients/{}", tenant.client_id);
    tenant.admin.patch(&target, &json!({"redirect_uris": [BACK], "public": true})).await;
    for pairs in [
        [
            ("grant_type", "refresh_token"),
            ("refresh_token", "Atzr|wrong"),
            ("client_id", &*tenant.client_id),
            ("x", ""),
        ],
        [
            ("grant_type", "authorization_code"),
            ("code", "wrong"),
            ("redirect_uri", BACK),
            ("client_id", &*tenant.client_id),
        ],
    ] {
        let (_, refusal) = until_bounded(&stranger, &token_request(&pairs), 400).await;
        is_bounded(&refusal);
    }
    access_token(&tenant.send(&credentials(&tenant.client_id, &tenant.client_secret)).await);
}

#[tokio::test]
async fn wrong_admin_tokens_are_bounded_and_the_right_one_passes() {
    let (server, tenant) = lone_tenant().await;
    let operator = Client::new(server.endpoint(), Listener::Admin, Version::Http1);
    let status = |token: &str| Request::new(&Method::GET, "/admin/v1/status").bearer(token);
    let (judged, refusal) = until_bounded(&operator, &status("wrong"), 401).await;
    assert!(judged >= limit::GUESSES_OF_ADMIN_TOKEN.burst as usize, "{judged}");
    assert_eq!(refusal.kind(), "TOO_MANY_REQUESTS");
    assert!(refusal.header("Retry-After").is_some());
    operator.send(&status(tenant.endpoint().admin_token())).await.unwrap().is(200);
    // Who sends no token guesses nothing.
    operator.send(&Request::new(&Method::GET, "/admin/v1/status")).await.unwrap().is(401);
}

/// Queries that are answered within a span of time, by a client that sends one each twentieth of a second whether the
/// ones before are answered or not.
async fn goodput(tenant: &Tenant, span: Duration) -> usize {
    let end = Instant::now() + span;
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let mut running = tokio::task::JoinSet::new();
    let http2 = Arc::new(tenant.again(Version::Http2));
    while Instant::now() < end {
        ticks.tick().await;
        let tenant = Arc::clone(&http2);
        running.spawn(async move { tenant.send(&Op::Query.request(&tenant, "7201")).await.status });
    }
    let answered = async {
        let mut answered = 0;
        while let Some(status) = running.join_next().await {
            assert_eq!(status.unwrap(), 200);
            answered += 1;
        }
        answered
    };
    tokio::time::timeout(Duration::from_secs(20), answered).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_goes_on_while_32_connections_guess() {
    let (server, tenant) = lone_tenant().await;
    tenant.create("7201", "1").await.is(201);
    let span = Duration::from_secs(3);
    let before = goodput(&tenant, span).await;
    let (stop, guesses) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let attackers: Vec<_> = (0..32)
        .map(|_| {
            let stranger = from(&server, STRANGER);
            let wrong = credentials(&tenant.client_id, "wrong-secret");
            let (stop, guesses) = (Arc::clone(&stop), Arc::clone(&guesses));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let status = stranger.send(&wrong).await.unwrap().status;
                    assert!(matches!(status, 401 | 429), "{status}");
                    guesses.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let during = goodput(&tenant, span).await;
    // The client that they guess at logs in from its own address.
    access_token(&tenant.send(&credentials(&tenant.client_id, &tenant.client_secret)).await);
    stop.store(true, Ordering::Relaxed);
    for attacker in attackers {
        attacker.await.unwrap();
    }
    assert!(during * 10 >= before * 9, "{during} instead of {before}");
    // As many as the bound lets through are judged, and the refusals are paced.
    let most = limit::GUESSES_OF_CLIENT_AND_ADDRESS.burst + 32;
    let paced = span.as_millis() / limit::GUESS_PACE.as_millis() * 3;
    let guessed = guesses.load(Ordering::Relaxed) as u128;
    assert!(guessed <= u128::from(most) + paced, "{guessed}");
    println!("goodput {during} of {before}, {guessed} guesses");
}
