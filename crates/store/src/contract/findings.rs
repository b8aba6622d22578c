//! What a verification finds, and what it has seen of a store.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash, RandomState};

use jackfield_model::OrganizationId;
use jackfield_model::inspect::Finding;
use jackfield_model::limit::VERIFY_FINDINGS_MAX;

use crate::error::StoreError;
use crate::resource::{ListKey, RowKey, Table};

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
    /// Rows that follow from resources, of each derived table but the one that counts.
    pub derived: BTreeMap<Table, Sum>,
    /// Some resources could not be read: nothing can be compared with what follows from them.
    pub resources_missing: bool,
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

/// The rows of resources as a store has them, to be compared with those that follow from the resources. It is fed with all
/// of them in the order of their keys, and holds none.
#[derive(Debug)]
pub(crate) struct DerivedRows<'s> {
    seen: &'s Seen,
    held: BTreeMap<Table, Sum>,
    /// The list that is being read, when its rows are counted, and how long it is so far.
    list: Option<(ListKey, u64)>,
    /// The rows that count, as they have to be.
    lengths: Sum,
}

impl<'s> DerivedRows<'s> {
    pub(crate) const fn new(seen: &'s Seen) -> Self {
        let lengths = Sum { count: 0, hashes: 0 };
        Self { seen, held: BTreeMap::new(), list: None, lengths }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, key: &RowKey, text: &str) {
        let table = key.list.table;
        match &mut self.list {
            Some((list, length)) if *list == key.list => *length += 1,
            _ => {
                self.end_list();
                self.list = table.is_counted().then(|| (key.list.clone(), 1));
            }
        }
        if table.is_derived() {
            self.seen.add(self.held.entry(table).or_default(), (key, text), 1);
        }
    }

    /// Says what differs, after all rows.
    pub(crate) fn compare(mut self, findings: &mut Findings<'_>) {
        self.end_list();
        let counts = self.held.remove(&Table::Count).unwrap_or_default();
        if counts != self.lengths {
            findings.add("resources", "what is counted of their lists is not what is there");
        }
        if self.seen.resources_missing {
            return;
        }
        for table in Table::ALL.into_iter().filter(|table| table.is_derived()) {
            if self.held.get(&table) != self.seen.derived.get(&table) {
                let problem = format!("the index {table:?} is not the one that follows from them");
                findings.add("resources", problem);
            }
        }
    }

    fn end_list(&mut self) {
        if let Some((list, length)) = self.list.take() {
            self.seen.add(&mut self.lengths, (&list.count(), length.to_string().as_str()), 1);
        }
    }
}
