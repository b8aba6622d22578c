//! Where the binary under test is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Names the binary to test, for example a release build.
pub const VARIABLE: &str = "JACKFIELD_BIN";

/// The binary under test: what [`VARIABLE`] names, else the one beside the running test in the target directory,
/// which is built when it is not there.
///
/// # Panics
/// When there is none and none can be built.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os(VARIABLE) {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(path.is_file(), "{VARIABLE} names {}, which is no file", path.display());
            path
        }
        None => beside_the_test(),
    })
}

fn beside_the_test() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let mut profile_dir = test.parent().expect("a test is in a directory");
    if profile_dir.file_name().is_some_and(|name| name == "deps") {
        profile_dir = profile_dir.parent().expect("deps is in a profile directory");
    }
    let path = profile_dir.join(format!("jackfield{}", std::env::consts::EXE_SUFFIX));
    if !path.is_file() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "-p", "jackfield"]).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile_dir.file_name().is_some_and(|name| name == "release") {
            build.arg("--release");
        }
        let status = build.status().expect("cargo can be run");
        assert!(status.success(), "the binary under test could not be built");
    }
    assert!(path.is_file(), "there is no binary at {}; name one with {VARIABLE}", path.display());
    path
}
