//! The binary against a server that answers by a script: what it sends, prints, and exits with.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]

mod admin;
mod association;
mod secrets;
mod usage;
mod webhook;

use std::process::Output;

use jackfield_client::testing::{ScriptedServer, Seen, Step};
use tempfile::TempDir;
use tokio::process::Command;

const PROVIDER: &str = "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10";

const ORG: &str = "amzn1.alexa.unit.did.o1";

const CLIENT: &str = "amzn1.application-oa2-client.c1";

const PROFILE: &str = "amzn1.alexa.communications.profile.did.p1";

const REQUEST_ID: &str = "0b0e7e66-0000-4000-8000-000000000001";

/// A home of its own for a run of the binary, so that nothing of the machine's configuration counts.
struct Home(TempDir);

struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jackfield"));
        command.env_clear().env("HOME", self.0.path()).current_dir(self.0.path()).args(args);
        command
    }

    async fn run(&self, args: &[&str], environment: &[(&str, &str)]) -> Run {
        let output = self.command(args).envs(environment.iter().copied()).output().await.unwrap();
        Run::from(output)
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

async fn public(args: &[&str], script: Vec<Step>) -> (Run, Vec<Seen>) {
    let server = ScriptedServer::start(script).await;
    let endpoint = server.endpoint().to_string();
    let environment = [
        ("JACKFIELD_ENDPOINT", endpoint.as_str()),
        ("JACKFIELD_TOKEN", "Atza|t"),
        ("JACKFIELD_PROVIDER", PROVIDER),
    ];
    let run = Home::new().run(args, &environment).await;
    (run, server.seen())
}

async fn admin(args: &[&str], script: Vec<Step>) -> (Run, Vec<Seen>) {
    let server = ScriptedServer::start(script).await;
    let endpoint = server.endpoint().to_string();
    let environment = [("JACKFIELD_ADMIN_ENDPOINT", endpoint.as_str()), ("JACKFIELD_ADMIN_TOKEN", "admin-t")];
    let run = Home::new().run(args, &environment).await;
    (run, server.seen())
}

fn association(id: &str) -> String {
    format!(r#"{{"externalUserId":"{id}","amazonId":"{PROFILE}","amazonIdType":"communication-profile"}}"#)
}
