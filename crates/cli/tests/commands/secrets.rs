//! No command repeats a secret, whatever is wrong with it and wherever it was set.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::{Command, Output, Stdio};

use crate::{Home, PROVIDER};

/// Each option that takes a secret, with its variable (or `-`) and a command: written by a test of the commands.
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/command/snapshots/secrets.snap");

/// Secrets of which no part may be shown: each holds `hush`.
fn bad() -> Vec<OsString> {
    let texts = ["hush hush-hush", "hush\nhush-hush", "h\u{fc}sh-hush-hush"];
    let mut bad: Vec<OsString> = texts.into_iter().map(OsString::from).collect();
    bad.push(OsString::from_vec(b"hush-hush\xff".to_vec()));
    bad
}

fn check(home: &Home, option: &str, words: &[&str], set: impl Fn(&mut Command)) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jackfield"));
    command
        .env_clear()
        .env("HOME", home.0.path())
        .current_dir(home.0.path())
        .stdin(Stdio::null())
        .args(words);
    for (name, value) in [
        ("JACKFIELD_CLIENT_ID", "amzn1.application-oa2-client.c1"),
        ("JACKFIELD_CLIENT_SECRET", "a-good-secret"),
        ("JACKFIELD_ADMIN_TOKEN", "a-good-admin-token"),
        ("JACKFIELD_PROVIDER", PROVIDER),
    ] {
        command.env(name, value);
    }
    set(&mut command);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(!out.contains("hush") && !err.contains("hush"), "{words:?} --{option}: {out}{err}");
    assert_eq!(status.code(), Some(2), "{words:?} --{option}: {err}");
    assert!(
        err.starts_with("error: ") && err.contains(&format!("--{option}")),
        "{words:?} --{option}: {err}"
    );
}

#[test]
fn no_option_and_no_variable_is_repeated() {
    let home = Home::new();
    let list = std::fs::read_to_string(LIST).unwrap();
    let list = list.rsplit("---\n").next().unwrap();
    let lines: Vec<&str> = list.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() > 80);
    for (index, line) in lines.iter().enumerate() {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let (option, variable) = (words.next().unwrap(), words.next().unwrap());
        let words: Vec<&str> = words.collect();
        // Every command meets one bad value each way; every value is met by many commands.
        let bad = bad().swap_remove(index % 4);
        check(&home, option, &words, |command| {
            command.arg(format!("--{option}")).arg(&bad);
        });
        if variable != "-" {
            check(&home, option, &words, |command| {
                command.env(variable, &bad);
            });
        }
    }
}

#[test]
fn servers_repeat_no_secret_of_a_file() {
    let home = Home::new();
    let file = home.0.path().join("settings.toml");
    for option in ["admin-token", "store", "token-issuer-client-secret"] {
        for value in ["\"hush hush\"", "[\"hush\"]", "{ hush = 1 }", "hush", "\"hush\\nhush-hush\"", "\"hush"]
        {
            std::fs::write(&file, format!("{option} = {value}\n")).unwrap();
            for server in ["serve", "dev"] {
                let run = Command::new(env!("CARGO_BIN_EXE_jackfield"))
                    .env_clear()
                    .args([server, "--config"])
                    .arg(&file)
                    .current_dir(home.0.path())
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&run.stderr);
                assert_eq!(run.status.code(), Some(2), "{option} = {value}: {said}");
                assert!(!said.contains("hush") && said.lines().count() == 1, "{option} = {value}: {said}");
            }
        }
    }
}

#[test]
fn short_and_long_admin_tokens_are_not_repeated() {
    let home = Home::new();
    for bad in ["hush".to_owned(), "hush".repeat(600), " hush ".to_owned()] {
        check(&home, "admin-token", &["serve"], |command| {
            command.arg("--admin-token").arg(&bad);
        });
        check(&home, "admin-token", &["serve"], |command| {
            command.env("JACKFIELD_ADMIN_TOKEN", &bad);
        });
    }
}
