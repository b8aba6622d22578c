//! From a store URL to an open store: the only file that names the adapters.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use crate::contract::Store;
use crate::embedded::EmbeddedStore;
use crate::error::OpenError;
use crate::memory::MemoryStore;
use crate::options::StoreOptions;
use crate::postgres::{PostgresStore, PostgresUrl};

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
