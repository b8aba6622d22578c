//! Tokens of other issuers: what holds, what does not, and what happens while the issuer is away.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use jackfield_tests::oauth::{OAuthServer, RESOURCE_SERVER, UNREGISTERED};
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{Listener, Options, Response, Server, Tenant, TenantOptions, poll};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::login::{is_login_error, token_request, with_client};
use crate::operation::Op;

const CLIENT: &str = "amzn1.application-oa2-client.5eed00000000000000000000000000aa";
const SECRET: &str = "a-secret-that-both-sides-know-0123456789";

/// A server under test whose one client is [`CLIENT`].
struct Stage {
    tenant: Tenant,
    _server: Server,
}

impl Stage {
    async fn set(flags: &[&str]) -> Self {
        let server = Server::start(Options::with_flags(flags));
        let mut tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        let target = format!("/admin/v1/organizations/{}/clients", tenant.organization);
        tenant.admin.create(&target, &json!({"id": CLIENT, "secret": SECRET, "rate_limit": 0})).await;
        tenant.client_id = CLIENT.to_owned();
        tenant.client_secret = SECRET.to_owned();
        Self { tenant, _server: server }
    }

    /// A query with a token.
    async fn query(&self, token: &str) -> Response {
        self.tenant.send(&Op::Query.bare_request(&self.tenant.provider, "7201").bearer(token)).await
    }

    async fn status(&self, token: &str) -> u16 {
        self.query(token).await.status
    }
}

fn oidc(issuer: &OAuthServer) -> Vec<String> {
    ["--token-issuer", &format!("oidc={}", issuer.url()), "--token-audience", "urn:test:jwt"]
        .map(str::to_owned)
        .into()
}

fn introspection(issuer: &OAuthServer, recheck: &str) -> Vec<String> {
    let endpoint = format!("introspection={}", issuer.introspection());
    let (id, secret) = RESOURCE_SERVER;
    let flags = [
        ["--token-issuer", &endpoint],
        ["--token-issuer-client-id", id],
        ["--token-issuer-client-secret", secret],
        ["--token-recheck", recheck],
    ];
    flags.concat().into_iter().map(str::to_owned).collect()
}

fn strs(flags: &[String]) -> Vec<&str> {
    flags.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn a_jwt_of_an_oidc_issuer() {
    let issuer = OAuthServer::start(CLIENT, SECRET);
    let stage = Stage::set(&strs(&oidc(&issuer))).await;
    let endpoint = stage.tenant.endpoint();
    let good = issuer.token(endpoint, "urn:test:jwt", SCOPE).await;
    for op in [Op::Create, Op::Update, Op::Query, Op::Delete] {
        let request = op.bare_request(&stage.tenant.provider, "7201").bearer(&good);
        stage.tenant.send(&request).await.is(op.success());
    }
    let narrow = issuer.token(endpoint, "urn:test:jwt", "profile").await;
    stage.query(&narrow).await.is_error(403, SCOPE);
    for resource in ["urn:test:jwt-es", "urn:test:short"] {
        let foreign = issuer.token(endpoint, resource, SCOPE).await;
        assert_eq!(stage.status(&foreign).await, 401, "it is for another audience");
    }
    let stranger = issuer.token_of(UNREGISTERED, endpoint, "urn:test:jwt", SCOPE).await;
    assert_eq!(stage.status(&stranger).await, 401);
    // Our own tokens are not believed here, and are not given.
    assert_eq!(stage.status(&stage.tenant.token).await, 401);
    let grant = [("grant_type", "client_credentials"), ("scope", SCOPE)];
    let refused = stage.tenant.send(&token_request(&with_client(&stage.tenant, &grant))).await;
    is_login_error(&refused, 400, "unauthorized_client");
    // What an operator does to the client here counts, whatever the issuer says.
    let target = format!("/admin/v1/clients/{CLIENT}");
    stage.tenant.admin.patch(&target, &json!({"scopes": ["profile"]})).await;
    stage.query(&good).await.is_error(403, SCOPE);
    stage.tenant.admin.patch(&target, &json!({"scopes": [SCOPE], "enabled": false})).await;
    stage.query(&good).await.is_error(401, "not registered here, or is disabled");
    stage.tenant.admin.patch(&target, &json!({"enabled": true})).await;
    assert_eq!(stage.status(&good).await, 200);
}

#[tokio::test]
async fn no_jwt_can_be_forged() {
    let issuer = OAuthServer::start(CLIENT, SECRET);
    let stage = Stage::set(&strs(&oidc(&issuer))).await;
    let good = issuer.token(stage.tenant.endpoint(), "urn:test:jwt", SCOPE).await;
    assert_eq!(stage.status(&good).await, 200);
    let parts: Vec<&str> = good.split('.').collect();
    let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let with = |changes: Value| {
        let mut header = header.clone();
        header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        encode(&header)
    };
    let mut claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["client_id"] = json!("amzn1.application-oa2-client.another");
    let signature = parts[2];
    let forged = [
        format!("{}.{}.{signature}", parts[0], encode(&claims)),
        format!("{}.{}.", with(json!({"alg": "none"})), parts[1]),
        format!("{}.{}.{signature}", with(json!({"alg": "HS256"})), parts[1]),
        format!("{}.{}.{signature}", with(json!({"alg": "RS512"})), parts[1]),
        format!("{}.{}.{signature}", with(json!({"typ": "id+jwt"})), parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(signature.len())),
        good[..good.len() - 4].to_owned(),
        "a.b.c".to_owned(),
        "nonsense".to_owned(),
        "Atzr|nonsense".to_owned(),
        "a".repeat(3_000),
    ];
    for token in &forged {
        stage.query(token).await.is(401);
    }
    // A key that nobody knows: the keys are asked for once, and until then nobody can tell.
    for _ in 0..3 {
        let kid = uuid::Uuid::new_v4().to_string();
        let status = stage.status(&format!("{}.{}.{signature}", with(json!({"kid": kid})), parts[1])).await;
        assert!(matches!(status, 401 | 503), "{status}");
    }
    assert_eq!(stage.status(&good).await, 200);
}

#[tokio::test]
async fn a_token_ends_when_it_says_and_keys_rotate() {
    let issuer = OAuthServer::start(CLIENT, SECRET);
    let url = format!("builtin,oidc={}", issuer.url());
    let stage = Stage::set(&["--token-issuer", &url, "--token-audience", "urn:test:short"]).await;
    let short = issuer.token(stage.tenant.endpoint(), "urn:test:short", SCOPE).await;
    assert_eq!(stage.status(&short).await, 200);
    let ended = async || (stage.status(&short).await == 401).then_some(());
    poll::until_async("the token has ended", Duration::from_secs(8), ended).await;
    issuer.rotate().await;
    // At most one fetch an interval; the token is never called bad meanwhile.
    let fresh = async || {
        let fresh = issuer.token(stage.tenant.endpoint(), "urn:test:short", SCOPE).await;
        match stage.status(&fresh).await {
            200 => Some(()),
            503 => None,
            other => panic!("a good token is answered with {other}"),
        }
    };
    poll::until_async("the new key is known", poll::PATIENCE, fresh).await;
    assert_eq!(stage.status(&stage.tenant.token).await, 200, "our own tokens are believed beside it");
}

#[tokio::test]
async fn introspection_sees_a_revocation() {
    let issuer = OAuthServer::start(CLIENT, SECRET);
    let stage = Stage::set(&strs(&introspection(&issuer, "500ms"))).await;
    let endpoint = stage.tenant.endpoint();
    let good = issuer.token(endpoint, "urn:test:opaque", SCOPE).await;
    let other = issuer.token(endpoint, "urn:test:opaque", SCOPE).await;
    let narrow = issuer.token(endpoint, "urn:test:opaque", "profile").await;
    let stranger = issuer.token_of(UNREGISTERED, endpoint, "urn:test:opaque", SCOPE).await;
    assert_eq!((stage.status(&good).await, stage.status(&other).await), (200, 200));
    stage.query(&narrow).await.is_error(403, SCOPE);
    for bad in [&*stranger, "nonsense", "Atza|nonsense", &good[1..]] {
        assert_eq!(stage.status(bad).await, 401, "{bad}");
    }
    issuer.revoke(&good).await;
    let refused = async || (stage.status(&good).await == 401).then_some(());
    poll::until_async("the revocation is seen", Duration::from_secs(5), refused).await;
    assert_eq!(stage.status(&other).await, 200);
}

#[tokio::test]
async fn an_issuer_that_cannot_say_is_a_503() {
    let issuer = OAuthServer::start(CLIENT, SECRET);
    let stage = Stage::set(&strs(&introspection(&issuer, "100ms"))).await;
    let endpoint = stage.tenant.endpoint();
    let known = issuer.token(endpoint, "urn:test:opaque", SCOPE).await;
    let fresh = issuer.token(endpoint, "urn:test:opaque", SCOPE).await;
    assert_eq!(stage.status(&known).await, 200);
    issuer.freeze();
    let started = Instant::now();
    stage.query(&fresh).await.is_error(503, "cannot be asked");
    assert!(started.elapsed() < Duration::from_secs(10), "a slow issuer is not waited for");
    assert_eq!(stage.status(&known).await, 200, "what it vouched for goes on");
    issuer.thaw();
    let works = async || (stage.status(&fresh).await == 200).then_some(());
    poll::until_async("the issuer is asked again", poll::PATIENCE, works).await;
}

/// A listener that answers every request with the same bytes.
async fn parrot(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 8 * 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn nonsense_is_no_refusal() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nnonsense",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-nonsense\r\n",
        "",
    ] {
        let url = parrot(answer).await;
        let kinds = [format!("lwa={url}"), format!("oidc={url}"), format!("introspection={url}")];
        for kind in kinds {
            let stage = Stage::set(&[
                "--token-issuer",
                &kind,
                "--token-audience",
                "a",
                "--token-issuer-client-id",
                "i",
                "--token-issuer-client-secret",
                "a-secret-to-ask-with",
            ])
            .await;
            // The head of a JWT that names RS256: the keys are needed to judge it.
            stage.query("eyJhbGciOiJSUzI1NiJ9.e30.AAAA").await.is_error(503, "cannot be asked");
        }
    }
}

#[tokio::test]
async fn the_tokeninfo_of_another_jackfield() {
    let mut vendor = Server::start(Options::default());
    let theirs = Tenant::on(vendor.endpoint(), TenantOptions::default()).await;
    let target = format!("/admin/v1/organizations/{}/clients", theirs.organization);
    theirs.admin.create(&target, &json!({"id": CLIENT, "secret": SECRET})).await;
    let url = format!("lwa=http://{}/auth/o2/tokeninfo", vendor.endpoint().address(Listener::Public));
    let stage = Stage::set(&["--token-issuer", &url, "--token-recheck", "200ms"]).await;
    let issue = async || {
        let token = theirs.admin.token(CLIENT, &json!({"scopes": []})).await;
        stage.tenant.endpoint().keep_secret(&token);
        token
    };
    let (known, fresh) = (issue().await, issue().await);
    // It says nothing of scopes: those that the client is granted here count.
    assert_eq!(stage.status(&known).await, 200);
    assert_eq!(stage.status(&theirs.token).await, 401, "its client is not registered here");
    assert_eq!(stage.status("Atza|nonsense").await, 401);
    let ended = theirs.admin.token(CLIENT, &json!({"expires_in": 0})).await;
    assert_eq!(stage.status(&ended).await, 401);
    vendor.kill9();
    let down = async || (stage.status(&fresh).await == 503).then_some(());
    poll::until_async("the issuer is missed", poll::PATIENCE, down).await;
    for _ in 0..50 {
        assert_eq!(stage.status(&known).await, 200);
    }
}

/// Known tokens and ones never seen, in turn, while the issuer is killed and comes back: no 401, and a 503 only for
/// one that was never seen.
async fn kill_and_revive(mut issuer: OAuthServer, stage: Stage, resource: &str) {
    let endpoint = stage.tenant.endpoint().clone();
    let mint = async |count: usize| {
        let mut tokens = VecDeque::new();
        for _ in 0..count {
            tokens.push_back(issuer.token(&endpoint, resource, SCOPE).await);
        }
        tokens
    };
    let known = mint(5).await;
    let mut fresh = mint(55).await;
    for token in &known {
        assert_eq!(stage.status(token).await, 200);
    }
    // The fresh tokens that were answered with 503.
    let round = async |count: usize, fresh: &mut VecDeque<String>| {
        let mut missed = Vec::new();
        for _ in 0..count {
            for token in &known {
                assert_eq!(stage.status(token).await, 200, "the issuer has vouched for it");
            }
            let token = fresh.pop_front().unwrap();
            match stage.status(&token).await {
                200 => assert_eq!(stage.status(&token).await, 200, "now it is known"),
                503 => missed.push(token),
                other => panic!("a good token is answered with {other}"),
            }
        }
        missed
    };
    assert!(round(20, &mut fresh).await.is_empty(), "while the issuer is there");
    issuer.kill9();
    let missed = round(30, &mut fresh).await;
    issuer.revive();
    // One token serves the wait, however long: a signed one was never missed, for the keys are known.
    if let Some(token) = missed.first() {
        let back = async || (stage.status(token).await == 200).then_some(());
        poll::until_async("the issuer is asked again", poll::PATIENCE, back).await;
    }
    assert!(round(5, &mut fresh).await.is_empty(), "after it came back");
    for token in &missed {
        assert_eq!(stage.status(token).await, 200, "it was never a bad token");
    }
}

#[tokio::test]
async fn introspection_killed_and_revived_under_load() {
    let issuer = OAuthServer::start(CLIENT, SECRET);
    // Answers are overdue at once, so that known tokens are asked about while nobody answers.
    let stage = Stage::set(&strs(&introspection(&issuer, "1ms"))).await;
    kill_and_revive(issuer, stage, "urn:test:opaque").await;
}

#[tokio::test]
async fn oidc_killed_and_revived_under_load() {
    let issuer = OAuthServer::start(CLIENT, SECRET);
    let mut flags = oidc(&issuer);
    flags.extend(["--token-recheck".to_owned(), "1ms".to_owned()]);
    let stage = Stage::set(&strs(&flags)).await;
    kill_and_revive(issuer, stage, "urn:test:jwt").await;
}

#[tokio::test]
async fn a_token_is_asked_about_once_at_a_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("introspection=http://{}/", listener.local_addr().unwrap());
    let stage = Stage::set(&[
        "--token-issuer",
        &url,
        "--token-issuer-client-id",
        "i",
        "--token-issuer-client-secret",
        "a-secret-to-ask-with",
    ])
    .await;
    let requests = vec![Op::Query.bare_request(&stage.tenant.provider, "7201").bearer("one-token"); 20];
    let http2 = stage.tenant.again(jackfield_tests::Version::Http2);
    let asked = tokio::spawn(async move { http2.client.send_together(&requests).await.unwrap() });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = [0; 8 * 1024];
    let read = stream.read(&mut request).await.unwrap();
    let head = String::from_utf8_lossy(&request[..read]).into_owned();
    assert!(head.starts_with("POST / ") && head.contains("authorization: Basic "), "{head}");
    let body = json!({"active": true, "client_id": CLIENT, "scope": SCOPE}).to_string();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await.unwrap();
    let answers = asked.await.unwrap();
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let more = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(more.is_err(), "nobody asked a second time");
}

#[test]
fn settings_that_make_no_issuer_are_refused() {
    for (flags, part) in [
        (&["--token-issuer", "oidc=http://127.0.0.1:1"][..], "--token-audience is missing"),
        (&["--token-issuer", "introspection=http://127.0.0.1:1"], "--token-issuer-client-id is missing"),
        (&["--token-issuer", "lwa,oidc=http://127.0.0.1:1"], "more than one issuer"),
        (&["--token-issuer", "saml"], "builtin, lwa"),
        (&["--token-issuer", "lwa", "--token-issuer-ca", "no-such-file"], "no-such-file"),
    ] {
        let ended = Server::try_start(Options::with_flags(flags)).unwrap_err();
        assert_eq!(ended.status.code(), Some(2), "{flags:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(part), "{part:?} is not in {}", ended.stderr);
    }
}
