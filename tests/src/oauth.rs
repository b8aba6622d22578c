//! A real OAuth server of other people's making, as a process: the token issuer of the tests of foreign issuers.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::endpoint::Endpoint;

/// As whom a server under test asks for introspections.
pub const RESOURCE_SERVER: (&str, &str) = ("resource-server", "resource-server-secret");
/// A client that the issuer knows and the server under test does not.
pub const UNREGISTERED: (&str, &str) = ("unregistered", "unregistered-secret");

/// The server. Dropping it kills it.
#[derive(Debug)]
pub struct OAuthServer {
    child: Child,
    url: String,
    client: (String, String),
    home: TempDir,
}

impl OAuthServer {
    /// Starts a server that knows a client.
    ///
    /// # Panics
    /// When its packages cannot be installed, or it does not start.
    #[must_use]
    pub fn start(client_id: &str, client_secret: &str) -> Self {
        let home = TempDir::with_prefix("jackfield-oauth-").expect("a temporary directory can be made");
        let client = (client_id.to_owned(), client_secret.to_owned());
        let (child, url) = spawn(0, &home.path().join("state.json"), &client);
        Self { child, url, client, home }
    }

    /// Its address, which is also the name that it gives itself as an issuer.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where tokens are introspected.
    #[must_use]
    pub fn introspection(&self) -> String {
        format!("{}/token/introspection", self.url)
    }

    /// A token of the known client for a resource; it must leak nowhere.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn token(&self, endpoint: &Endpoint, resource: &str, scope: &str) -> String {
        let client = (&*self.client.0, &*self.client.1);
        self.token_of(client, endpoint, resource, scope).await
    }

    /// A token of another client.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn token_of(
        &self,
        client: (&str, &str),
        endpoint: &Endpoint,
        resource: &str,
        scope: &str,
    ) -> String {
        let form = [("grant_type", "client_credentials"), ("resource", resource), ("scope", scope)];
        let (status, body) = self.post("/token", client, &form).await;
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        let answer: Value = serde_json::from_slice(&body).expect("a token answer is JSON");
        let token = answer["access_token"].as_str().expect("an access token is text").to_owned();
        endpoint.keep_secret(&token);
        token
    }

    /// Revokes a token that the server keeps.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn revoke(&self, token: &str) {
        let client = (&*self.client.0, &*self.client.1);
        let (status, _) = self.post("/token/revocation", client, &[("token", token)]).await;
        assert_eq!(status, 200);
    }

    /// Makes it sign with new keys and forget the old ones.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn rotate(&self) {
        let (status, _) = self.post("/test/rotate", RESOURCE_SERVER, &[]).await;
        assert_eq!(status, 200);
    }

    /// Kills it with SIGKILL.
    pub fn kill9(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again at the same address with the keys and tokens that it had.
    ///
    /// # Panics
    /// When it does not start.
    pub fn revive(&mut self) {
        self.kill9();
        let port = self.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a URL with a port");
        let (child, url) = spawn(port, &self.home.path().join("state.json"), &self.client);
        assert_eq!(url, self.url);
        self.child = child;
    }

    /// Makes it accept connections and answer nothing.
    ///
    /// # Panics
    /// When it cannot be signalled.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Makes it answer again.
    ///
    /// # Panics
    /// When it cannot be signalled.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("ids are positive");
        kill_process(pid, signal).expect("the issuer can be signalled");
    }

    async fn post(&self, path: &str, client: (&str, &str), form: &[(&str, &str)]) -> (u16, Bytes) {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = BASE64_STANDARD.encode(format!("{}:{}", encode(client.0), encode(client.1)));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = Request::post(format!("{}{path}", self.url))
            .header("Authorization", format!("Basic {basic}"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(body)))
            .expect("a test sends a valid request");
        let http = Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(HttpConnector::new());
        let response = http.request(request).await.expect("the issuer answers");
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.expect("the answer is whole").to_bytes())
    }
}

impl Drop for OAuthServer {
    fn drop(&mut self) {
        self.kill9();
    }
}

fn spawn(port: u16, state: &Path, client: &(String, String)) -> (Child, String) {
    let mut child = Command::new("node")
        .arg(directory().join("server.js"))
        .arg(port.to_string())
        .arg(state)
        .args([&client.0, &client.1])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("node can be run; Debian's package is nodejs");
    let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
    let url = loop {
        let line = lines.next().expect("the issuer says its address before it ends").expect("a line of text");
        if let Some(url) = line.strip_prefix("ready ") {
            break url.to_owned();
        }
    };
    // Its later output must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    (child, url)
}

/// Where the server's program is, with its packages installed.
fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let directory = tests.join("oauth-server");
        let script = tests.join("../script/node-packages");
        let status = Command::new(script).arg(&directory).status().expect("script/node-packages can be run");
        assert!(status.success(), "the packages of the OAuth server could not be installed");
        directory
    })
}
