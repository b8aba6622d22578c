//! Every command of the README as it stands, at the ports that it says, in a copy of the sources.
//!
//! The page is read for them, so a new one is run too: a program that goes on in a terminal of its own, `make` for a
//! target that it has to have, anything else in a shell beside `jackfield dev`. What stands around a command is made here: the
//! packages, a network in which nobody else has the ports, `sudo` for who is root already, and `cargo run` without a
//! compilation. `make dist-test` names packages in [`PACKAGES`]; with them, cargo is the real one.

mod page;

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use jackfield_tests::namespace::OwnNetwork;
use jackfield_tests::terminal::Terminal;
use jackfield_tests::{binary, packages};
use tempfile::TempDir;

use self::page::Page;
use crate::terminal::Shell;

/// Names the directory of the packages to take. Without it, the binary under test is packed.
const PACKAGES: &str = "JACKFIELD_TEST_DIST";
/// Longest that a server takes to be ready, where it is installed before.
const INSTALLED: Duration = Duration::from_secs(180);
/// The same where it is compiled.
const COMPILED: Duration = Duration::from_secs(3600);
const NAMES: [&str; 2] = ["api.amazon.com", "api.amazonalexa.com"];
/// What the server answers to the requests of the first session.
const FIRST_SESSION: [&str; 5] = ["201 Created", "200 OK", "401 Unauthorized", "200 OK", "200 OK"];

/// As `sudo` does, without the variables of whoever asks.
const SUDO: &str = "#!/bin/sh\nexec env -i PATH=\"$PATH\" HOME=\"$HOME\" \"$@\"\n";
/// `cargo run` of the Makefile, where it finds nothing to compile.
const CARGO: &str = r#"#!/bin/sh
if [ "$1 $2 $3 $4 $5" != "run --locked --package jackfield --" ]; then
    echo "cargo $*: this is not what make dev says" >&2
    exit 1
fi
shift 5
mkdir -p target/debug
ln -sf BINARY target/debug/jackfield
exec target/debug/jackfield "$@"
"#;

/// A reader's machine: a home, the sources in it, and a network with nothing else.
struct Machine {
    network: OwnNetwork,
    home: TempDir,
    environment: Vec<(&'static str, String)>,
    patience: Duration,
}

impl Machine {
    /// Makes one, where this system lets it.
    fn new() -> Option<Self> {
        let network = OwnNetwork::new(&NAMES)?;
        let home = TempDir::with_prefix("jackfield-readme-").unwrap();
        let mut machine = Self { network, home, environment: Vec::new(), patience: INSTALLED };
        let bin = machine.home.path().join("bin");
        let sources = machine.sources();
        std::fs::create_dir_all(sources.join("target")).unwrap();
        std::fs::create_dir(&bin).unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        machine.environment =
            vec![("PATH", path), ("HOME", machine.home.path().to_str().unwrap().to_owned())];
        copy_sources(&sources);
        machine.provide_pipx();
        script(&bin.join("sudo"), SUDO);
        // Who types `jackfield` alone has what `make dev` built.
        symlink(sources.join("target/debug/jackfield"), bin.join("jackfield")).unwrap();
        if let Some(packages) = std::env::var_os(PACKAGES) {
            symlink(packages, sources.join("target/dist")).unwrap();
            machine.provide_cargo();
        } else {
            pack(&sources.join("target"));
            script(&bin.join("cargo"), &CARGO.replace("BINARY", &format!("'{}'", binary::path().display())));
        }
        Some(machine)
    }

    fn sources(&self) -> PathBuf {
        self.home.path().join("jackfield")
    }

    /// pipx, and the pip that it would fetch at its first use: there is no way out of this network.
    fn provide_pipx(&self) {
        let python = packages::python(&Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/python"));
        let pipx = python.with_file_name("pipx");
        let mut fetch = Command::new(&pipx);
        succeeds(fetch.arg("upgrade-shared").env("PIPX_HOME", self.home.path().join(".local/share/pipx")));
        symlink(pipx, self.home.path().join("bin/pipx")).unwrap();
    }

    /// The compiler and the crates of whoever runs this, and what was compiled the last time.
    fn provide_cargo(&mut self) {
        let home = PathBuf::from(std::env::var_os("HOME").unwrap());
        for (name, usual) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            let place = std::env::var_os(name).map_or_else(|| home.join(usual), PathBuf::from);
            self.environment.push((name, place.to_str().unwrap().to_owned()));
        }
        self.environment.push(("CARGO_NET_OFFLINE", "true".to_owned()));
        let compiled = root().join("target/readme");
        std::fs::create_dir_all(&compiled).unwrap();
        symlink(compiled, self.sources().join("target/debug")).unwrap();
        self.patience = COMPILED;
    }

    /// A command in the copy of the sources, with an environment that has nothing of this process.
    fn command(&self, words: &[&str]) -> Command {
        let wrapper = self.network.wrapper();
        let mut command = Command::new(&wrapper[0]);
        // A process that enters the network is in no directory that it could rely on.
        command.args(&wrapper[1..]).arg("env").arg("--chdir").arg(self.sources()).args(words).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// What a command that ends prints.
    fn run(&self, line: &str) -> String {
        succeeds(self.command(&["sh", "-c", line]).stdin(Stdio::null()))
    }

    /// Starts a program that goes on, and checks that it serves where the command says and that what it prints works.
    fn serve(&self, line: &str) -> Terminal {
        let mut terminal =
            Terminal::start(self.command(&["setsid", "--ctty", "--wait", "sh", "-c", line]), 400);
        let scheme = if line.contains("--tls") { "https" } else { "http" };
        let address = line.split_once("--listen ").map_or("127.0.0.1:8080", |(_, rest)| {
            rest.split_whitespace().next().expect("a flag has a value")
        });
        terminal.await_text_within("ready public=", self.patience);
        let shown = unwrapped(&terminal);
        for said in [&format!("ready public={scheme}://{address} "), "client secret", "/console/"] {
            assert!(shown.contains(said), "{line}: no {said:?} in\n{shown}");
        }
        let mut lines = shown.lines().map(str::trim);
        let query = lines.find(|line| line.starts_with("curl ") && line.contains("externalUsers/query"));
        let answer = self.run(&format!("{} --silent --show-error", query.expect("a curl command to query")));
        let status = answer.split_whitespace().nth(1);
        assert_eq!(status, Some("200"), "{line}: {query:?}:\n{answer}");
        terminal
    }

    /// Gives a shell beside `jackfield dev` what the page says to type there.
    async fn talk(&self, page: &Page) {
        let mut shell = Shell::start(self.command(&["sh"]));
        shell.give("exec 2>&1");
        let mut statuses = Vec::new();
        for script in &page.scripts {
            shell.settle().await;
            shell.give(script);
            let printed = shell.printed().await;
            statuses
                .extend(printed.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ").map(str::to_owned)));
        }
        assert_eq!(statuses, FIRST_SESSION);
        for (command, expected) in &page.transcripts {
            shell.give(command);
            let printed = shell.printed().await;
            assert_eq!(printed.trim_end(), expected.trim_end(), "{command}");
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{out}{err}");
    out
}

fn script(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Copies the sources as they are, without what was made of them.
fn copy_sources(to: &Path) {
    let made = ["target", "node_modules", "./jackfield-*", "./fuzz/corpus", "./fuzz/artifacts"];
    let excludes = made.map(|name| format!("--exclude={name}"));
    let mut read = Command::new("tar");
    read.args(["--create", "--exclude-vcs"]).args(excludes).arg(".").current_dir(root());
    let mut read = read.stdout(Stdio::piped()).spawn().unwrap();
    let mut write = Command::new("tar");
    write.arg("--extract").current_dir(to).stdin(read.stdout.take().unwrap());
    succeeds(&mut write);
    assert!(read.wait().unwrap().success());
}

/// Packs the binary under test into the target directory of the copy. The symbols of a debug build are most of it.
fn pack(target: &Path) {
    let stripped = target.join("stripped");
    succeeds(Command::new("strip").arg("-o").arg(&stripped).arg(binary::path()));
    let mut dist = Command::new(root().join("script/dist"));
    succeeds(dist.arg("--from").arg(stripped).arg("--out").arg(target.join("dist")).arg("--fast"));
}

/// What a terminal shows, with the lines that it broke as they were.
fn unwrapped(terminal: &Terminal) -> String {
    let end = |goes_on| if goes_on { "" } else { "\n" };
    terminal.lines().into_iter().map(|(line, goes_on)| line + end(goes_on)).collect()
}

#[tokio::test]
async fn each_command_works_as_it_stands() {
    let page = Page::read(&std::fs::read_to_string(root().join("README.md")).unwrap());
    let Some(machine) = Machine::new() else {
        eprintln!(
            "NOT TESTED: this system lets nobody make a network namespace, so the usual ports may be taken"
        );
        return;
    };
    let listed = machine.run("make");
    for target in &page.targets {
        assert!(listed.contains(&format!("\nmake {target} ")), "make {target} is not in:\n{listed}");
    }
    let mut talked = false;
    for line in &page.servers {
        let mut terminal = machine.serve(line);
        if line == "jackfield dev" {
            machine.talk(&page).await;
            talked = true;
        }
        // As Ctrl-C on a keyboard. All that holds the terminal ends.
        terminal.type_in("\u{3}");
        terminal.wait();
    }
    assert!(talked, "nothing on the page starts what the first session talks to: {:?}", page.servers);
}
