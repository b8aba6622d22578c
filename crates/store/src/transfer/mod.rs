//! Store transfer: everything that a store holds, read as of one moment and put into an empty store.
//!
//! [`Snapshot`](crate::Snapshot) and [`Load`] are what an adapter gives; the rest works on any two of them: `copy` from store to store,
//! `export` and `import` through the format of `docs/moving.md`. Memory does not grow with the store. A load that was
//! interrupted goes on where its last part ended: the place is part of the commit of the part.

mod check;
mod checksum;
mod copy;
mod export;
mod format;
mod import;
mod lines;
mod reader;

use std::collections::HashMap;

use jackfield_model::ServiceProviderId;
use thiserror::Error;

pub use check::Check;
pub use checksum::{Checksum, Digest};
pub use copy::copy;
pub use export::Export;
pub use format::{FORMAT_VERSION, FormatError};
pub use import::Import;

use crate::contract::{Load, LoadOutcome, Part, Section};
use crate::error::StoreError;
use crate::source::Source;

/// Rows that are stored in one commit of a load.
pub(crate) const PART_ROWS: usize = 30_000;

/// What was moved so far, or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Records of the registry.
    pub accounts: u64,
    /// Profiles.
    pub profiles: u64,
    /// Resources: units, address books, contacts and what ties them together.
    pub resources: u64,
    /// Associations.
    pub associations: u64,
    /// Changes.
    pub changes: u64,
    /// Rows that an earlier, interrupted run had stored already.
    pub skipped: u64,
    /// Sections that differed from their source and were moved again.
    pub repaired: u64,
    /// How many rows there are in all, as far as that is known.
    pub expected: u64,
}

/// Why a move did not come to its end. The text is for the operator.
#[derive(Debug, Error)]
pub enum MoveError {
    /// A store could not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The export is damaged, or not one that this version reads.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The store to be filled has been written to.
    #[error("the store to be filled has been written to; only a new one can be filled")]
    NotEmpty,
    /// The store to be filled holds a part of something else.
    #[error("the store to be filled holds a part of {0}; go on with that, or take a new store")]
    Another(Source),
    /// What was written is not what was read, also after it was written again.
    #[error("{0} differs from its source after it was moved twice")]
    Differs(Section),
    /// The count that a store maintains is not what it holds.
    #[error("the store counts {counted} associations of {provider} and holds {held}")]
    Miscounted {
        /// Whose.
        provider: ServiceProviderId,
        /// As maintained.
        counted: u64,
        /// As read.
        held: u64,
    },
}

impl LoadOutcome {
    /// The load, or why there is none.
    ///
    /// # Errors
    /// [`MoveError::NotEmpty`] or [`MoveError::Another`].
    pub fn ready(self) -> Result<Box<dyn Load>, MoveError> {
        match self {
            Self::Ready(load) => Ok(load),
            Self::NotEmpty => Err(MoveError::NotEmpty),
            Self::Another(source) => Err(MoveError::Another(source)),
        }
    }
}

impl Moved {
    fn count(&mut self, part: &Part) {
        let rows = part.len() as u64;
        match part {
            Part::Profiles(_) => self.profiles += rows,
            Part::Resources(_) => self.resources += rows,
            Part::Associations(_) => self.associations += rows,
            Part::Changes(_) => self.changes += rows,
        }
    }

    /// Rows of every kind, those of an earlier run among them.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.profiles + self.resources + self.associations + self.changes + self.skipped
    }
}

/// Checksums of sections.
type Digests = HashMap<Section, Digest>;
