//! What no compiler checks: which way imports run, how long files and functions get, what must not be left behind, and
//! that the documents name things that exist.
//!
//! Each rule is a function from text to complaints. It is run over the repository, and over a bad example, so
//! that a rule that no longer finds anything fails too.

mod crates;
mod documents;
mod rooms;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

/// The files of the repository that are wanted, sorted by path, with paths from the root.
fn files(wanted: impl Fn(&Path) -> bool) -> Vec<(PathBuf, String)> {
    const NOT_OURS: [&str; 6] =
        ["target", "corpus", "artifacts", "jackfield-data", "node_modules", "proptest-regressions"];
    let mut found = Vec::new();
    let mut directories = vec![root()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("the repository can be read") {
            let entry = entry.expect("the repository can be read");
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !name.starts_with('.') && !NOT_OURS.contains(&&*name) {
                    directories.push(path);
                }
            } else if let Ok(relative) = path.strip_prefix(root())
                && wanted(relative)
            {
                found.push((relative.to_owned(), read(&path)));
            }
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).expect("this crate stands two levels below the root").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn assert_none(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
