//! The systemd unit and the Dockerfile, held to what the tools for them say. No container is built here.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jackfield_tests::{binary, packages};

/// Most that `systemd-analyze security` may find exposed, of 100.
const EXPOSURE: &str = "20";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"))
}

fn passes(command: &mut Command) {
    let output = run(command);
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{command:?}:\n{out}{err}");
}

/// The unit as it would be installed, with the path of the binary under test.
fn unit(home: &Path, change: impl Fn(String) -> String) -> PathBuf {
    let text = std::fs::read_to_string(root().join("packaging/jackfield.service")).unwrap();
    let text = text.replace("/usr/bin/jackfield", binary::path().to_str().unwrap());
    let path = home.join("jackfield.service");
    std::fs::write(&path, change(text)).unwrap();
    path
}

#[test]
fn the_unit_is_good_and_leaves_little_exposed() {
    let home = tempfile::tempdir().unwrap();
    let verify = |unit| {
        let mut command = Command::new("systemd-analyze");
        command.args(["--man=no", "verify"]).arg(unit);
        command
    };
    let security = |unit| {
        let mut command = Command::new("systemd-analyze");
        let bound = format!("--threshold={EXPOSURE}");
        command.args(["--offline=true", "--no-pager", &bound, "security"]).arg(unit);
        command
    };
    let good = unit(home.path(), |text| text);
    passes(&mut verify(&good));
    passes(&mut security(&good));
    // Both notice what is wrong.
    let unknown = unit(home.path(), |text| text.replace("WatchdogSec=", "WatchdogSecs="));
    assert!(!run(&mut verify(&unknown)).stderr.is_empty());
    let open =
        unit(home.path(), |text| text.replace("ProtectSystem=strict", "").replace("SystemCallFilter=", "#"));
    assert!(!run(&mut security(&open)).status.success());
}

#[test]
fn the_dockerfile_is_clean() {
    let python = packages::python(&Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging"));
    let hadolint = || Command::new(python.with_file_name("hadolint"));
    passes(hadolint().arg(root().join("Dockerfile")));
    let home = tempfile::tempdir().unwrap();
    let bad = home.path().join("Dockerfile");
    std::fs::write(&bad, "FROM debian\nRUN apt-get install curl\n").unwrap();
    assert!(!run(hadolint().arg(bad)).status.success());
    // Rootless, by a number that an orchestrator can check, and nothing but what was put in.
    let text = std::fs::read_to_string(root().join("Dockerfile")).unwrap();
    let last = text.rsplit("\nFROM ").next().unwrap();
    assert!(last.starts_with("scratch\n") && last.contains("\nUSER 65532:65532\n"), "{last}");
}
