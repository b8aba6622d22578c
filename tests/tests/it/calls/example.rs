//! `examples/calling` as it stands, in a real browser: a call each way, heard on both sides, renegotiated, ended by either.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use http::Method;
use jackfield_tests::browser::Browser;
use jackfield_tests::poll;
use serde_json::{Value, json};

use super::device::{Stage, hang_up};
use super::integration::Endpoint;

/// The program of the example. It ends with the value.
pub(crate) struct Example {
    process: Child,
    url: String,
}

impl Example {
    /// The example as the skill of the stage, and its page in a browser, registered.
    pub(crate) async fn set(stage: &Stage) -> (Self, Browser) {
        let example = Self::start(stage);
        stage.set_skill(&format!("{}skill", example.url), "10s").await;
        let grant = format!("/admin/v1/skills/{}/grant", stage.skill_id);
        let granted = stage.tenant.admin.call(&Method::POST, &grant, &Value::Null).await.expect(200).json();
        assert_eq!(granted["ok"], true, "{granted}");
        let browser = Browser::start(900, 700).await;
        browser.open(&example.url).await;
        browser.click("//button[@id='register']").await;
        browser.wait_for("registered").await;
        (example, browser)
    }

    fn start(stage: &Stage) -> Self {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/calling/integration.mjs");
        let mut process = Command::new("node")
            .arg(program)
            .env("JACKFIELD", format!("http://{}", stage.tenant.endpoint().public()))
            .env("CLIENT_ID", &stage.tenant.client_id)
            .env("CLIENT_SECRET", &stage.tenant.client_secret)
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node runs the example");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().last().expect("it says where its page is").to_owned();
        Self { process, url }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until page and device have heard more packets than this; answers how many the device has.
async fn hear_each_other(stage: &Stage, browser: &Browser, session: &str, more_than: u64) -> u64 {
    let both = async || {
        let media = stage.call(session).await["media"].clone();
        let device = media["packetsReceived"].as_u64().filter(|packets| *packets > more_than)?;
        let text = browser.text().await;
        let (before, _) = text.split_once(" packets heard")?;
        let page: u64 = before.rsplit(char::is_whitespace).next()?.parse().ok()?;
        (page > more_than).then_some(device)
    };
    poll::until_async("page and device hear each other", poll::PATIENCE, both).await
}

#[tokio::test]
async fn the_example_calls_and_is_called() {
    let stage = Stage::set(Endpoint::Silent).await;
    let (_example, browser) = Example::set(&stage).await;

    let call = stage.start(json!({})).await;
    let session = call["sessionId"].as_str().unwrap();
    browser.click("//button[@id='accept' and not(@hidden)]").await;
    stage.await_state(session, "accepted").await;
    let heard = hear_each_other(&stage, &browser, session, 20).await;
    browser.click("//button[@id='update']").await;
    let updated = async || {
        let call = stage.call(session).await;
        let entries = call["transcript"].as_array().unwrap();
        entries.iter().any(|entry| entry["type"] == "Alexa.Comms.CallSignaling.CallUpdateAck").then_some(())
    };
    poll::until_async("the page has renegotiated", poll::PATIENCE, updated).await;
    hear_each_other(&stage, &browser, session, heard + 20).await;
    hang_up(&stage, session).await;
    browser.wait_for("ended: SUCCESS The device hung up.").await;

    stage.rule(json!({ "onCall": "accept" })).await;
    browser.evaluate("document.getElementById('to').value = 'room-7201'").await;
    browser.click("//button[@id='call']").await;
    browser.wait_for("in a call").await;
    let calls = stage.tenant.admin.get("/admin/v1/calls?limit=1000").await;
    let inbound =
        |call: &&Value| call["skillId"] == stage.skill_id.as_str() && call["direction"] == "inbound";
    let call = calls["items"].as_array().unwrap().iter().find(inbound).unwrap().clone();
    let session = call["sessionId"].as_str().unwrap();
    hear_each_other(&stage, &browser, session, 20).await;
    browser.click("//button[@id='end']").await;
    let call = stage.await_state(session, "ended").await;
    assert_eq!(call["result"], json!({ "code": "SUCCESS", "message": "The endpoint hung up." }));
    browser.close().await;
}
