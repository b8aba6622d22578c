//! The walk-through of docs/sync.md, as it stands there.

use std::process::Command;

use jackfield_tests::{Tenant, binary};

use super::{Desk, state};

const PAGE: &str = include_str!("../../../../docs/sync.md");

/// The blocks of code in a language.
fn blocks(language: &str) -> Vec<&str> {
    let fence = format!("```{language}\n");
    let block = |rest: &'static str| rest.split("```").next().unwrap();
    PAGE.split(&*fence).skip(1).map(block).collect()
}

#[tokio::test]
async fn each_command_does_what_the_page_says() {
    let tenant = Tenant::fresh().await;
    let desk = Desk::of(&tenant);
    let [rooms, property] = blocks("csv")[..] else { panic!("two lists are expected") };
    desk.write("rooms.csv", rooms);
    desk.write("property.csv", property);
    let directory_of_binary = binary::path().parent().unwrap();
    let path = format!("{}:{}", directory_of_binary.display(), std::env::var("PATH").unwrap());
    let mut run = 0;
    for line in blocks("sh").into_iter().flat_map(str::lines) {
        let (line, code) = line.split_once(" # exits with ").unwrap_or((line, "0"));
        // The environment and the directory of the desk, the command of the page.
        let of_desk = desk.command(&[]);
        let mut command = Command::new("sh");
        for (name, value) in of_desk.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let output =
            command.args(["-c", line]).env("PATH", &path).current_dir(desk.home.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code().map(|code| code.to_string()).as_deref(),
            Some(code),
            "{line}: {said}"
        );
        if line.ends_with("--dry-run") && code == "2" {
            assert_eq!(
                blocks("text")[0],
                said.lines().take(2).map(|line| format!("{line}\n")).collect::<String>()
            );
        }
        run += 1;
    }
    assert!(run > 11, "only {run} commands were found");
    let left: Vec<String> = state(&tenant).await.into_keys().collect();
    assert_eq!(left, ["2101", "2102", "2201", "2301", "7201", "7203", "Bar, lobby"]);
}
