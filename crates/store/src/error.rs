//! Why a store cannot be opened, and why it cannot do what is asked of it.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::source::Source;

/// Why a store could not do what was asked. Nothing was changed, except where [`StoreError::InDoubt`] says so.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// It cannot be reached, read or written now: trying again later may help.
    #[error("the store is not available: {cause}")]
    Unavailable {
        /// What is in the way, for the log; never for a client.
        cause: String,
    },
    /// Nobody knows whether the change was made: the answer was lost, and could not be settled in time.
    #[error("it is not known whether the change was made: {cause}")]
    InDoubt {
        /// What happened, for the log; never for a client.
        cause: String,
    },
    /// What it holds cannot be understood: an operator has to look.
    #[error("the store holds something unexpected: {cause}")]
    Corrupt {
        /// What was found, for the log; never for a client.
        cause: String,
    },
}

/// Why a store could not be opened. The text is for the operator.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has the directory.
    #[error("{dir} is in use by another process; a store directory belongs to one server at a time", dir = .0.display())]
    InUse(PathBuf),
    /// The format is not one that this version reads.
    #[error("{dir} holds store format {found}; this version reads formats up to {expected}", dir = .dir.display())]
    Format {
        /// The directory.
        dir: PathBuf,
        /// The format that stands there.
        found: String,
        /// The newest format that this version reads, and the one that it writes.
        expected: u32,
    },
    /// The directory holds something else.
    #[error("{dir} is not empty and holds no store", dir = .0.display())]
    NotAStore(PathBuf),
    /// Others than its owner can read the directory.
    #[error(
        "{dir} holds keys and is open to others than its owner: chmod -R go= {quoted}, or --allow-readable-data where a \
         file system has no modes",
        dir = .0.display(), quoted = quoted(.0)
    )]
    Readable(PathBuf),
    /// The directory is not there, or empty.
    #[error("{dir} holds no store", dir = .0.display())]
    NoStore(PathBuf),
    /// A load of the store was interrupted.
    #[error("{store} holds a part of {source_name}; {advice}")]
    Unfinished {
        /// The store, as the operator names it.
        store: String,
        /// What was to be in it.
        source_name: Source,
        /// The command that goes on.
        advice: String,
    },
    /// The store cannot be reached or used now: trying again later may help.
    #[error("{store} is not available: {cause}")]
    Unavailable {
        /// The URL, without secrets.
        store: String,
        /// What is in the way.
        cause: String,
    },
    /// The store cannot be used until somebody changes something.
    #[error("{store} cannot be used: {cause}")]
    Refused {
        /// The URL, without secrets.
        store: String,
        /// What is wrong.
        cause: String,
    },
    /// The schema of the database is one that this version cannot work with.
    #[error(
        "{store} has schema version {found}, which asks for a newer release; this one knows version {known}"
    )]
    Schema {
        /// The URL, without secrets.
        store: String,
        /// The version that is there.
        found: i32,
        /// The version that this release brings.
        known: i32,
    },
    /// The files are not as they were written.
    #[error("{dir} is damaged: {cause}; restore a backup, or a copy of the directory", dir = .dir.display())]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// What is wrong, and where.
        cause: String,
    },
    /// Files cannot be read or written.
    #[error("{dir} cannot be opened as a store: {cause}", dir = .dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// What is in the way.
        cause: String,
    },
}

impl OpenError {
    /// What `store` holds a part of, and how to go on.
    #[must_use]
    pub fn unfinished(store: String, source_name: Source) -> Self {
        let advice = match &source_name {
            Source::Copy(_) => format!("go on with jackfield store copy --from URL --to {store}"),
            Source::Import(_) => format!("go on with jackfield store import --store {store} FILE"),
        };
        Self::Unfinished { store, source_name, advice }
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,=".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted(Path::new("/var/lib/a-b_1.c")), "/var/lib/a-b_1.c");
        assert_eq!(quoted(Path::new("it's here")), r"'it'\''s here'");
    }
}
