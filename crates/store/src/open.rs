//! From a store URL to an open store: the only file that names the adapters.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use crate::embedded::{EmbeddedStore, privacy};
use crate::moving::Source;
use crate::postgres::{PostgresStore, PostgresUrl};
use crate::{CommitReport, MemoryStore, Store};

/// Where state lives, as `--store` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// `memory:`: nothing survives the process.
    Memory,
    /// `embedded:DIR`: files in a directory that one process has to itself.
    Embedded(PathBuf),
    /// `postgres://…`: a database that any number of nodes share.
    Postgres(Box<PostgresUrl>),
}

/// A text that is no store URL.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidStoreUrl {
    /// It does not begin like one.
    #[error("a store is memory:, embedded:DIR or postgres://USER@HOST/DATABASE")]
    Kind,
    /// The rest of the URL of a PostgreSQL database is wrong.
    #[error("the URL of the database is wrong: {0}")]
    Postgres(String),
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
        dir = .0.display(), quoted = privacy::quoted(.0)
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

/// What is told to a store when it is opened.
#[derive(Clone, Default)]
pub struct StoreOptions {
    /// Called after each commit of a group of writes, on the thread that commits.
    pub on_commit: Option<Arc<dyn Fn(CommitReport) + Send + Sync>>,
    /// Opens also a store whose load was interrupted. All it takes is [`Store::load`] then.
    pub unfinished: bool,
    /// Opens also a directory that others than its owner can read, for file systems without modes.
    pub allow_readable: bool,
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

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions")
            .field("on_commit", &self.on_commit.is_some())
            .field("unfinished", &self.unfinished)
            .field("allow_readable", &self.allow_readable)
            .finish()
    }
}

impl StoreUrl {
    /// Opens the store, making it when it is not there.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub async fn open(&self, options: StoreOptions) -> Result<Arc<dyn Store>, OpenError> {
        Ok(match self {
            Self::Memory => Arc::new(MemoryStore::default()),
            Self::Embedded(dir) => Arc::new(EmbeddedStore::open(dir, options).await?),
            Self::Postgres(url) => Arc::new(PostgresStore::open(url, options).await?),
        })
    }

    /// Opens a store that is there.
    ///
    /// # Errors
    /// [`OpenError`], whose text says what to do.
    pub async fn open_existing(&self, options: StoreOptions) -> Result<Arc<dyn Store>, OpenError> {
        match self {
            Self::Embedded(dir) if !EmbeddedStore::is_in(dir) => Err(OpenError::NoStore(dir.clone())),
            _ => self.open(options).await,
        }
    }

    /// The kind of store: `memory`, `embedded` or `postgres`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Embedded(_) => "embedded",
            Self::Postgres(_) => "postgres",
        }
    }

    /// The directory on this machine that the store keeps its files in, where it has one.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Memory | Self::Postgres(_) => None,
            Self::Embedded(dir) => Some(dir),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = InvalidStoreUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("embedded", dir)) if !dir.is_empty() => Ok(Self::Embedded(dir.into())),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => PostgresUrl::parse(text)
                .map(|url| Self::Postgres(Box::new(url)))
                .map_err(InvalidStoreUrl::Postgres),
            _ => Err(InvalidStoreUrl::Kind),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Embedded(dir) => write!(f, "embedded:{}", dir.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}
