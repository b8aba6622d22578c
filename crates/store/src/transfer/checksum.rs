//! Checksums of what moves: SHA-256 over the rows of a section, the same on every store.

use std::fmt;

use ring::digest;
use serde::Serialize;

use crate::change::Change;
use crate::contract::Row;
use crate::key::Hex32;
use crate::registry::Profile;
use crate::resource::RowKey;

/// A checksum that is being made. What is fed are texts, each with its end.
#[derive(Clone)]
pub struct Checksum {
    context: digest::Context,
    rows: u64,
}

/// How many rows there were, and their checksum.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// How many.
    pub rows: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
}

impl Default for Checksum {
    fn default() -> Self {
        Self { context: digest::Context::new(&digest::SHA256), rows: 0 }
    }
}

impl Checksum {
    /// Adds an association: `externalUserId`, 0, `amazonId`, 0, `1` when it is counted or else `0`, line feed. No id
    /// holds a zero byte, so that no two lists of rows are fed alike.
    pub fn association(&mut self, row: &Row) {
        self.text(row.external_user_id.as_str().as_bytes());
        self.text(row.amazon_id.as_str().as_bytes());
        self.context.update(if row.counted { b"1\n" } else { b"0\n" });
        self.rows += 1;
    }

    /// Adds a profile, as its JSON text.
    pub fn profile(&mut self, profile: &Profile) {
        self.json(profile);
    }

    /// Adds a resource as its row: organization, table, scope, id and text, each with its end.
    pub fn resource(&mut self, key: &RowKey, text: &str) {
        let table = key.list.table.number().to_string();
        for part in [&key.list.organization, &table, &key.list.scope, &key.id, text] {
            self.text(part.as_bytes());
        }
        self.rows += 1;
    }

    /// Adds a change, as its JSON text.
    pub fn change(&mut self, change: &Change) {
        self.json(change);
    }

    /// Adds bytes as they are.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    pub(super) fn text(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.context.update(b"\0");
    }

    /// What was added so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let hash = self.context.clone().finish();
        Digest { rows: self.rows, sha256: hash.as_ref().try_into().expect("SHA-256 has 32 bytes") }
    }

    fn json<T: Serialize>(&mut self, row: &T) {
        let text = serde_json::to_vec(row).expect("rows have text keys and no failing values");
        self.text(&text);
        self.rows += 1;
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checksum").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex32(self.sha256).fmt(f)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({} rows, {self})", self.rows)
    }
}
