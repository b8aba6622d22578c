//! Signing in and out, what a session may, and who cannot use it.

use http::Method;
use jackfield_tests::browser::Browser;
use jackfield_tests::{Listener, Options, Request, Response, Server, Tenant, TenantOptions, poll};
use serde_json::{Value, json};

use super::stage::{Stage, link};
use crate::browser::application;
use crate::dev::Dev;

#[tokio::test]
async fn a_link_signs_in_once() {
    let stage = Stage::set().await;
    stage.browser.wait_for("What runs here").await;
    assert_eq!(stage.browser.url().await.fragment(), None, "the token does not stay in the history");
    stage.check("home").await;
    stage.browser.open(&format!("{}/console/", stage.origin)).await;
    stage.browser.wait_for("What runs here").await;
    // What is used up signs nobody in.
    let link = stage.link().await;
    let token = link.rsplit('=').next().unwrap();
    let begin = Request::new(&Method::POST, "/admin/v1/session").bearer(token);
    stage.tenant.admin.send(&begin).await.is(201);
    stage.tenant.admin.send(&begin).await.is(401);
    stage.tenant.admin.send(&Request::new(&Method::GET, "/admin/v1/status").bearer(token)).await.is(401);
    stage.browser.click("//button[.='Sign out']").await;
    stage.browser.wait_for("Admin token").await;
    stage.browser.open("about:blank").await;
    stage.browser.open(&link).await;
    stage.browser.wait_for("The link was used already").await;
    stage.check("sign-in").await;
    // By the token itself, after a mistake.
    let field = Stage::control("Admin token");
    stage.browser.type_into(&field, "wrong").await;
    stage.press("Sign in").await;
    stage.browser.wait_for("This is no valid admin token").await;
    stage.browser.replace(&field, stage.tenant.endpoint().admin_token()).await;
    stage.press("Sign in").await;
    stage.browser.wait_for("What runs here").await;
    stage.go("Home").await;
    stage.end(&["401"]).await;
}

#[tokio::test]
async fn the_first_pages_lead_on() {
    let tenant = Tenant::fresh().await;
    let home = tenant.send(&Request::new(&Method::GET, "/")).await.expect(200);
    assert_eq!(home.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert!(home.text().contains("href=\"/docs\"") && !home.text().contains("<script"));
    let policy = home.header("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    tenant.send(&Request::new(&Method::GET, "/console/")).await.is(404);
    let entrance = tenant.admin.send(&Request::new(&Method::GET, "/")).await.expect(302);
    assert_eq!(entrance.header("Location"), Some("/console/"));
    for (path, kind) in [
        ("/console/", "text/html; charset=utf-8"),
        ("/console", "text/html; charset=utf-8"),
        ("/console/main.js", "text/javascript; charset=utf-8"),
        ("/console/style.css", "text/css; charset=utf-8"),
    ] {
        let file = tenant.admin.send(&Request::new(&Method::GET, path)).await.expect(200);
        assert_eq!(file.header("Content-Type"), Some(kind), "{path}");
        let policy = file.header("Content-Security-Policy").unwrap();
        assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(file.header("X-Content-Type-Options"), Some("nosniff"));
    }
    tenant.admin.send(&Request::new(&Method::GET, "/console/nothing.js")).await.is_error(404, "nothing");
    tenant.admin.send(&Request::new(&Method::GET, "/console/..%2fmod.rs")).await.is(404);
}

/// Begins a session with an admin token; answers its cookie, name and value.
async fn begin(tenant: &Tenant, token: &str) -> String {
    let answer = tenant.admin.send(&Request::new(&Method::POST, "/admin/v1/session").bearer(token)).await;
    let cookie = answer.expect(201).header("Set-Cookie").unwrap().to_owned();
    for part in ["; HttpOnly", "; SameSite=Strict", "; Max-Age=43200", "; Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

/// A request with a cookie, as the console sends it.
fn with(cookie: &str, method: &Method, target: &str) -> Request {
    Request::new(method, target).header("Cookie", cookie).header("X-Jackfield-Console", "1")
}

async fn made(tenant: &Tenant, role: &str) -> (String, String) {
    let body = json!({"name": format!("a-{role}"), "role": role});
    let made = tenant.admin.create("/admin/v1/tokens", &body).await;
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    tenant.endpoint().keep_secret(&text("token"));
    (text("id"), text("token"))
}

#[tokio::test]
async fn a_session_stands_for_its_token() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let (id, token) = made(&tenant, "viewer").await;
    let cookie = begin(&tenant, &token).await;
    tenant.endpoint().keep_secret(cookie.split('=').nth(1).unwrap());
    let send = async |request: &Request| -> Response { tenant.admin.send(request).await };
    let who = send(&with(&cookie, &Method::GET, "/admin/v1/session")).await.expect(200).json();
    assert_eq!((&who["name"], &who["role"]), (&json!("a-viewer"), &json!("viewer")));
    assert!(who["expires"].is_string());
    send(&with(&cookie, &Method::GET, "/admin/v1/status")).await.is(200);
    // A hand-made request may what the token may, and nothing more.
    let off = json!({"enabled": true});
    send(&with(&cookie, &Method::PUT, "/admin/v1/maintenance").json(&off)).await.is_error(403, "role");
    // Another page can send the cookie at most, never the header.
    let bare = Request::new(&Method::GET, "/admin/v1/status").header("Cookie", &cookie);
    send(&bare).await.is_error(403, "X-Jackfield-Console");
    for site in ["cross-site", "same-site"] {
        let request = with(&cookie, &Method::GET, "/admin/v1/status").header("Sec-Fetch-Site", site);
        send(&request).await.is_error(403, "X-Jackfield-Console");
    }
    send(&with(&cookie, &Method::GET, "/admin/v1/status").header("Sec-Fetch-Site", "same-origin"))
        .await
        .is(200);
    // No session outlasts itself.
    for target in ["/admin/v1/session", "/admin/v1/session/links"] {
        send(&with(&cookie, &Method::POST, target)).await.is(401);
    }
    // Where a token is shown, it counts.
    let both = with(&cookie, &Method::GET, "/admin/v1/session").bearer(tenant.endpoint().admin_token());
    assert_eq!(send(&both).await.expect(200).json(), json!({"name": "bootstrap", "role": "admin"}));
    let second = begin(&tenant, &token).await;
    send(&with(&second, &Method::DELETE, "/admin/v1/session")).await.is(204);
    send(&with(&second, &Method::GET, "/admin/v1/status")).await.is_error(401, "session has ended");
    send(&with(&cookie, &Method::GET, "/admin/v1/status")).await.is(200);
    tenant.admin.delete(&format!("/admin/v1/tokens/{id}")).await;
    send(&with(&cookie, &Method::GET, "/admin/v1/status")).await.is_error(401, "session has ended");
    let changes = tenant.admin.get("/admin/v1/changes?limit=1000").await;
    let signed_in = changes["changes"].as_array().unwrap().iter();
    let signed_in: Vec<&Value> = signed_in
        .filter(|change| change["operation"] == "admin.signed_in")
        .map(|one| &one["actor"])
        .collect();
    assert_eq!(signed_in, ["admin:a-viewer", "admin:a-viewer"]);
}

#[tokio::test]
async fn sessions_are_bounded() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let first = begin(&tenant, tenant.endpoint().admin_token()).await;
    let second = begin(&tenant, tenant.endpoint().admin_token()).await;
    for _ in 0..99 {
        begin(&tenant, tenant.endpoint().admin_token()).await;
    }
    tenant.admin.send(&with(&first, &Method::GET, "/admin/v1/status")).await.is(401);
    tenant.admin.send(&with(&second, &Method::GET, "/admin/v1/status")).await.is(200);
}

/// What a page of another origin tries with the cookie of a session: forms and requests of every kind.
const ATTACK: &str = "
    const tries = [];
    for (const [method, path] of [['PUT', 'maintenance'], ['POST', 'keys/rotate'], ['POST', 'organizations'], ['DELETE', 'faults']]) {
        for (const mode of ['cors', 'no-cors']) {
            for (const headers of [{}, { 'X-Jackfield-Console': '1' }, { 'Content-Type': 'text/plain' }]) {
                const body = JSON.stringify({ enabled: true, name: 'x', country: 'US', vertical: 'core', webrtc: true });
                tries.push(fetch(argument + '/admin/v1/' + path, { method, mode, headers, credentials: 'include', body: method === 'DELETE' ? undefined : body })
                    .then(answer => answer.type === 'opaque' ? 'opaque' : answer.status, () => 'refused'));
            }
        }
    }
    tries.push(fetch(argument + '/admin/v1/status', { credentials: 'include' }).then(answer => answer.text(), () => 'refused'));
    Promise.all(tries).then(done);";

#[tokio::test]
async fn a_page_of_another_origin_changes_nothing() {
    let stage = Stage::set().await;
    let before = stage.tenant.admin.get("/admin/v1/status").await["last_change"].clone();
    // The same host on another port is the same site, so that its pages come nearest.
    let other = format!("http://{}", application().await);
    stage.browser.open(&format!("{other}/")).await;
    let tried = stage.browser.call(ATTACK, &json!(stage.origin)).await;
    let tried = tried.as_array().unwrap();
    assert_eq!(tried.len(), 25);
    assert!(tried.iter().all(|one| one == "refused" || one == "opaque"), "{tried:?}");
    let form = format!(
        "const form = document.createElement('form'); form.method = 'post'; form.enctype = 'text/plain'; \
         form.action = '{}/admin/v1/keys/rotate'; document.body.append(form); form.submit();",
        stage.origin
    );
    stage.browser.run(&form).await;
    let there = async || stage.browser.url().await.as_str().contains("/keys/rotate").then_some(());
    poll::until_async("the form was sent", poll::PATIENCE, there).await;
    stage.browser.wait_for("FORBIDDEN").await;
    let after = stage.tenant.admin.get("/admin/v1/status").await;
    assert_eq!(after["last_change"], before, "nothing was changed");
    assert_eq!(after["maintenance"]["enabled"], false);
    // The session itself is as it was.
    stage.browser.open(&format!("{}/console/", stage.origin)).await;
    stage.browser.wait_for("What runs here").await;
    stage.browser.close().await;
}

#[tokio::test]
async fn who_only_looks_sees_no_way_to_change() {
    let server = Server::start(Options::default());
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let (_, token) = made(&tenant, "viewer").await;
    let origin = format!("http://{}", server.endpoint().address(Listener::Admin));
    let browser = Browser::start(1_280, 800).await;
    browser.open(&link(&tenant, &origin, &token).await).await;
    browser.wait_for("Where to begin").await;
    assert!(!browser.text().await.contains("Try it"), "a viewer sends no requests");
    for (page, there) in [
        ("Associations", "There is no association yet"),
        ("Journal", "takes the role operator"),
        ("Calls", "take the role operator"),
        ("Faults and clock", "No rule"),
        ("Accounts", "Clients (1)"),
        ("Changes", "organization.create"),
    ] {
        browser.click(&format!("//nav//a[.='{page}']")).await;
        browser.wait_for(there).await;
        let buttons = "[...document.querySelectorAll('main button')].filter(button => button.checkVisibility()).map(button => button.textContent).join('|')";
        let buttons = browser.evaluate(buttons).await;
        let buttons = buttons.as_str().unwrap();
        for change in [
            "Create", "New", "Add", "Edit", "Delete", "Reset", "Switch", "Set", "+1", "Rotate", "Start",
            "Save",
        ] {
            assert!(!buttons.contains(change), "{page} has {buttons}");
        }
    }
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.close().await;
}

/// The first minute of somebody who is new: the printed link, the credentials, the first association.
#[tokio::test]
async fn a_newcomer_makes_the_first_association() {
    let home = tempfile::TempDir::new().unwrap();
    let dev = Dev::start(home.path(), &["--ephemeral"]);
    let first = dev.printed.lines().find(|line| line.contains("http://")).unwrap();
    let link = first.trim().strip_prefix("console").expect("the console comes first").trim();
    let browser = Browser::start(1_440, 900).await;
    browser.open(link).await;
    browser.wait_for("Credentials of the demo").await;
    browser.wait_for(&dev.labelled("client id")).await;
    let secret = dev.labelled("client secret");
    assert!(!browser.text().await.contains(&format!("\n{secret}")), "a secret is shown on demand");
    browser.click("//button[@aria-label='Show or hide the client secret']").await;
    browser.wait_for(&secret).await;
    browser.click("//button[.='Send']").await;
    browser.wait_for("Answered 201").await;
    browser.click("//nav//a[.='Associations']").await;
    browser.wait_for_element("//button[.='7201']").await;
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.close().await;
}
