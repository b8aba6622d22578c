//! The data directory holds keys: one that others than its owner can read is refused, and nothing in it is made so.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use jackfield_tests::server::{Ended, clean_environment};
use jackfield_tests::{Options, Server, binary};
use tempfile::TempDir;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The path and mode of whatever gives group or others a right, the directory itself among it.
fn open_to_others(path: &Path) -> Vec<String> {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mode = metadata.permissions().mode() & 0o777;
    let mut open = Vec::new();
    if mode & 0o077 != 0 {
        open.push(format!("{} {mode:o}", path.display()));
    }
    if metadata.is_dir() {
        open.extend(fs::read_dir(path).unwrap().flat_map(|entry| open_to_others(&entry.unwrap().path())));
    }
    open
}

fn options(directory: &Path, flags: &[&str]) -> Options {
    let store = format!("embedded:{}", directory.display());
    Options { store: Some(store), ..Options::with_flags(flags) }
}

fn refused(directory: &Path) -> Ended {
    match Server::try_start(options(directory, &[])) {
        Ok(_) => panic!("{} is taken, {:?}", directory.display(), open_to_others(directory)),
        Err(ended) => ended,
    }
}

/// Refused with one line; the command that stands in it.
fn advised(directory: &Path) -> String {
    let ended = refused(directory);
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    let mut lines = ended.stderr.lines().filter(|line| line.starts_with("error:"));
    let line = lines.next().unwrap();
    assert_eq!(lines.next(), None);
    assert!(line.contains("--allow-readable-data"), "{line}");
    let command = line.split("owner: ").nth(1).unwrap().split(", or").next().unwrap();
    command.to_owned()
}

#[test]
fn a_directory_that_others_can_read_is_refused_until_the_command_in_the_refusal_was_run() {
    let home = TempDir::with_prefix("jackfield-").unwrap();
    for (mode, name) in [(0o755, "a"), (0o750, "b"), (0o720, "c"), (0o702, "d"), (0o711, "it's e")] {
        let directory = home.path().join(name);
        fs::create_dir(&directory).unwrap();
        set_mode(&directory, mode);
        let command = advised(&directory);
        assert!(!directory.join("engine").exists(), "nothing is written where others could read it");
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success(), "{command}");
        let mut server = Server::start(options(&directory, &[]));
        assert_eq!(open_to_others(&directory), [""; 0]);
        server.terminate();
        assert_eq!(open_to_others(&directory), [""; 0]);
        // Opened up later, also by way of a link.
        set_mode(&directory, mode);
        let link = home.path().join(format!("link to {name}"));
        std::os::unix::fs::symlink(&directory, &link).unwrap();
        assert!(advised(&link).starts_with("chmod -R go= "));
    }
}

#[test]
fn files_that_an_earlier_version_left_to_the_umask_are_closed() {
    let home = TempDir::with_prefix("jackfield-").unwrap();
    let directory = home.path().join("store");
    let mut server = Server::start(options(&directory, &[]));
    server.terminate();
    let admin_token = directory.join("admin-token");
    fs::write(&admin_token, "a-token-that-was-kept-before").unwrap();
    fn open_up(path: &Path) {
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| open_up(&entry.unwrap().path()));
        }
        set_mode(path, if path.is_dir() { 0o755 } else { 0o644 });
    }
    open_up(&directory);
    set_mode(&directory, 0o700);
    server.restart();
    assert_eq!(open_to_others(&directory), [""; 0]);
}

#[test]
fn a_file_system_without_modes_can_be_used_on_demand() {
    let home = TempDir::with_prefix("jackfield-").unwrap();
    set_mode(home.path(), 0o755);
    drop(Server::start(options(home.path(), &["--allow-readable-data"])));
    let environment = vec![("JACKFIELD_ALLOW_READABLE_DATA".to_owned(), "true".to_owned())];
    drop(Server::start(Options { environment, ..options(home.path(), &[]) }));
    assert_eq!(fs::metadata(home.path()).unwrap().permissions().mode() & 0o777, 0o755, "it stays as it is");
    refused(home.path());
}

#[test]
fn commands_on_a_store_refuse_the_same() {
    let home = TempDir::with_prefix("jackfield-").unwrap();
    let (directory, file) = (home.path().join("store"), home.path().join("house.jsonl.zst"));
    Server::start(options(&directory, &[])).terminate();
    set_mode(&directory, 0o755);
    let url = format!("embedded:{}", directory.display());
    let export = |more: &[&str]| {
        let mut command = Command::new(binary::path());
        clean_environment(&mut command);
        command.args(["store", "export", "--store", &url]).args(more).arg(&file);
        command.output().unwrap()
    };
    let output = export(&[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("chmod -R go= "), "{said}");
    assert!(export(&["--allow-readable-data"]).status.success());
    assert_eq!(open_to_others(&file), [""; 0], "an export holds keys");
}

#[test]
fn files_of_the_operator_that_hold_secrets_are_warned_of() {
    let home = TempDir::with_prefix("jackfield-").unwrap();
    let seed = home.path().join("seed.toml");
    fs::write(&seed, "").unwrap();
    for (mode, warned) in [(0o644, true), (0o640, false), (0o600, false)] {
        set_mode(&seed, mode);
        let store = Some("memory:".to_owned());
        let server = Server::start(Options { store, seed: Some(seed.clone()), ..Options::default() });
        assert_eq!(server.log().contains("everybody can read a file that holds secrets"), warned, "{mode:o}");
    }
}
