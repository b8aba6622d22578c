//! `jackfield skill run`: serves a skill that is written for AWS Lambda, in a child process of its interpreter.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use jackfield_client::admin::{AdminClient, Page};
use jackfield_model::admin::{Skill, TimeSpan};
use jackfield_model::{ClientId, OrganizationId, SkillId};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::super::interrupt::interrupted;
use crate::failure::Failure;
use crate::output::Output;

/// The flags of `skill run`.
#[derive(Args)]
pub(super) struct RunArgs {
    /// The module that exports the handler, or the directory that it is in
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// The skill that it is [default: the only one that is set]
    #[arg(long, value_name = "SKILL_ID")]
    skill: Option<SkillId>,
    /// The organization of the skill, when it is not set yet
    #[arg(long, value_name = "ORG_ID")]
    organization: Option<OrganizationId>,
    /// Its own client, which redeems grants and signals
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<ClientId>,
    /// How long it may take to answer, for example 5s
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// The function that is called, when it has another name
    #[arg(long, value_name = "NAME", default_value = "handler")]
    handler: String,
}

/// What runs a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interpreter {
    Node,
    Python,
}

/// What the serving program says.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Serves { port: u16 },
    Problem { problem: String, message: String },
    Threw { threw: String, on: Option<String> },
}

/// The files that a directory's handler is looked for in, and the directories below it: those of the usual templates.
const FILES: [&str; 7] =
    ["index.mjs", "index.js", "index.cjs", "lambda_function.py", "handler.py", "main.py", "app.py"];
const DIRECTORIES: [&str; 6] = ["", "lambda", "lambda/custom", "skill/lambda", "lambda/py", "src"];

/// How long a module may take to load.
const LOADING: Duration = Duration::from_secs(60);

impl RunArgs {
    pub(super) async fn run(self, admin: &AdminClient, output: &mut Output) -> Result<(), Failure> {
        let file = module(&self.path)?;
        let interpreter = Interpreter::of(&file)?;
        let (id, before) = self.skill(admin).await?;
        let mut served = Served::start(interpreter, &file, &self.handler)?;
        let port = match tokio::time::timeout(LOADING, served.port()).await {
            Ok(port) => port?,
            Err(_) => {
                return Err(Failure::failed(format!("{} was not loaded within {LOADING:?}", file.display())));
            }
        };
        let settings = self.settings(port, before);
        let skill = admin.set_skill(&id, &settings).await?;
        output.object(&skill)?;
        output.flush()?;
        tokio::select! {
            ended = served.follow() => Err(ended),
            () = interrupted() => {
                served.stop().await;
                Ok(())
            }
        }
    }

    /// Which skill it is, and what is set of it.
    async fn skill(&self, admin: &AdminClient) -> Result<(SkillId, Skill), Failure> {
        let listed = admin.skills(&Page { limit: Some(1_000), ..Page::default() }).await?.items;
        let found = match &self.skill {
            Some(id) => listed.into_iter().find(|skill| skill.skill_id.as_ref() == Some(id)),
            None => match <[Skill; 1]>::try_from(listed) {
                Ok([only]) => Some(only),
                Err(several) => {
                    let message =
                        format!("{} skills are set; it must be said which one this is", several.len());
                    return Err(Failure::usage(message)
                        .hint("--skill SKILL_ID, with --organization ORG_ID when it is not set"));
                }
            },
        };
        match (found, &self.skill, &self.organization) {
            (Some(found), _, _) => {
                let id = found.skill_id.clone().expect("an answer names it");
                Ok((id, found))
            }
            (None, Some(id), Some(organization)) => {
                let settings = Skill {
                    skill_id: None,
                    organization_id: organization.clone(),
                    endpoint: String::new(),
                    client_id: None,
                    timeout: None,
                    ca: None,
                };
                Ok((id.clone(), settings))
            }
            _ => Err(Failure::usage("the skill is not set yet; it must be said whose it is")
                .hint("--organization ORG_ID")),
        }
    }

    fn settings(self, port: u16, before: Skill) -> Skill {
        Skill {
            skill_id: None,
            organization_id: self.organization.unwrap_or(before.organization_id),
            endpoint: format!("http://127.0.0.1:{port}/"),
            client_id: self.client.or(before.client_id),
            timeout: self.timeout.map(TimeSpan::Text).or(before.timeout),
            ca: None,
        }
    }
}

/// The module that is meant: the file, or the one in the directory.
fn module(path: &Path) -> Result<PathBuf, Failure> {
    let absolute =
        path.canonicalize().map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
    if absolute.is_file() {
        return Ok(absolute);
    }
    let places = DIRECTORIES.iter().map(|directory| absolute.join(directory));
    let named =
        |place: PathBuf| main_of(&place).into_iter().chain(FILES.iter().map(move |file| place.join(file)));
    let found = places.flat_map(named).find(|file| file.is_file());
    found.ok_or_else(|| {
        let message = format!("{} has no module of a skill", path.display());
        Failure::failed(message).hint(format!("name its file; these are looked for: {}", FILES.join(", ")))
    })
}

/// What the `package.json` of a directory names.
fn main_of(directory: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(directory.join("package.json")).ok()?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(directory.join(package.get("main")?.as_str()?))
}

impl Interpreter {
    fn of(file: &Path) -> Result<Self, Failure> {
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("js" | "mjs" | "cjs") => Ok(Self::Node),
            Some("py") => Ok(Self::Python),
            _ => Err(Failure::failed(format!("{} is no module of Node or Python", file.display()))
                .hint("name a file that ends with .js, .mjs, .cjs or .py; compile TypeScript first")),
        }
    }

    /// The program, and what comes before the arguments of ours.
    const fn command(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Node => ("node", &["--input-type=module", "--eval", include_str!("serve.mjs"), "--"]),
            Self::Python => ("python3", &["-c", include_str!("serve.py")]),
        }
    }
}

/// The child process. It ends with the value, and with this process whatever ends that: its standard input is a pipe.
struct Served {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    /// What lines that are for this command begin with: nobody else knows it.
    word: String,
}

impl Served {
    fn start(interpreter: Interpreter, file: &Path, handler: &str) -> Result<Self, Failure> {
        let (program, arguments) = interpreter.command();
        let word = format!("jackfield-{:016x} ", word());
        let mut command = Command::new(program);
        command.args(arguments).arg(file).arg(handler).arg(&word);
        command.current_dir(file.parent().unwrap_or(Path::new("/")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // The skill is somebody else's program: what opens the admin API is not for it.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("JACKFIELD_") {
                command.env_remove(name);
            }
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::failed(format!("{program} cannot be found; {} needs it", file.display()))
                    .hint(format!("install {program}, or put it on the PATH"))
            }
            _ => Failure::failed(format!("{program}: {error}")),
        })?;
        let lines = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
        Ok(Self { child, lines, word })
    }

    /// The next thing that is said to this command. Everything else is the skill's log.
    async fn next(&mut self) -> Option<Said> {
        loop {
            let line = self.lines.next_line().await.ok().flatten()?;
            match line.strip_prefix(&self.word) {
                Some(said) => return serde_json::from_str(said).ok(),
                None if line.is_empty() => {}
                None => log(&line),
            }
        }
    }

    /// Where it serves, once it does.
    async fn port(&mut self) -> Result<u16, Failure> {
        match self.next().await {
            Some(Said::Serves { port }) => Ok(port),
            Some(Said::Problem { problem, message }) if problem == "no_handler" => {
                let exported = if message.is_empty() { "nothing".to_owned() } else { message };
                Err(Failure::failed(format!("the module has no handler; it exports {exported}")).hint(
                    "export a function handler (Node) or lambda_handler (Python), or name it with --handler",
                ))
            }
            Some(Said::Problem { message, .. }) => {
                let failure = Failure::failed(format!("the module cannot be loaded: {}", message.trim_end()));
                let missing = ["Cannot find package", "Cannot find module", "No module named"];
                Err(match missing.iter().any(|words| message.contains(words)) {
                    true => failure.hint(
                        "install what it needs beside it: npm install, or pip install -r requirements.txt",
                    ),
                    false => failure,
                })
            }
            _ => Err(self.ended().await),
        }
    }

    /// Hands on what the skill logs, until it ends; answers why.
    async fn follow(&mut self) -> Failure {
        while let Some(said) = self.next().await {
            if let Said::Threw { threw, on } = said {
                let on = on.as_deref().unwrap_or("a request");
                log(&format!("the handler threw on {on}, and the call gets a 500: {}", threw.trim_end()));
            }
        }
        self.ended().await
    }

    async fn ended(&mut self) -> Failure {
        match self.child.wait().await {
            Ok(status) => Failure::failed(format!("the skill's process ended by itself: {status}")),
            Err(error) => Failure::failed(format!("the skill's process ended: {error}")),
        }
    }

    async fn stop(mut self) {
        let _ = self.child.kill().await;
    }
}

/// Standard output has the skill's settings, for programs.
fn log(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A number that a skill does not guess.
fn word() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_looked_through_as_templates_have_it() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().canonicalize().unwrap();
        assert!(module(&path).is_err());
        let write = |name: &str, text: &str| {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, text).unwrap();
            file
        };
        let python = write("lambda/py/lambda_function.py", "");
        assert_eq!(module(&path).unwrap(), python);
        let node = write("lambda/custom/index.js", "");
        assert_eq!(module(&path).unwrap(), node);
        let named = write("other.cjs", "");
        write("package.json", r#"{"main": "other.cjs"}"#);
        assert_eq!(module(&path).unwrap(), named);
        assert_eq!(module(&node).unwrap(), node);
        assert_eq!(Interpreter::of(&python).unwrap(), Interpreter::Python);
        assert!(Interpreter::of(&path.join("package.json")).is_err());
    }
}
