//! `jackfield skill run`: skills that are written for AWS Lambda, run by the real interpreters.

use std::io::Read as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use jackfield_tests::server::clean_environment;
use jackfield_tests::{Listener, binary, poll};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::device::{Stage, hang_up};
use super::integration::Endpoint;

/// What each skill does: it rings and answers as its own cloud, and throws when the call is over.
const NODE: &str = r#"
const signal = async (type, sessionId, fields = {}) => {
  const answer = await fetch(process.env.SERVICE + "/v1/communications/signaling", {
    method: "POST", headers: { authorization: "Bearer " + process.env.TOKEN },
    body: JSON.stringify({ type: "Alexa.Comms.CallSignaling." + type, sessionId, ...fields }),
  });
  if (!answer.ok) throw new Error(type + " " + answer.status);
};
async function skill(event) {
  const { type, sessionId, callResult } = event.request;
  console.log("the skill got", type);
  if (callResult) throw new Error("thrown on purpose");
  if (type.endsWith("InitiateOutboundCall")) {
    await signal("CallRinging", sessionId);
    await signal("CallAccepted", sessionId, { sdpDetails: { type: "ANSWER", value: "v=0\r\n" } });
  }
  return { version: "1.0", response: {} };
}
"#;

const PYTHON: &str = r#"
import json, os, urllib.request

def signal(kind, session, **fields):
    body = {"type": "Alexa.Comms.CallSignaling." + kind, "sessionId": session, **fields}
    request = urllib.request.Request(os.environ["SERVICE"] + "/v1/communications/signaling", json.dumps(body).encode(),
                                     {"Authorization": "Bearer " + os.environ["TOKEN"]})
    urllib.request.urlopen(request).close()

def lambda_handler(event, context):
    request = event["request"]
    print("the skill got", request["type"], flush=True)
    assert context.get_remaining_time_in_millis() > 0
    if "callResult" in request:
        raise ValueError("thrown on purpose")
    if request["type"].endswith("InitiateOutboundCall"):
        signal("CallRinging", request["sessionId"])
        signal("CallAccepted", request["sessionId"], sdpDetails={"type": "ANSWER", "value": "v=0\r\n"})
    return {"version": "1.0", "response": {}}
"#;

fn command(stage: &Stage, skill: &str, path: &Path) -> Command {
    let mut command = Command::new(binary::path());
    clean_environment(&mut command);
    let url = |listener| format!("http://{}", stage.tenant.endpoint().address(listener));
    command
        .args(["skill", "run", "--output", "json", "--skill", skill])
        .arg(path)
        .env("JACKFIELD_ADMIN_ENDPOINT", url(Listener::Admin))
        .env("JACKFIELD_ADMIN_TOKEN", stage.tenant.endpoint().admin_token())
        .env("SERVICE", url(Listener::Public))
        .env("TOKEN", &stage.tenant.token)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The running command, and where it serves. It ends with the value.
struct Run {
    process: Child,
    port: u16,
}

impl Run {
    fn start(stage: &Stage, path: &Path) -> Self {
        let mut process = command(stage, &stage.skill_id, path).spawn().unwrap();
        let printed = serde_json::Deserializer::from_reader(process.stdout.take().unwrap());
        let Some(Ok(skill)) = printed.into_iter::<Value>().next() else {
            let mut said = String::new();
            process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("{}: {said}", path.display());
        };
        let endpoint: url::Url = skill["endpoint"].as_str().unwrap().parse().unwrap();
        Self { process, port: endpoint.port().unwrap() }
    }

    /// What it says on standard error, once it was asked to end.
    fn end(mut self) -> String {
        let terminate = Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        assert!(terminate.success());
        let mut said = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(self.process.wait().unwrap().success(), "{said}");
        said
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn is_closed(port: u16) {
    let closed = async || TcpStream::connect(("127.0.0.1", port)).is_err().then_some(());
    poll::until_async("the skill ends with the command", poll::PATIENCE, closed).await;
}

/// A call through the skill, to its end, which the skill throws on.
async fn call(stage: &Stage) {
    let call = stage.start(json!({ "media": false })).await;
    let session = call["sessionId"].as_str().unwrap();
    stage.await_state(session, "accepted").await;
    hang_up(stage, session).await;
    let thrown = async || {
        let call = stage.call(session).await;
        let last = call["transcript"].as_array().unwrap().last().unwrap().clone();
        (last["status"] == 500).then_some(())
    };
    poll::until_async("the transcript has the error", poll::PATIENCE, thrown).await;
}

#[tokio::test]
async fn modules_of_each_kind_take_part_in_a_call() {
    let stage = Stage::set(Endpoint::Silent).await;
    let directory = TempDir::new().unwrap();
    let write = |name: &str, text: &str| -> PathBuf {
        let file = directory.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        file
    };
    let node = |name: &str, exports: &str| write(name, &format!("{NODE}\n{exports}"));
    let callback = "exports.handler = (event, context, callback) => { skill(event).then(r => callback(null, r), callback); };";
    let context =
        "exports.handler = (event, context) => { skill(event).then(context.succeed, context.fail); };";
    node("template/lambda/index.js", "module.exports = { handler: skill };");
    for path in [
        node("common.js", "exports.handler = skill;"),
        node("module.mjs", "export const handler = skill;"),
        node("callback.cjs", callback),
        node("context.js", context),
        write("python.py", PYTHON),
        directory.path().join("template"),
    ] {
        let run = Run::start(&stage, &path);
        call(&stage).await;
        let port = run.port;
        let said = run.end();
        for expected in [
            "the skill got Alexa.Comms.CallSignaling.InitiateOutboundCall",
            "the handler threw on Alexa.Comms.CallSignaling.CallEnded",
            "thrown on purpose",
        ] {
            assert!(said.contains(expected), "{}: {said}", path.display());
        }
        is_closed(port).await;
    }
    // What kills the command ends the skill as well.
    let mut run = Run::start(&stage, &directory.path().join("python.py"));
    run.process.kill().unwrap();
    is_closed(run.port).await;
}

#[tokio::test]
async fn what_cannot_be_run_is_explained() {
    let stage = Stage::set(Endpoint::Silent).await;
    let directory = TempDir::new().unwrap();
    let fails = |name: &str, text: &str, said: &[&str], change: &dyn Fn(&mut Command)| {
        let file = directory.path().join(name);
        if !text.is_empty() {
            std::fs::write(&file, text).unwrap();
        }
        let mut command = command(&stage, &stage.skill_id, &file);
        change(&mut command);
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {error}");
        for said in said {
            assert!(error.contains(said), "{name}: {said} in {error}");
        }
    };
    let as_it_is = |_: &mut Command| {};
    fails("none.js", "exports.other = () => {};", &["has no handler; it exports other"], &as_it_is);
    fails("none.py", "def other(): pass", &["has no handler; it exports other"], &as_it_is);
    fails("broken.mjs", "export const handler = ;", &["cannot be loaded", "SyntaxError"], &as_it_is);
    fails("needs.js", "require('nowhere-to-be-found');", &["cannot be loaded", "npm install"], &as_it_is);
    fails("needs.py", "import nowhere_to_be_found", &["cannot be loaded", "pip install"], &as_it_is);
    fails("skill.ts", "export {};", &["no module of Node or Python", "TypeScript"], &as_it_is);
    fails("absent.js", "", &["absent.js"], &as_it_is);
    let empty = directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    fails("empty", "", &["has no module of a skill", "index.mjs"], &as_it_is);
    let without = |command: &mut Command| {
        command.env("PATH", &empty);
    };
    fails("fine.js", "exports.handler = () => {};", &["node cannot be found"], &without);
    fails("fine.py", "handler = print", &["python3 cannot be found"], &without);
    let ends = "import os, threading\nthreading.Timer(0.5, os._exit, [3]).start()\nhandler = print";
    fails("ends.py", ends, &["ended by itself"], &as_it_is);
    // A skill that is not set needs an organization.
    let unknown = super::skills::skill_id();
    let output = command(&stage, &unknown, &directory.path().join("fine.py")).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("--organization"), "{error}");
}
