//! A headless Chromium, driven through its WebDriver. Both end with the value.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::poll;

/// A browser with a profile of its own.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    driver: Driver,
    _profile: TempDir,
}

#[derive(Debug)]
struct Driver(Child);

impl Driver {
    /// The browsers that it has started. They would outlive it when a test fails.
    fn browsers(&self) -> Vec<Pid> {
        // Children are those of the thread that started them.
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.0.id()));
        let threads = threads.into_iter().flatten().flatten();
        let children =
            threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
        let ids: String = children.collect();
        ids.split_whitespace().filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // An error means that it has ended already.
        for browser in self.browsers() {
            let _ = kill_process(browser, Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks for what the browser has written to a log since the last time: to its console (`browser`), or about its network
/// (`performance`).
#[derive(Debug)]
struct Log(&'static str);

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"type": self.0}).to_string()))
    }
}

/// A command of the DevTools protocol.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"cmd": self.0, "params": self.1}).to_string()))
    }
}

impl Browser {
    /// Starts a browser whose window is as wide and high as this.
    ///
    /// # Panics
    /// When there is no `chromedriver`, or it does not start a browser.
    pub async fn start(width: u32, height: u32) -> Self {
        let profile = TempDir::with_prefix("jackfield-browser-").expect("a temporary directory can be made");
        let (driver, port) = start_driver();
        let arguments = [
            "--headless=new".to_owned(),
            // The tests may run as root, and in a container without much shared memory.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            // Calls want a microphone, and nobody is there to allow one.
            "--use-fake-device-for-media-stream".to_owned(),
            "--use-fake-ui-for-media-stream".to_owned(),
            "--autoplay-policy=no-user-gesture-required".to_owned(),
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", profile.path().display()),
            // No test needs more than this machine.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost".to_owned(),
        ];
        let wanted = json!({
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let Value::Object(wanted) = wanted else { unreachable!("capabilities are an object") };
        let wanted: Capabilities = wanted.into_iter().collect();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a browser starts");
        Self { client, driver, _profile: profile }
    }

    /// Opens a page and waits until it is there.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Where the browser is.
    ///
    /// # Panics
    /// When it does not say.
    pub async fn url(&self) -> Url {
        self.client.current_url().await.expect("a browser knows where it is")
    }

    /// The title of the page.
    ///
    /// # Panics
    /// When the browser does not say.
    pub async fn title(&self) -> String {
        self.client.title().await.expect("a page has a title")
    }

    /// What a person can read on the page.
    ///
    /// # Panics
    /// When there is no page.
    pub async fn text(&self) -> String {
        let text = async || {
            let body = self.client.find(Locator::Css("body")).await.expect("a page has a body");
            match body.text().await {
                // The next page has come meanwhile.
                Err(error) if error.is_stale_element_reference() => None,
                text => Some(text.expect("a body has text")),
            }
        };
        poll::until_async("the page stays", poll::PATIENCE, text).await
    }

    /// Does something with the first element that this XPath names, once it is there; again where the page has drawn it
    /// anew meanwhile.
    async fn act(&self, xpath: &str, act: impl AsyncFn(Element) -> Result<(), CmdError>) {
        let done = async || {
            let element = self.client.find(Locator::XPath(xpath)).await.ok()?;
            match act(element).await {
                Ok(()) => Some(()),
                Err(error) if error.is_stale_element_reference() => None,
                Err(error) => panic!("{xpath}: {error}"),
            }
        };
        poll::until_async(&format!("{xpath} is there"), poll::PATIENCE, done).await;
    }

    /// Clicks the first element that this XPath names, once it is there.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn click(&self, xpath: &str) {
        self.act(xpath, async |element| element.click().await).await;
    }

    /// Types into the first element that this XPath names, once it is there.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn type_into(&self, xpath: &str, text: &str) {
        self.act(xpath, async |element| element.send_keys(text).await).await;
    }

    /// What an expression is worth on the page.
    ///
    /// # Panics
    /// When it fails.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return {expression}");
        self.client.execute(&script, vec![]).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// What the browser has complained of on its console since the last time.
    ///
    /// # Panics
    /// When the browser does not say.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.client.issue_cmd(Log("browser")).await.expect("the console can be read");
        let entries = log.as_array().expect("a log is a list").iter();
        entries.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Where the browser has sent requests to since the last time.
    ///
    /// # Panics
    /// When the browser does not say.
    pub async fn requested(&self) -> Vec<Url> {
        let log =
            self.client.issue_cmd(Log("performance")).await.expect("the log of the network can be read");
        let messages = log.as_array().expect("a log is a list").iter().filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let message = &message["message"];
            let sent = message["method"] == "Network.requestWillBeSent";
            sent.then(|| message["params"]["request"]["url"].as_str().map(str::to_owned))?
        });
        let urls = messages.map(|url| url.parse::<Url>().expect("a browser sends requests to URLs"));
        // Its own first page is made of files of its own.
        urls.filter(|url| !url.scheme().starts_with("chrome")).collect()
    }

    /// Waits until a person can read this on the page.
    ///
    /// # Panics
    /// When that does not happen in time.
    pub async fn wait_for(&self, text: &str) {
        // The driver takes seconds to gather the text of a long page; the page itself does not.
        let script = "return document.body.innerText.includes(arguments[0])";
        let there = async || {
            let there = self.client.execute(script, vec![json!(text)]).await.ok()?;
            (there == json!(true)).then_some(())
        };
        poll::until_async(&format!("{text:?} is on the page"), poll::PATIENCE, there).await;
    }

    /// Waits until there is an element that this XPath names.
    ///
    /// # Panics
    /// When that does not happen in time.
    pub async fn wait_for_element(&self, xpath: &str) {
        let there = async || self.client.find(Locator::XPath(xpath)).await.ok().map(drop);
        poll::until_async(&format!("{xpath} is on the page"), poll::PATIENCE, there).await;
    }

    /// What a script answers that calls `done(value)`; `argument` is its `argument`.
    ///
    /// # Panics
    /// When it fails, or does not call it.
    pub async fn call(&self, script: &str, argument: &Value) -> Value {
        let script = format!("const [argument, done] = arguments;\n{script}");
        self.client.execute_async(&script, vec![argument.clone()]).await.expect("a script answers")
    }

    /// Runs a script that answers nothing.
    ///
    /// # Panics
    /// When it fails.
    pub async fn run(&self, script: &str) {
        self.client.execute(script, vec![]).await.unwrap_or_else(|error| panic!("{script:.60}: {error}"));
    }

    /// Makes the page as wide and high as this, whatever the window can be.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Makes pages dark, or light.
    ///
    /// # Panics
    /// When the browser refuses.
    pub async fn darken(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    async fn devtools(&self, command: &'static str, parameters: Value) {
        self.client.issue_cmd(DevTools(command, parameters)).await.expect("the browser does that");
    }

    /// The page as a picture, PNG.
    ///
    /// # Panics
    /// When the browser makes none.
    pub async fn screenshot(&self) -> Vec<u8> {
        self.client.screenshot().await.expect("a browser makes a picture of its page")
    }

    /// Empties the first field that this XPath names, once it is there, and types into it.
    ///
    /// # Panics
    /// When there is none in time.
    pub async fn replace(&self, xpath: &str, text: &str) {
        let replace = async |element: Element| {
            element.clear().await?;
            element.send_keys(text).await
        };
        self.act(xpath, replace).await;
    }

    /// Chooses in the first list that this XPath names, once it is there.
    ///
    /// # Panics
    /// When there is none in time, or no such choice.
    pub async fn choose(&self, xpath: &str, label: &str) {
        self.act(xpath, async |element| element.select_by_label(label).await).await;
    }

    /// Ends the browser, then its driver.
    ///
    /// # Panics
    /// When the browser does not end.
    pub async fn close(self) {
        self.client.close().await.expect("a browser can be closed");
        drop(self.driver);
    }
}

/// A driver on a port that it chose.
fn start_driver() -> (Driver, u16) {
    let mut child = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver can be run; Debian's package is chromium-driver");
    let output = child.stdout.take().expect("standard output is piped");
    let driver = Driver(child);
    let mut lines = BufReader::new(output).lines();
    let port = loop {
        let line = lines.next().expect("chromedriver says its port before it ends").expect("a line of text");
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            break port.trim_end_matches('.').parse().expect("a port is a number");
        }
    };
    // Its later output must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    (driver, port)
}
