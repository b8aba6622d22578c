//! The consent page in a real browser, through to an access token that works.

use std::net::SocketAddr;
use std::time::Duration;

use jackfield_tests::browser::Browser;
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{Listener, Options, Server, Tenant, TenantOptions, poll};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::consent::{self, VERIFIER, s256};
use crate::login::{access_token, form, token_request, with_client, works};

/// An application that waits for its users to come back, and says hello to them.
pub(crate) async fn application() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 8 * 1024];
                let _ = stream.read(&mut request).await;
                let page = "<!doctype html><link rel=icon href='data:,'><title>Back</title><p>Back again.";
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close";
                let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

struct Stage {
    tenant: Tenant,
    back: String,
    challenge: String,
    browser: Browser,
}

impl Stage {
    /// `width` is that of the window.
    async fn set(width: u32) -> Self {
        let tenant = Tenant::fresh().await;
        let back = format!("http://{}/back", application().await);
        let target = format!("/admin/v1/clients/{}", tenant.client_id);
        tenant.admin.patch(&target, &json!({"redirect_uris": [back]})).await;
        Self { tenant, back, challenge: s256(VERIFIER), browser: Browser::start(width, 800).await }
    }

    async fn open(&self, redirect_uri: &str) {
        let pairs = [
            ("client_id", &*self.tenant.client_id),
            ("redirect_uri", redirect_uri),
            ("response_type", "code"),
            ("scope", SCOPE),
            ("state", "a b&c"),
            ("code_challenge", &self.challenge),
            ("code_challenge_method", "S256"),
        ];
        let page = self.tenant.endpoint().address(Listener::Public);
        self.browser.open(&format!("http://{page}/ap/oa?{}", form(&pairs))).await;
    }

    /// The parameters that the application was called with.
    async fn called_back(&self) -> Vec<(String, String)> {
        let back = async || {
            let url = self.browser.url().await;
            url.as_str().starts_with(&self.back).then_some(url)
        };
        let url = poll::until_async("the browser is back", Duration::from_secs(20), back).await;
        assert!(self.browser.text().await.contains("Back again."));
        url.query_pairs().into_owned().collect()
    }

    async fn end(self) {
        assert_eq!(self.browser.complaints().await, [""; 0]);
        self.browser.close().await;
    }
}

#[tokio::test]
async fn allow_leads_to_a_token_that_works() {
    let stage = Stage::set(1280).await;
    stage.open(&stage.back).await;
    let text = stage.browser.text().await;
    for part in ["Allow access?", "Test", &stage.tenant.client_id, SCOPE, &stage.back] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(stage.browser.title().await.contains("Allow access?"));
    stage.browser.click("//button[text()='Allow']").await;
    let pairs = stage.called_back().await;
    assert_eq!((&*pairs[0].0, &*pairs[1].0, &*pairs[1].1), ("code", "state", "a b&c"));
    let code = pairs[0].1.clone();
    stage.tenant.endpoint().keep_secret(&code);
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", &stage.back),
        ("code_verifier", VERIFIER),
    ];
    let response = stage.tenant.send(&token_request(&with_client(&stage.tenant, &grant))).await;
    assert!(works(&stage.tenant, &access_token(&response)).await);
    stage.end().await;
}

#[tokio::test]
async fn deny_on_a_telephone() {
    let stage = Stage::set(360).await;
    stage.open(&stage.back).await;
    let wide = stage.browser.evaluate("document.documentElement.scrollWidth > window.innerWidth").await;
    assert_eq!(wide, json!(false), "nothing sticks out");
    let low =
        "Math.min(...[...document.querySelectorAll('button')].map(b => b.getBoundingClientRect().height))";
    assert!(stage.browser.evaluate(low).await.as_f64().unwrap() >= 44.0, "a thumb can hit the buttons");
    assert_eq!(stage.browser.evaluate("document.documentElement.lang").await, json!("en"));
    stage.browser.click("//button[text()='Deny']").await;
    let pairs = stage.called_back().await;
    assert_eq!((&*pairs[0].0, &*pairs[0].1), ("error", "access_denied"));
    assert_eq!((&*pairs[2].0, &*pairs[2].1), ("state", "a b&c"));
    stage.end().await;
}

#[tokio::test]
async fn a_stranger_is_not_visited() {
    let stage = Stage::set(1280).await;
    let stranger = format!("http://{}/back", application().await);
    stage.open(&stranger).await;
    let text = stage.browser.text().await;
    assert!(text.contains("redirect_uri is not one of those"), "{text}");
    assert_eq!(stage.browser.url().await.path(), "/ap/oa");
    assert_eq!(stage.browser.evaluate("document.forms.length").await, json!(0));
    // The status of the page itself is what the console tells of.
    let complaints = stage.browser.complaints().await;
    assert!(complaints.iter().all(|line| line.contains("400 (Bad Request)")), "{complaints:?}");
    stage.end().await;
}

#[tokio::test]
async fn a_person_types_the_password() {
    let server = Server::start(Options::with_flags(&["--consent-login", "password"]));
    let mut stage = Stage::set(360).await;
    stage.tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    let tenant = &stage.tenant;
    let target = format!("/admin/v1/clients/{}", tenant.client_id);
    tenant.admin.patch(&target, &json!({"redirect_uris": [stage.back]})).await;
    let target = format!("/admin/v1/organizations/{}", tenant.organization);
    tenant.admin.patch(&target, &json!({"consent_password": "correct horse"})).await;
    stage.open(&stage.back).await;
    let field = "//input[@type='password']";
    // Without a password the browser itself does not send the form.
    stage.browser.click("//button[text()='Allow']").await;
    assert_eq!(stage.browser.url().await.path(), "/ap/oa");
    stage.browser.type_into(field, "a wrong one").await;
    stage.browser.click("//button[text()='Allow']").await;
    let told = async || stage.browser.text().await.contains("not right").then_some(());
    poll::until_async("the page says so", Duration::from_secs(20), told).await;
    stage.browser.type_into(field, "correct horse").await;
    stage.browser.click("//button[text()='Allow']").await;
    assert_eq!(stage.called_back().await[0].0, "code");
    let complaints = stage.browser.complaints().await;
    assert!(complaints.iter().all(|line| line.contains("403 (Forbidden)")), "{complaints:?}");
    stage.end().await;
}

/// What a public client in a browser does: redeems a code and asks with the token, from a page of another origin.
const REDEEM_AND_QUERY: &str = "(async () => {
    const form = new URLSearchParams(FORM);
    const login = await fetch('TOKEN_URL', { method: 'POST', body: form });
    const tokens = await login.json();
    const answer = await fetch('QUERY_URL', {
        method: 'POST',
        headers: { 'Authorization': 'Bearer ' + tokens.access_token, 'Content-Type': 'application/json' },
        body: JSON.stringify({ filters: { externalUserIds: ['7201'] } }),
    });
    const refused = await fetch('QUERY_URL', { method: 'POST', headers: { 'Authorization': 'Bearer x' }, body: '{}' });
    document.title = [login.status, answer.status, (await answer.json()).accountAssociations.length,
        refused.status, !!refused.headers.get('X-Amzn-RequestId'),
        (refused.headers.get('WWW-Authenticate') || '').split(' ')[0]].join(' ');
})().catch(error => { document.title = 'failed: ' + error })";

#[tokio::test]
async fn a_page_of_another_origin_redeems_a_code_and_asks() {
    let app = application().await;
    let origin = format!("http://{app}");
    let server = Server::start(Options::with_flags(&["--cors-origin", &origin]));
    let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
    tenant.create("7201", "1").await.is(201);
    let tenant = consent::prepared(tenant, true).await;
    let challenge = s256(VERIFIER);
    let with = [("code_challenge", &*challenge), ("code_challenge_method", "S256")];
    let code = consent::code(&tenant, &with).await;
    let form = json!({
        "grant_type": "authorization_code", "code": code, "redirect_uri": consent::BACK,
        "code_verifier": VERIFIER, "client_id": tenant.client_id,
    });
    let server_url = format!("http://{}", tenant.endpoint().address(Listener::Public));
    let script = REDEEM_AND_QUERY
        .replace("FORM", &form.to_string())
        .replace("TOKEN_URL", &format!("{server_url}/auth/o2/token"))
        .replace("QUERY_URL", &format!("{server_url}{}", tenant.query_path()));
    let browser = Browser::start(1280, 800).await;
    browser.open(&format!("{origin}/app")).await;
    browser.evaluate(&format!("void {script}")).await;
    let ended = async || Some(browser.title().await).filter(|title| title != "Back");
    let title = poll::until_async("the page is done", Duration::from_secs(20), ended).await;
    assert_eq!(title, "200 200 1 401 true Bearer");
    // A page of any other origin gets nothing.
    let stranger = application().await;
    browser.open(&format!("http://{stranger}/app")).await;
    browser.evaluate(&format!("void {script}")).await;
    let title = poll::until_async("the page is done", Duration::from_secs(20), ended).await;
    assert!(title.starts_with("failed: TypeError"), "{title}");
    browser.close().await;
}
