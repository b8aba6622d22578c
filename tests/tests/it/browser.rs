//! The consent page in a real browser, through to an access token that works.

use std::net::SocketAddr;
use std::time::Duration;

use jackfield_tests::browser::Browser;
use jackfield_tests::tenant::SCOPE;
use jackfield_tests::{Listener, Tenant, poll};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::consent::{VERIFIER, s256};
use crate::login::{access_token, form, token_request, with_client, works};

/// An application that waits for its users to come back, and says hello to them.
async fn application() -> SocketAddr {
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
