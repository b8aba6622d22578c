//! A property from one list: units, their communication profiles, associations, and an address book.
//!
//! It promises what the plain [`Session`] promises, with two differences. The API has no way to ask whether a unit was
//! made: where an answer was lost, all units are read again, so that none is made twice. And a profile is made by a
//! request that can be repeated; so a run that goes on from its [`PropertyJournal`] asks for profiles anew, a hundred a
//! request, and not for each whether it is there.
//!
//! What there is ([`actual`]) and what is to be ([`desired`]) make a plan ([`plan`]) without a request. Applying it
//! ([`apply`]) sends what the plan says, notes the answers as what there is, and plans again.

mod actual;
mod apply;
mod contacts;
mod desired;
mod journal;
mod plan;
mod report;
mod run;

use jackfield_model::{ServiceProviderId, UnitId, limit};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::actual::Actual;
use self::desired::Desired;
pub use self::journal::{PropertyJournal, UnfinishedProperty};
pub use self::plan::{
    AssociationChange, ContactChange, ProfileChange, PropertyPlan, Subject, Unchanged, UnitChange,
};
pub use self::report::{MadeCounts, PropertyFailure, PropertyReport};
use super::input::{Parts, PropertyRow};
use super::plan::MaxDelete;
use super::session::{Options, Progress, Session};
use crate::client::Client;
use crate::error::Error;

/// How a list becomes a property.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyOptions {
    /// What the list says besides associations.
    pub parts: Parts,
    /// The unit below which units are looked for and made. Nothing: the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<UnitId>,
    /// The name of the address book. Contacts that it has no room for go to others, called `NAME 2`, `NAME 3` and so on.
    pub address_book: String,
    /// Most contacts in one address book, at least 1.
    pub contacts_per_book: usize,
    /// Whether associations that the list does not name are removed. Units, profiles and contacts never are.
    pub delete_missing: bool,
    /// The most of those that may be removed. A run that goes on plans again, and is held to it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_delete: Option<MaxDelete>,
}

impl Default for PropertyOptions {
    fn default() -> Self {
        Self {
            parts: Parts::default(),
            parent: None,
            address_book: "Rooms".to_owned(),
            contacts_per_book: limit::QUOTA_CONTACTS as usize,
            delete_missing: false,
            max_delete: None,
        }
    }
}

/// Why a property cannot be planned.
#[derive(Debug, Error)]
pub enum PropertyError {
    /// The server refuses, or gives no answer for as long as the patience lasts.
    #[error(transparent)]
    Api(#[from] Error),
    /// Which unit is meant is not for a program to guess.
    #[error(
        "line {line}: {count} units are called \"{name}\"; write the id of the one that is meant in its place"
    )]
    AmbiguousUnit {
        /// The line of the list.
        line: u64,
        /// The name.
        name: String,
        /// Units of that name.
        count: usize,
    },
    /// Nor which address book.
    #[error("{count} address books are called \"{name}\"; choose another name, or rename all but one")]
    AmbiguousAddressBook {
        /// The name.
        name: String,
        /// Address books of that name.
        count: usize,
    },
}

/// Brings a property to the state that a list describes: [`Self::plan`], [`Self::apply`](PropertySession::apply), and
/// [`Self::plan`] again, which then has nothing to change.
#[derive(Debug)]
pub struct PropertySession {
    session: Session,
    options: PropertyOptions,
    desired: Desired,
    /// What there is, as far as it was read or answered.
    actual: Actual,
    /// Whether the profiles of units that are there are asked for one by one.
    read_profiles: bool,
}

impl PropertySession {
    /// A session for the rows of a list. [`Options::only`] and [`Options::delete_missing`] do not count here.
    #[must_use]
    pub fn new(
        client: &Client,
        provider: ServiceProviderId,
        rows: Vec<PropertyRow>,
        options: PropertyOptions,
        connections: &Options,
    ) -> Self {
        let connections =
            Options { only: super::Only::ALL, delete_missing: options.delete_missing, ..connections.clone() };
        Self {
            session: Session::new(client, provider, connections),
            desired: Desired::new(rows, options.parts),
            options,
            actual: Actual::default(),
            read_profiles: true,
        }
    }

    /// The same for a run that goes on: the profiles of units that are there are not asked for, but made anew, which
    /// changes nothing where they are right.
    #[must_use]
    pub fn resumed(self) -> Self {
        Self { read_profiles: false, ..self }
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> std::sync::Arc<Progress> {
        self.session.progress()
    }

    /// Reads what there is and compares it with the list.
    ///
    /// # Errors
    /// [`PropertyError`].
    pub async fn plan(&mut self) -> Result<PropertyPlan, PropertyError> {
        self.read().await?;
        self.compared()
    }

    /// Compares the list with what is known to be there.
    fn compared(&self) -> Result<PropertyPlan, PropertyError> {
        plan::plan(&self.desired, &self.actual, &self.options)
    }
}

#[cfg(test)]
mod tests;
