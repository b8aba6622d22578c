//! The tutorials in docs/tutorials, as they stand.
//!
//! A block `sh` is given to one shell, `sh background` is a program in a terminal of its own, a block with a file's name is
//! saved under it, and each line of a block `text` is something that the commands before it print.

use std::process::Stdio;

use tempfile::TempDir;

use crate::terminal::{self, Program, Shell};

/// A page that is being followed.
struct Reader {
    home: TempDir,
    environment: Vec<(&'static str, String)>,
    servers: Vec<Program>,
    /// Where the page says that the server is, and where it is here.
    addresses: Vec<(&'static str, String)>,
    shell: Option<Shell>,
}

impl Reader {
    fn new() -> Self {
        // Other tests have the usual ports.
        let any = |name| (name, "127.0.0.1:0".to_owned());
        let environment = vec![any("JACKFIELD_LISTEN"), any("JACKFIELD_ADMIN_LISTEN")];
        Self {
            home: TempDir::new().unwrap(),
            environment,
            servers: Vec::new(),
            addresses: Vec::new(),
            shell: None,
        }
    }

    /// Starts a server in a terminal of its own. One that is started again is where it was.
    async fn start(&mut self, text: &str) {
        let mut words = text.split_whitespace();
        let mut command = terminal::command(words.next().unwrap(), self.home.path(), &self.environment);
        command.args(words).stdin(Stdio::null());
        let mut program = Program::start(command);
        let public = program.word("ready public=").await;
        let admin = program.word(" admin=").await;
        self.servers.push(program);
        let at = |url: &str| url.trim_start_matches("http://").to_owned();
        self.environment = vec![
            ("JACKFIELD_LISTEN", at(&public)),
            ("JACKFIELD_ADMIN_LISTEN", at(&admin)),
            ("JACKFIELD_ENDPOINT", public.clone()),
            ("JACKFIELD_ADMIN_ENDPOINT", admin.clone()),
        ];
        self.addresses = vec![("http://127.0.0.1:8080", public), ("http://127.0.0.1:8081", admin)];
    }

    async fn give(&mut self, text: &str) {
        let here = |text: String, (said, is): &(&str, String)| text.replace(said, is);
        let text = self.addresses.iter().fold(text.to_owned(), here);
        if self.shell.is_none() {
            let mut shell = Shell::start(terminal::command("sh", self.home.path(), &self.environment));
            shell.give("exec 2>&1");
            self.shell = Some(shell);
        }
        let shell = self.shell.as_mut().unwrap();
        shell.settle().await;
        shell.give(&text);
        shell.settle().await;
    }

    async fn follow(&mut self, page: &str) {
        let mut commands = 0;
        for (place, part) in page.split("```").enumerate() {
            if place % 2 == 0 {
                if part.contains("**Ctrl-C**") {
                    self.servers.pop().expect("something is running").interrupt();
                }
                continue;
            }
            let (kind, text) = part.split_once('\n').unwrap();
            match kind.split_once(' ') {
                None if kind == "sh" => {
                    self.give(text).await;
                    commands += 1;
                }
                None if kind == "text" => {
                    let printed = self.shell.as_mut().unwrap().printed().await;
                    for line in text.lines() {
                        assert!(printed.contains(line), "{line:?} is not in:\n{printed}");
                    }
                }
                Some(("sh", "background")) => self.start(text).await,
                Some(("csv", name)) => std::fs::write(self.home.path().join(name), text).unwrap(),
                _ => panic!("a block of {kind}"),
            }
        }
        assert!(commands >= 5, "only {commands} blocks of commands");
    }
}

#[tokio::test]
async fn a_client_meets_refusals() {
    Reader::new().follow(include_str!("../../../docs/tutorials/integrator.md")).await;
}

#[tokio::test]
async fn a_directory_of_ones_own() {
    Reader::new().follow(include_str!("../../../docs/tutorials/operator.md")).await;
}

#[tokio::test]
async fn a_spreadsheet_becomes_associations() {
    Reader::new().follow(include_str!("../../../docs/tutorials/property-staff.md")).await;
}
