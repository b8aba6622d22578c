//! Where the content of a store comes from that is filled with that of another.

use std::fmt;

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::key::RootKey;

/// Where the content of a load comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Another store, named by a fingerprint of its key.
    Copy(String),
    /// An export, named by its id.
    Import(String),
}

impl Source {
    /// A store with this key.
    #[must_use]
    pub fn store(root_key: &RootKey) -> Self {
        let mut context = Context::new(&SHA256);
        for text in [&b"jackfield directory"[..], root_key.as_bytes()] {
            context.update(text);
            context.update(b"\0");
        }
        let hash: String = context.finish().as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self::Copy(hash)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Copy(id) => write!(f, "a copy of the store with fingerprint {id}"),
            Self::Import(id) => write!(f, "the export {id}"),
        }
    }
}
