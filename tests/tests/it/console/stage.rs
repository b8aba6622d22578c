//! A browser that is signed in to the console of a server of its own, and what holds for every page: nothing leaves the
//! origin, nothing breaks the policy, axe finds nothing serious, nothing sticks out.

use std::path::PathBuf;
use std::sync::LazyLock;

use http::Method;
use jackfield_tests::browser::Browser;
use jackfield_tests::{Listener, Options, Server, Tenant, TenantOptions, packages};
use serde_json::{Value, json};

/// Names the directory that pictures of the pages are written to; without it none are made.
const SHOTS: &str = "JACKFIELD_CONSOLE_SHOTS";

/// The narrow and the wide window that pages are made for.
const NARROW: (u32, u32) = (360, 740);
const WIDE: (u32, u32) = (1_440, 900);

static AXE: LazyLock<String> = LazyLock::new(|| {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("console");
    packages::node(&directory);
    std::fs::read_to_string(directory.join("node_modules/axe-core/axe.min.js")).expect("it was installed")
});

pub(super) struct Stage {
    pub(super) browser: Browser,
    pub(super) tenant: Tenant,
    pub(super) origin: String,
    pub(super) server: Server,
}

impl Stage {
    /// A server that keeps every request in its journal, an organization on it, and a browser that is signed in.
    pub(super) async fn set() -> Self {
        Self::on(Server::start(Options::with_flags(&["--journal-scope", "all"]))).await
    }

    pub(super) async fn on(server: Server) -> Self {
        let tenant = Tenant::on(server.endpoint(), TenantOptions::default()).await;
        let origin = format!("http://{}", server.endpoint().address(Listener::Admin));
        let browser = Browser::start(WIDE.0, WIDE.1).await;
        browser.resize(WIDE.0, WIDE.1).await;
        let stage = Self { browser, tenant, origin, server };
        stage.browser.open(&stage.link().await).await;
        stage.browser.wait_for("Sign out").await;
        stage
    }

    /// A link that signs in once.
    pub(super) async fn link(&self) -> String {
        link(&self.tenant, &self.origin, self.tenant.endpoint().admin_token()).await
    }

    /// Goes to a page by its link.
    pub(super) async fn go(&self, page: &str) {
        self.browser.click(&format!("//nav//a[.='{page}']")).await;
        self.browser.wait_for_element(&format!("//main//h1[.='{page}']")).await;
    }

    /// Clicks a button by its name.
    pub(super) async fn press(&self, name: &str) {
        let xpath = format!("(//dialog//button[.='{name}'] | //main//button[.='{name}'])[last()]");
        self.browser.wait_for_element(&xpath).await;
        self.browser.click(&xpath).await;
    }

    /// The XPath of the control with this label.
    pub(super) fn control(label: &str) -> String {
        format!("(//*[@id=//label[.='{label}']/@for])[last()]")
    }

    /// Holds the page to what holds for all, at both widths, light and dark; takes its pictures where they are wanted.
    pub(super) async fn check(&self, name: &str) {
        for (width, height) in [WIDE, NARROW] {
            self.browser.resize(width, height).await;
            for dark in [false, true] {
                self.browser.darken(dark).await;
                let wide = "document.documentElement.scrollWidth > window.innerWidth";
                assert_eq!(self.browser.evaluate(wide).await, json!(false), "{name} sticks out at {width}");
                // It takes seconds on a long page; both widths and both schemes are looked at once.
                if dark == ((width, height) == NARROW) {
                    self.accessible(name).await;
                }
                if let Some(directory) = std::env::var_os(SHOTS) {
                    let scheme = if dark { "dark" } else { "light" };
                    let file = PathBuf::from(&directory).join(format!("{name}-{width}-{scheme}.png"));
                    std::fs::create_dir_all(&directory).expect("the directory can be made");
                    std::fs::write(file, self.browser.screenshot().await).expect("a picture can be written");
                }
            }
        }
        self.browser.darken(false).await;
        self.browser.resize(WIDE.0, WIDE.1).await;
    }

    /// axe finds nothing serious or critical.
    async fn accessible(&self, name: &str) {
        self.browser.run(&AXE).await;
        let script = "axe.run().then(found => done(found), error => done({ error: String(error) }))";
        let found = self.browser.call(script, &Value::Null).await;
        let violations = found["violations"].as_array().unwrap_or_else(|| panic!("axe on {name}: {found}"));
        assert!(found["passes"].as_array().is_some_and(|passes| passes.len() > 5), "axe looked at {name}");
        let serious: Vec<String> = violations
            .iter()
            .filter(|violation| violation["impact"] == "serious" || violation["impact"] == "critical")
            .map(|violation| {
                let places = violation["nodes"].as_array().into_iter().flatten();
                let places: Vec<String> = places.map(|place| place["html"].to_string()).collect();
                format!("{}: {} at {}", violation["id"], violation["help"], places.join("\n    "))
            })
            .collect();
        assert!(serious.is_empty(), "axe on {name}:\n{}", serious.join("\n"));
    }

    /// Nothing was sent elsewhere, and the browser had nothing to complain of. `refusals` of requests, which a browser
    /// tells of as well, are expected where they are named by their status.
    pub(super) async fn end(self, refusals: &[&str]) {
        let own = |url: &&url::Url| url.as_str().starts_with(&self.origin) || url.scheme() == "data";
        let requested = self.browser.requested().await;
        assert!(requested.iter().filter(own).count() > 5, "requests are seen: {requested:?}");
        let foreign: Vec<_> = requested.iter().filter(|url| !own(url)).collect();
        assert!(foreign.is_empty(), "requests left the origin: {foreign:?}");
        let complaints = self.browser.complaints().await;
        let expected =
            |line: &&String| refusals.iter().any(|status| line.contains(&format!("status of {status}")));
        let complaints: Vec<_> = complaints.iter().filter(|line| !expected(line)).collect();
        assert!(complaints.is_empty(), "{complaints:?}");
        self.browser.close().await;
        drop(self.tenant);
        drop(self.server);
    }
}

/// A link that signs in once with what an admin token may.
pub(super) async fn link(tenant: &Tenant, origin: &str, token: &str) -> String {
    let request = jackfield_tests::Request::new(&Method::POST, "/admin/v1/session/links").bearer(token);
    let link = tenant.admin.send(&request).await.expect(201).json();
    format!("{origin}/console/#token={}", link["token"].as_str().expect("a token is text"))
}
