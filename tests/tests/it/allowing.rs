//! Who may allow on the consent page, and what a stranger there can do to others.

use std::net::IpAddr;

use http::Method;
use jackfield_model::limit;
use jackfield_tests::http::Client;
use jackfield_tests::tls::Trust;
use jackfield_tests::{Listener, Options, Request, Response, Server, Tenant, TenantOptions, Version, poll};
use serde_json::{Value, json};

use crate::consent::{BACK, Filled, VERIFIER, asked, page_request, prepared, s256, sent_back};
use crate::login::{access_token, is_login_error, token_request, works};

const PASSWORD: &str = "correct horse battery";
const STRANGER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 9));

/// A server with these flags, and a tenant whose client is public.
async fn with(flags: &[&str]) -> (Server, Tenant) {
    let server = Server::start(Options::with_flags(flags));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    (server, prepared(tenant, true).await)
}

async fn set_password(tenant: &Tenant, password: Value) -> Value {
    let target = format!("/admin/v1/organizations/{}", tenant.organization);
    tenant
        .admin
        .call(&Method::PATCH, &target, &json!({"consent_password": password}))
        .await
        .expect(200)
        .json()
}

fn page(tenant: &Tenant) -> Request {
    let challenge = s256(VERIFIER);
    let with = [("code_challenge", &*challenge), ("code_challenge_method", "S256")];
    page_request(&asked(tenant, &with))
}

fn from(tenant: &Tenant, address: IpAddr) -> Client {
    Client::new(tenant.endpoint(), Listener::Public, Version::Http1).from_address(address)
}

/// What Allow leads to, with this password.
async fn allow(tenant: &Tenant, client: &Client, password: &str) -> Response {
    let form = Filled::read(&client.send(&page(tenant)).await.unwrap().expect(200));
    let form = form.set("decision", "allow").set("password", password);
    client.send(&form.request()).await.unwrap()
}

fn redeem(tenant: &Tenant, code: &str) -> Request {
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
        ("client_id", &*tenant.client_id),
    ];
    token_request(&grant)
}

/// Access token and refresh token that a code gives.
async fn tokens(tenant: &Tenant, client: &Client, response: &Response) -> (String, String) {
    let pairs = sent_back(response, 303);
    assert_eq!(pairs[0].0, "code");
    let answer = client.send(&redeem(tenant, &pairs[0].1)).await.unwrap();
    let access = access_token(&answer);
    (access, answer.json()["refresh_token"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_password_of_the_organization_lets_a_person_allow() {
    let (_server, tenant) = with(&["--consent-login", "password"]).await;
    tenant.endpoint().keep_secret(PASSWORD);
    // Nobody may allow before there is one, and the page says to the operator how to set it.
    let refusal = tenant.send(&page(&tenant)).await.expect(403);
    assert!(refusal.text().contains("jackfield org set-consent-password"), "{}", refusal.text());
    let answered = set_password(&tenant, json!(PASSWORD)).await;
    assert_eq!((answered.get("consent_password"), &answered["has_consent_password"]), (None, &json!(true)));
    let form = Filled::read(&tenant.send(&page(&tenant)).await.expect(200));
    let cookie = form.cookie.clone();
    let form = form.set("decision", "allow").set("password", "correct horse");
    let wrong = tenant.send(&form.request()).await.expect(403);
    assert_eq!(wrong.header("Location"), None);
    assert!(wrong.text().contains("not right") && wrong.text().contains("type=\"password\""));
    // The page asks again, and the browser has the cookie already.
    let again = Filled::read(&wrong).set("decision", "allow").set("password", PASSWORD);
    assert_eq!(again.cookie, "");
    let right = tenant.send(&Filled { cookie, ..again }.request()).await;
    let (access, _) = tokens(&tenant, &tenant.client, &right).await;
    assert!(works(&tenant, &access).await);
    // To deny takes no password.
    let form = Filled::read(&tenant.send(&page(&tenant)).await).set("decision", "deny");
    assert_eq!(sent_back(&tenant.send(&form.request()).await, 303)[0].1, "access_denied");
    for bad in [json!("short"), json!(""), json!("p".repeat(257)), json!(5), json!("pass\nword")] {
        let target = format!("/admin/v1/organizations/{}", tenant.organization);
        let response = tenant.admin.call(&Method::PATCH, &target, &json!({"consent_password": bad})).await;
        assert_eq!(response.status, 400, "{bad}");
    }
    assert_eq!(set_password(&tenant, Value::Null).await.get("has_consent_password"), None);
    tenant.send(&page(&tenant)).await.is(403);
}

#[tokio::test]
async fn serve_wants_a_password_and_warns_when_it_is_open() {
    let closed = Server::start(Options {
        environment: vec![("JACKFIELD_CONSENT_LOGIN".to_owned(), "password".to_owned())],
        ..Options::default()
    });
    let tenant = prepared(Tenant::on(closed.endpoint(), TenantOptions::default()).await, true).await;
    tenant.send(&page(&tenant)).await.is(403);
    assert!(!closed.log().contains("--consent-login open"));
    let (open, tenant) = with(&["--consent-login", "open"]).await;
    tenant.send(&page(&tenant)).await.is(200);
    let warned = || open.log().contains("--consent-login open").then_some(());
    poll::until("the log warns", poll::PATIENCE, warned);
    for bad in ["closed", "header=", "header=a b"] {
        let ended = Server::try_start(Options::with_flags(&["--consent-login", bad])).unwrap_err();
        assert_eq!(ended.status.code(), Some(2), "{bad}");
    }
}

#[tokio::test]
async fn passwords_are_not_guessed() {
    let (_server, tenant) = with(&["--consent-login", "password"]).await;
    set_password(&tenant, json!(PASSWORD)).await;
    let stranger = from(&tenant, STRANGER);
    let mut judged = 0;
    let refusal = loop {
        let response = allow(&tenant, &stranger, "a wrong password").await;
        if response.status == 429 {
            break response;
        }
        response.is(403);
        judged += 1;
        assert!(judged < 100, "a hundred guesses were judged");
    };
    assert!(refusal.header("Retry-After").is_some() && refusal.header("Location").is_none());
    assert_eq!(allow(&tenant, &stranger, PASSWORD).await.status, 429, "nor does he learn that it is right");
    tokens(&tenant, &tenant.client, &allow(&tenant, &tenant.client, PASSWORD).await).await;
}

#[tokio::test]
async fn a_proxy_says_who_allows() {
    let flags = ["--consent-login", "header=X-Forwarded-User", "--consent-proxy", "127.0.0.1"];
    let (_server, tenant) = with(&flags).await;
    let with_user = |request: Request, user: &str| request.header("X-Forwarded-User", user);
    tenant.send(&page(&tenant)).await.is(403);
    tenant.send(&with_user(page(&tenant), " ")).await.is(403);
    tenant.send(&with_user(with_user(page(&tenant), "anna"), "bert")).await.is(403);
    // Whoever does not come through the proxy can say anything.
    from(&tenant, STRANGER).send(&with_user(page(&tenant), "anna")).await.unwrap().is(403);
    let shown = tenant.send(&with_user(page(&tenant), "anna <a@b>")).await.expect(200);
    assert!(shown.text().contains("anna &lt;a@b&gt;"), "{}", shown.text());
    let form = Filled::read(&shown).set("decision", "allow");
    from(&tenant, STRANGER).send(&with_user(form.request(), "anna")).await.unwrap().is(403);
    tenant.send(&form.request()).await.is(403);
    let allowed = tenant.send(&with_user(form.request(), "anna")).await;
    let (access, _) = tokens(&tenant, &tenant.client, &allowed).await;
    assert!(works(&tenant, &access).await);
    let target = format!("/admin/v1/clients/{}/refresh-tokens", tenant.client_id);
    assert_eq!(tenant.admin.get(&target).await["items"][0]["by"], "anna");
    let changes = tenant.admin.get("/admin/v1/changes?limit=1000").await;
    let told = changes["changes"].as_array().unwrap().iter().any(|change| {
        let allowed_by = change["after"]["allowed_by"].as_object();
        allowed_by.is_some_and(|all| all.values().any(|by| by == "anna"))
    });
    assert!(told, "the change record has the name");
}

#[tokio::test]
async fn a_stranger_harms_himself_alone() {
    let (_server, tenant) = with(&["--consent-login", "open"]).await;
    let (user, stranger) = (&tenant.client, from(&tenant, STRANGER));
    let (access, refresh) = tokens(&tenant, user, &allow(&tenant, user, "").await).await;
    // As many logins as go, and a hundred of them an hour: the clock is moved for the codes.
    let mut logins = 0;
    let mut refused = 0;
    while logins < limit::REFRESH_TOKENS + 5 {
        let response = allow(&tenant, &stranger, "").await;
        let code = sent_back(&response, 303)[0].1.clone();
        let answer = stranger.send(&redeem(&tenant, &code)).await.unwrap();
        if answer.status == 200 {
            logins += 1;
            continue;
        }
        is_login_error(&answer, 400, "invalid_grant");
        refused += 1;
        // The user is not refused for it.
        tokens(&tenant, user, &allow(&tenant, user, "").await).await;
        let offset = refused * (limit::CODE_SECONDS + 1);
        tenant.admin.call(&Method::PUT, "/admin/v1/clock", &json!({"offset": offset})).await.is(200);
    }
    assert!(refused >= 4, "logins of one person are bounded: {refused}");
    let target = format!("/admin/v1/clients/{}/refresh-tokens?limit=1000", tenant.client_id);
    let held = tenant.admin.get(&target).await["items"].clone();
    let his = held.as_array().unwrap().iter().filter(|token| token["by"] == "127.0.0.1").count() as u64;
    assert_eq!((held.as_array().unwrap().len(), his), (limit::REFRESH_TOKENS, 1 + refused));
    let grant =
        [("grant_type", "refresh_token"), ("refresh_token", &*refresh), ("client_id", &*tenant.client_id)];
    access_token(&tenant.send(&token_request(&grant)).await);
    assert!(works(&tenant, &access).await);
}

#[tokio::test]
async fn a_cookie_is_made_here_and_nowhere_else() {
    let (_server, tenant) = with(&["--consent-login", "open"]).await;
    let chosen = page(&tenant).header("Cookie", "jackfield-consent=chosen-by-a-stranger");
    let first = tenant.send(&chosen).await.expect(200);
    let given = first.header("Set-Cookie").expect("what we did not make is none").to_owned();
    assert!(given.starts_with("jackfield-consent=") && given.contains("; Path=/ap/oa; HttpOnly"), "{given}");
    assert!(!given.contains("chosen-by-a-stranger") && !given.contains("Secure"));
    // Behind a proxy that speaks TLS for us the browser keeps it for this host over TLS.
    let forwarded = page(&tenant).header("X-Forwarded-Proto", "https");
    let secure = tenant.send(&forwarded).await.expect(200).header("Set-Cookie").unwrap().to_owned();
    assert!(secure.starts_with("__Host-jackfield-consent="), "{secure}");
    assert!(secure.contains("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{secure}");
    // A cookie that came without TLS does not count there.
    let plain = given.split(';').next().unwrap().to_owned();
    let both = page(&tenant)
        .header("X-Forwarded-Proto", "https")
        .header("Cookie", plain.replace("jackfield", "__Host-x"));
    assert!(tenant.send(&both).await.header("Set-Cookie").is_some());
    // It has an end, and is replaced before a form would outlive it.
    let again = page(&tenant).header("Cookie", plain);
    assert_eq!(tenant.send(&again).await.expect(200).header("Set-Cookie"), None);
    let offset = limit::CONSENT_SECONDS + 1;
    tenant.admin.call(&Method::PUT, "/admin/v1/clock", &json!({"offset": offset})).await.is(200);
    assert!(tenant.send(&again).await.expect(200).header("Set-Cookie").is_some());
    let policy = first.header("Content-Security-Policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    for (name, value) in [
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
    ] {
        assert_eq!(first.header(name), Some(value));
    }
}

#[tokio::test]
async fn under_tls_the_cookie_is_the_hosts_own() {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().to_str().unwrap();
    let flags = ["--consent-login", "open", "--tls-self-signed", ca, "--tls-name", "localhost"];
    let server = Server::start(Options::with_flags(&flags));
    server.endpoint().set_trust(Trust::new(&directory.path().join("ca.pem"), "localhost"));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let tenant = prepared(tenant, true).await;
    let shown = tenant.send(&page(&tenant)).await.expect(200);
    let given = shown.header("Set-Cookie").unwrap();
    assert!(given.starts_with("__Host-jackfield-consent=") && given.contains("; Path=/; Secure;"), "{given}");
    let form = Filled::read(&shown).set("decision", "allow");
    assert_eq!(sent_back(&tenant.send(&form.request()).await, 303)[0].0, "code");
}

#[tokio::test]
async fn a_seed_sets_a_password_once() {
    let seed = format!(
        "[[organization]]\nid = \"amzn1.alexa.unit.did.seeded\"\nname = \"Seeded\"\ncountry = \"US\"\n\
         vertical = \"hospitality\"\nwebrtc = true\nconsent_password = \"{PASSWORD}\"\n"
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("seed.toml");
    std::fs::write(&path, seed).unwrap();
    let mut server = Server::start(Options { seed: Some(path), ..Options::default() });
    server.endpoint().keep_secret(PASSWORD);
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let seeded = "/admin/v1/organizations/amzn1.alexa.unit.did.seeded";
    assert_eq!(tenant.admin.get(seeded).await["has_consent_password"], true);
    let last = async || {
        let changes = tenant.admin.get("/admin/v1/changes?limit=1000").await;
        changes["changes"].as_array().unwrap().len()
    };
    let before = last().await;
    server.terminate();
    server.restart();
    assert_eq!(last().await, before, "the same password is no change");
}
