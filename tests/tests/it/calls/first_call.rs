//! docs/first-call.md as it stands: the commands in a shell, and the buttons that it names in a browser.

use std::path::Path;
use std::process::Stdio;

use jackfield_tests::browser::Browser;
use tempfile::TempDir;

use crate::terminal::{self, Program, Shell};

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

#[tokio::test]
async fn each_step_works_as_it_stands() {
    let home = TempDir::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::os::unix::fs::symlink(root.join("examples"), home.path().join("examples")).unwrap();
    // Other tests have the usual ports.
    let mut environment = vec![
        ("JACKFIELD_LISTEN", "127.0.0.1:0".to_owned()),
        ("JACKFIELD_ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
        ("PORT", "0".to_owned()),
    ];
    let command =
        |program: &str, environment: &[(&str, String)]| terminal::command(program, home.path(), environment);
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
