//! Clients and tools in other languages: where what they stand on is installed. `script/test` does that before; a
//! test that runs alone does it itself, once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The directory of the client suites in a language.
#[must_use]
pub fn suite(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(language)
}

/// Makes sure that the Node packages of a directory are there.
///
/// # Panics
/// When they cannot be installed.
pub fn node(directory: &Path) {
    script("node-packages", directory);
}

/// Makes sure that the Python packages of a directory are there; answers the Python that has them.
///
/// # Panics
/// When they cannot be installed.
#[must_use]
pub fn python(directory: &Path) -> PathBuf {
    PathBuf::from(script("python-packages", directory).trim())
}

fn script(name: &str, directory: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate stands in the repository");
    let script = root.join("script").join(name);
    let output =
        Command::new(script).arg(directory).stdin(Stdio::null()).output().expect("a script can be run");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "script/{name} {}:\n{error}", directory.display());
    String::from_utf8(output.stdout).expect("a path is text")
}
