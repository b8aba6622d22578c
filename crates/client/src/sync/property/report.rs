//! What became of a plan.

use std::time::Duration;

use serde::Serialize;

use super::plan::Subject;
use crate::sync::plan::{Counts, Kind};
use crate::sync::report::Stopped;

/// How many changes of each subject were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeCounts {
    /// Units.
    pub units: Counts,
    /// Profiles of units. Those of a run that goes on count as made, whether they were there or not.
    pub profiles: Counts,
    /// Associations.
    pub associations: Counts,
    /// Address books.
    pub address_books: Counts,
    /// Contacts.
    pub contacts: Counts,
}

/// A change that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyFailure {
    /// What it is about.
    pub subject: Subject,
    /// Its name, or the endpoint.
    pub name: String,
    /// The line of the list.
    pub line: Option<u64>,
    /// Why.
    pub reason: String,
    /// The request that failed last, where it bore an id.
    pub request_id: Option<String>,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct PropertyReport {
    /// Changes that were made.
    pub done: MadeCounts,
    /// Changes that the server will not make, or that did not succeed in many tries.
    pub failed: Vec<PropertyFailure>,
    /// Changes that were not tried, or whose outcome is not known, or that need one that failed.
    pub left: u64,
    /// Why the run ended early.
    pub stopped: Option<Stopped>,
    /// Requests that it took, without those for tokens.
    pub requests: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl PropertyReport {
    /// Whether every change was made.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.left == 0 && self.stopped.is_none()
    }
}

impl MadeCounts {
    /// Those of a subject.
    #[must_use]
    pub const fn of(&self, subject: Subject) -> Counts {
        match subject {
            Subject::Unit => self.units,
            Subject::Profile => self.profiles,
            Subject::Association => self.associations,
            Subject::AddressBook => self.address_books,
            Subject::Contact => self.contacts,
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        Subject::ALL.iter().map(|&subject| self.of(subject).total()).sum()
    }

    pub(super) const fn add(&mut self, subject: Subject, kind: Kind) {
        match subject {
            Subject::Unit => self.units.add(kind),
            Subject::Profile => self.profiles.add(kind),
            Subject::Association => self.associations.add(kind),
            Subject::AddressBook => self.address_books.add(kind),
            Subject::Contact => self.contacts.add(kind),
        }
    }
}
