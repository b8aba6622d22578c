//! What a verification finds, and what it has seen of a store.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use jackfield_model::OrganizationId;
use jackfield_model::inspect::Finding;
use jackfield_model::limit::VERIFY_FINDINGS_MAX;

use crate::error::StoreError;

/// What is wrong, told as it is found. At most [`VERIFY_FINDINGS_MAX`] are told, more are counted.
pub struct Findings<'a> {
    tell: &'a mut (dyn FnMut(Finding) + Send),
    count: u64,
}

impl std::fmt::Debug for Findings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Findings").field("count", &self.count).finish_non_exhaustive()
    }
}

impl<'a> Findings<'a> {
    /// None so far; `tell` hears of each.
    pub fn new(tell: &'a mut (dyn FnMut(Finding) + Send)) -> Self {
        Self { tell, count: 0 }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Something is wrong.
    pub fn add(&mut self, place: impl Into<String>, problem: impl Into<String>) {
        self.count += 1;
        if self.count <= VERIFY_FINDINGS_MAX {
            (self.tell)(Finding { place: place.into(), problem: problem.into() });
        }
    }

    /// What was read; nothing when it cannot be understood, which is a finding.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read at all.
    pub fn readable<T>(
        &mut self,
        place: impl Into<String>,
        read: Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(StoreError::Corrupt { cause }) => {
                self.add(place, cause);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Stands for a set of rows, whatever their order: their number and the sum of their keyed hashes. It takes the place of
/// the rows in memory, of which there may be millions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows.
    pub count: u64,
    hashes: u64,
}

/// What was seen of a moment, for an adapter to compare its own books with.
#[derive(Debug, Default)]
pub struct Seen {
    random: RandomState,
    /// Profile ids of each organization.
    pub profiles: HashMap<OrganizationId, Sum>,
    /// Profile ids of each organization that its associations are counted at, each as often as it is.
    pub uses: HashMap<OrganizationId, Sum>,
    /// Units with their profile ids.
    pub units: Sum,
    /// Some profiles could not be read: nothing can be compared with them.
    pub profiles_missing: bool,
    /// The same of associations.
    pub associations_missing: bool,
}

impl Seen {
    /// Adds a row to a sum, so many times.
    pub fn add(&self, sum: &mut Sum, row: impl Hash, times: u64) {
        sum.count = sum.count.wrapping_add(times);
        sum.hashes = sum.hashes.wrapping_add(self.random.hash_one(row).wrapping_mul(times));
    }
}
