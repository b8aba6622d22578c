//! docs/first-call.md as it stands: the commands in a shell, and the buttons that it names in a browser.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use jackfield_tests::browser::Browser;
use jackfield_tests::server::clean_environment;
use jackfield_tests::{binary, poll};
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../../docs/first-call.md");

/// What the page says, in its order.
#[derive(Debug, PartialEq)]
enum Step {
    /// A command that goes on, in a terminal of its own.
    Background(String),
    /// Commands in the last terminal.
    Commands(String),
    /// A page to open.
    Open,
    /// A button to press.
    Press(String),
}

fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    for (place, part) in PAGE.split("```").enumerate() {
        if place % 2 == 1 {
            let (language, text) = part.split_once('\n').unwrap();
            steps.push(match language {
                "sh" => Step::Commands(text.to_owned()),
                "sh background" => Step::Background(text.trim().to_owned()),
                other => panic!("a block of {other}"),
            });
            continue;
        }
        for sentence in part.split("**").enumerate().map(|(place, text)| (place % 2 == 1, text)) {
            match sentence {
                (true, button) => steps.push(Step::Press(button.to_owned())),
                (false, text) if text.contains("<http://127.0.0.1:3000/>") => steps.push(Step::Open),
                _ => {}
            }
        }
    }
    steps
}

/// A program and what it has printed. It ends with the value.
struct Program {
    child: Child,
    printed: Arc<Mutex<String>>,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let printed = Arc::new(Mutex::new(String::new()));
        let (lines, into) = (BufReader::new(child.stdout.take().unwrap()).lines(), Arc::clone(&printed));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
                into.push_str(&line);
                into.push('\n');
            }
        });
        Self { child, printed }
    }

    /// The word after this text, once it is printed.
    async fn word(&mut self, after: &str) -> String {
        let found = async || {
            let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some((_, rest)) = printed.split_once(after) {
                return rest.split_once(char::is_whitespace).map(|(word, _)| word.to_owned());
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended with {status} before {after:?}:\n{printed}");
            }
            None
        };
        poll::until_async(after, poll::PATIENCE, found).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A shell that keeps what was exported, and says when it is done with a block.
struct Shell {
    program: Program,
    input: ChildStdin,
    blocks: usize,
}

impl Shell {
    fn start(mut command: Command) -> Self {
        command.args(["-e", "-u"]).stdin(Stdio::piped());
        let mut program = Program::start(command);
        let input = program.child.stdin.take().unwrap();
        Self { program, input, blocks: 0 }
    }

    fn give(&mut self, commands: &str) {
        self.blocks += 1;
        writeln!(self.input, "{commands}\necho done-with-{} .", self.blocks).unwrap();
    }

    async fn settle(&mut self) {
        if self.blocks > 0 {
            self.program.word(&format!("done-with-{} ", self.blocks)).await;
        }
    }
}

#[tokio::test]
async fn each_step_works_as_it_stands() {
    let home = TempDir::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::os::unix::fs::symlink(root.join("examples"), home.path().join("examples")).unwrap();
    let directory_of_binary = binary::path().parent().unwrap();
    let path = format!("{}:{}", directory_of_binary.display(), std::env::var("PATH").unwrap());
    // Other tests have the usual ports.
    let mut environment = vec![
        ("JACKFIELD_LISTEN", "127.0.0.1:0".to_owned()),
        ("JACKFIELD_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("PORT", "0".to_owned()),
    ];
    let command = |program: &str, environment: &[(&str, String)]| {
        let mut command = Command::new(program);
        clean_environment(&mut command);
        command.current_dir(home.path()).env("PATH", &path).env("HOME", home.path());
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        command
    };
    let browser = Browser::start(900, 700).await;
    let mut running = Vec::new();
    let mut shell: Option<Shell> = None;
    let mut page = String::new();
    let steps = steps();
    assert!(steps.len() > 12, "{steps:?}");
    for step in steps {
        match step {
            Step::Background(text) => {
                let mut words = text.split(' ');
                let mut background = command(words.next().unwrap(), &environment);
                background.args(words).stdin(Stdio::null());
                let mut program = Program::start(background);
                if text.starts_with("jackfield") {
                    let public = program.word("ready public=").await;
                    let admin = program.word(" admin=").await;
                    environment.push(("JACKFIELD", public));
                    environment.push(("JACKFIELD_ADMIN_ENDPOINT", admin));
                } else {
                    page = program.word("page ").await;
                }
                running.push(program);
            }
            Step::Open => browser.open(&page).await,
            Step::Press(button) => {
                if button == "Hang up" {
                    // As the page says: once the command has heard something.
                    shell.as_mut().unwrap().settle().await;
                }
                browser.click(&format!("//button[.='{button}' and not(@hidden)]")).await;
                let says = match button.as_str() {
                    "Register" => "registered",
                    "Hang up" => "ended",
                    _ => "in a call",
                };
                browser.wait_for(says).await;
            }
            Step::Commands(text) => {
                let shell = shell.get_or_insert_with(|| Shell::start(command("sh", &environment)));
                shell.settle().await;
                shell.give(&text.replace("http://127.0.0.1:3000/", &page));
            }
        }
    }
    shell.unwrap().settle().await;
    browser.wait_for("ended: SUCCESS The device hung up.").await;
    browser.close().await;
}
