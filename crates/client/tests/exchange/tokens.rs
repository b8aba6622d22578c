//! Tokens: fetched, kept, renewed, replaced, and never shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jackfield_client::admin::AdminClient;
use jackfield_client::testing::{ScriptedServer, Step};
use jackfield_client::{AccessToken, Client, Error, Grant, LoginTokens, StaticToken, TokenSource, Transport};
use jackfield_model::admin::Secret;

use crate::{SECRET, all, association, busy, options, page, provider};

fn login(server: &ScriptedServer, grant: Grant) -> LoginTokens {
    LoginTokens::new(
        Transport::new(&options()).unwrap(),
        &server.endpoint(),
        "amzn1.application-oa2-client.c1".to_owned(),
        Secret(SECRET.to_owned()),
        grant,
    )
}

fn scope() -> Grant {
    Grant::ClientCredentials { scope: "s".to_owned() }
}

fn token(name: &str, expires_in: u64) -> Step {
    Step::json(
        200,
        &format!(r#"{{"access_token":"Atza|{name}","token_type":"bearer","expires_in":{expires_in}}}"#),
    )
}

fn unauthorized(challenge: &str) -> Step {
    Step::error(401, "UNAUTHORIZED", "No.").with("www-authenticate", challenge)
}

/// A source of one's own.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<AtomicU32>);

#[async_trait]
impl TokenSource for Counting {
    async fn token(&self) -> Result<AccessToken, Error> {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        AccessToken::new(&Secret(format!("n{count}")))
            .map_err(|error| Error::NoToken { reason: error.to_string() })
    }
}

#[tokio::test]
async fn a_token_is_kept_until_shortly_before_it_expires() {
    let script = [token("a", 3_600), page(&[], ""), page(&[], ""), token("b", 3_600), page(&[], "")];
    let server = ScriptedServer::start(script).await;
    let tokens = login(&server, scope());
    let client = Client::new(Transport::new(&options()).unwrap(), server.endpoint(), tokens);
    for _ in 0..2 {
        client.query(provider(), &all()).await.unwrap();
    }
    // 59 minutes and 1 second later the token has less than a minute left.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(3_541)).await;
    tokio::time::resume();
    client.query(provider(), &all()).await.unwrap();
    let authorizations: Vec<String> = server.seen().into_iter().map(|seen| seen.authorization).collect();
    assert_eq!(authorizations, ["", "Bearer Atza|a", "Bearer Atza|a", "", "Bearer Atza|b"]);
    assert_eq!(server.seen()[0].content_type, "application/x-www-form-urlencoded");
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_token_request() {
    let mut script = vec![token("a", 3_600)];
    script.extend((0..8).map(|_| page(&[], "")));
    let server = ScriptedServer::start(script).await;
    let tokens = login(&server, scope());
    let client = Client::new(Transport::new(&options()).unwrap(), server.endpoint(), tokens);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        calls.spawn(async move { client.query(provider(), &all()).await.map(drop) });
    }
    for outcome in calls.join_all().await {
        outcome.unwrap();
    }
    assert_eq!(server.seen().iter().filter(|seen| seen.path == "/auth/o2/token").count(), 1);
}

#[tokio::test]
async fn a_revoked_token_is_replaced_once() {
    let invalid = || unauthorized(r#"Bearer error="invalid_token""#);
    let script = [
        token("a", 3_600),
        invalid(),
        token("b", 3_600),
        Step::json(201, ""),
        invalid(),
        token("c", 3_600),
        invalid(),
    ];
    let server = ScriptedServer::start(script).await;
    let tokens = login(&server, scope());
    let client = Client::new(Transport::new(&options()).unwrap(), server.endpoint(), tokens);
    client.create(provider(), &association()).await.unwrap();
    assert_eq!(server.seen()[3].authorization, "Bearer Atza|b");
    let error = client.create(provider(), &association()).await.unwrap_err();
    assert_eq!((error.status(), server.seen().len()), (Some(401), 7), "a second refusal is final");

    // A 401 for another reason than the token asks for no new one.
    let other = unauthorized(r#"Bearer error="insufficient""#);
    let server = ScriptedServer::start([token("a", 3_600), other]).await;
    let tokens = login(&server, scope());
    let client = Client::new(Transport::new(&options()).unwrap(), server.endpoint(), tokens);
    assert_eq!(client.create(provider(), &association()).await.unwrap_err().status(), Some(401));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_refresh_token_that_is_replaced_is_used_next() {
    let first = r#"{"access_token":"Atza|a","token_type":"bearer","expires_in":0,"refresh_token":"Atzr|2"}"#;
    let server = ScriptedServer::start([Step::json(200, first), token("b", 0)]).await;
    let tokens = login(&server, Grant::RefreshToken(Secret("Atzr|1".to_owned())));
    tokens.token().await.unwrap();
    tokens.token().await.unwrap();
    let bodies: Vec<String> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert!(bodies[0].starts_with("grant_type=refresh_token&refresh_token=Atzr%7C1&"), "{}", bodies[0]);
    assert!(bodies[1].starts_with("grant_type=refresh_token&refresh_token=Atzr%7C2&"), "{}", bodies[1]);
}

#[tokio::test]
async fn a_refused_login_is_typed() {
    let body = r#"{"error":"invalid_client","error_description":"Unknown.","request_id":"r1"}"#;
    let server =
        ScriptedServer::start([Step::json(401, body), Step::json(400, "<html>"), Step::json(200, "{}")])
            .await;
    let tokens = login(&server, scope());
    let Err(Error::Login(error)) = tokens.fetch().await else { panic!("no login error") };
    assert_eq!(
        (error.status, error.error.as_str(), error.description.as_str(), error.request_id.as_deref()),
        (401, "invalid_client", "Unknown.", Some("r1"))
    );
    assert!(matches!(tokens.fetch().await, Err(Error::Login(error)) if error.status == 400));
    assert!(matches!(tokens.fetch().await, Err(Error::UnexpectedAnswer { .. })));
}

#[tokio::test]
async fn a_source_of_ones_own_is_asked_at_every_try() {
    let server = ScriptedServer::start([busy(503), page(&[], "")]).await;
    let client = Client::new(Transport::new(&options()).unwrap(), server.endpoint(), Counting::default());
    client.query(provider(), &all()).await.unwrap();
    let seen: Vec<String> = server.seen().into_iter().map(|seen| seen.authorization).collect();
    assert_eq!(seen, ["Bearer n0", "Bearer n1"]);
}

#[tokio::test]
async fn no_secret_stands_in_debug_output_or_errors() {
    let server =
        ScriptedServer::start([token(SECRET, 3_600), Step::HangUp, Step::HangUp, Step::HangUp]).await;
    let grant = Grant::RefreshToken(Secret(format!("Atzr|{SECRET}")));
    let mut shown = format!("{grant:?}");
    let tokens = login(&server, grant);
    shown += &format!("{tokens:?}");
    let answer = tokens.fetch().await.unwrap();
    assert!(answer.access_token.0.contains(SECRET), "the secret is really there");
    shown += &format!("{answer:?} {:?} {tokens:?}", tokens.token().await.unwrap());
    let client = Client::new(Transport::new(&options()).unwrap(), server.endpoint(), tokens);
    let error = client.query(provider(), &all()).await.unwrap_err();
    shown += &format!("{error} {error:?} {client:?}");
    let transport = Transport::new(&options()).unwrap();
    let admin = AdminClient::new(transport, server.endpoint(), &Secret(SECRET.to_owned())).unwrap();
    shown += &format!("{admin:?}");
    let bad = StaticToken::new(&Secret(format!("{SECRET} with a space"))).unwrap_err();
    shown += &format!("{bad} {bad:?}");
    assert!(!shown.contains(SECRET), "{shown}");
}
