//! The files of imports: a directory for each, with the list, the state, the plan and the rejected rows.
//!
//! For an embedded store they are beside it, in `imports` of the data directory, and outlive the process. Otherwise they
//! are in a directory of their own for as long as the process lives. Only the owner can look into it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jackfield_model::admin::ImportJob;
use uuid::Uuid;

/// The list as it was uploaded.
pub(super) const LIST: &str = "list";
/// The rows that are not valid.
pub(super) const REJECTS: &str = "rejects";
const STATE: &str = "state.json";

/// Where the files of imports are.
#[derive(Debug)]
pub(super) struct Files {
    directory: PathBuf,
    /// Whether they outlive the process.
    kept: bool,
}

impl Files {
    /// Beside a store in this directory.
    pub(super) fn beside(store: Option<&Path>) -> Self {
        match store {
            Some(store) => Self { directory: store.join("imports"), kept: true },
            None => {
                let directory = std::env::temp_dir().join(format!("jackfield-imports-{}", Uuid::new_v4()));
                Self { directory, kept: false }
            }
        }
    }

    pub(super) fn of(&self, id: &str) -> PathBuf {
        self.directory.join(id)
    }

    /// Makes the directory of an import, and the file of its list.
    pub(super) fn create(&self, id: &str) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.of(id))?;
        private(&self.of(id).join(LIST))
    }

    /// Writes the state of an import, so that a crash leaves it whole.
    pub(super) fn save(&self, import: &ImportJob) -> io::Result<()> {
        let directory = self.of(&import.id);
        let temporary = directory.join("state.tmp");
        let mut file = private(&temporary)?;
        file.write_all(&serde_json::to_vec(import)?)?;
        file.sync_all()?;
        fs::rename(&temporary, directory.join(STATE))?;
        File::open(&directory)?.sync_all()
    }

    pub(super) fn remove(&self, id: &str) -> io::Result<()> {
        fs::remove_dir_all(self.of(id))
    }

    /// The imports that an earlier process left, oldest first. What is no import any more is removed.
    pub(super) fn load(&self) -> Vec<ImportJob> {
        let Ok(entries) = fs::read_dir(&self.directory) else { return Vec::new() };
        let mut imports = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if Uuid::parse_str(&name).is_err() {
                continue;
            }
            let text = fs::read(entry.path().join(STATE)).ok();
            match text.and_then(|text| serde_json::from_slice::<ImportJob>(&text).ok()) {
                Some(import) if import.id == name => imports.push(import),
                _ => {
                    tracing::warn!(import = name, "an upload that did not come to its end is removed");
                    let _ = self.remove(&name);
                }
            }
        }
        imports.sort_by(|one, other| one.created.cmp(&other.created));
        imports
    }

    /// Removes what does not outlive the process.
    pub(super) fn close(&self) {
        if !self.kept {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// An empty file that only its owner can read.
fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)
}
