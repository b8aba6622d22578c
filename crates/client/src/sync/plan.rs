//! What is to be, what is, and the changes that lead from one to the other.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;

use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::input::Row;

/// The state that is to be: for each id the profile, or that there is to be none. Ids that it does not name are not
/// its business, unless what it does not name is to be deleted.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// Sorted by id, each id once.
    wants: Vec<Want>,
}

/// What is to be for one id.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    pub(crate) external_user_id: ExternalUserId,
    pub(crate) amazon_id: Option<AmazonId>,
    pub(crate) line: Option<u64>,
    pub(crate) number: Option<usize>,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Points an association at another profile.
    Update,
    /// Stores an association.
    Create,
    /// Removes an association.
    Delete,
}

/// One change of a plan: one write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The endpoint that it is about.
    pub external_user_id: ExternalUserId,
    /// The profile that stands for it now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<AmazonId>,
    /// The profile that is to stand for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<AmazonId>,
    /// The line of the input that asks for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// Its place in the journal.
    #[serde(skip)]
    pub(crate) number: usize,
}

/// How many changes of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Associations to store.
    pub create: u64,
    /// Associations to point at another profile.
    pub update: u64,
    /// Associations to remove.
    pub delete: u64,
}

/// Which kinds of change may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Only {
    /// Whether associations may be stored.
    pub create: bool,
    /// Whether they may be pointed at another profile.
    pub update: bool,
    /// Whether they may be removed.
    pub delete: bool,
}

/// Changes that lead to the desired state, and how much is there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Updates, creates, deletes, in this order, each sorted by id. Deletes come last: where a run ends early, more
    /// stands than should rather than less.
    pub changes: Arc<[Change]>,
    /// Ids that are as they should be.
    pub unchanged: u64,
    /// Associations that the desired state does not name and that stay. Zero where they were not looked for.
    pub kept: u64,
    /// Changes that would be needed and may not be made.
    pub excluded: Counts,
    /// Associations that the provider has, where that is known.
    pub total: Option<u64>,
}

/// The most that may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MaxDelete {
    /// So many associations.
    Count(u64),
    /// So many of a hundred that the provider has.
    Percent(f64),
}

/// A plan that deletes more than allowed. Nothing of it was applied.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("the plan deletes {deletes} of {total} associations; {allowed} may be deleted")]
pub struct TooManyDeletes {
    /// Deletes in the plan.
    pub deletes: u64,
    /// Associations that the provider has.
    pub total: u64,
    /// Deletes that were allowed.
    pub allowed: u64,
}

/// A text that is no [`MaxDelete`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected a number, for example 50, or a share, for example 5%")]
pub struct InvalidMaxDelete;

/// A plan that is being made: actual associations come in any order, each once.
pub(crate) struct Comparison<'a> {
    desired: &'a Desired,
    seen: Vec<bool>,
    only: Only,
    delete_missing: bool,
    changes: Vec<Change>,
    /// Without its changes.
    plan: Plan,
}

impl Desired {
    /// The state that the rows of an input describe.
    #[must_use]
    pub fn from_rows(rows: impl IntoIterator<Item = Row>) -> Self {
        let want = |row: Row| Want {
            external_user_id: row.association.external_user_id,
            amazon_id: Some(row.association.amazon_id),
            line: Some(row.line),
            number: None,
        };
        Self::new(rows.into_iter().map(want).collect())
    }

    /// The state that changes lead to.
    pub(crate) fn after<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Self {
        let want = |change: &Change| Want {
            external_user_id: change.external_user_id.clone(),
            amazon_id: change.after.clone(),
            line: change.line,
            number: Some(change.number),
        };
        Self::new(changes.into_iter().map(want).collect())
    }

    /// Of several wants of one id the last counts; an [`super::Input`] has each id once.
    fn new(mut wants: Vec<Want>) -> Self {
        wants.reverse();
        wants.sort_by(|one, other| one.external_user_id.cmp(&other.external_user_id));
        wants.dedup_by(|one, other| one.external_user_id == other.external_user_id);
        Self { wants }
    }

    /// How many ids it names.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.wants.len()
    }

    /// Whether it names none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.wants.is_empty()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &ExternalUserId> {
        self.wants.iter().map(|want| &want.external_user_id)
    }
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(desired: &'a Desired, only: Only, delete_missing: bool) -> Self {
        let seen = vec![false; desired.len()];
        Self { desired, seen, only, delete_missing, changes: Vec::new(), plan: Plan::default() }
    }

    /// Takes an association that there is.
    pub(crate) fn actual(&mut self, association: Association) {
        let found = self
            .desired
            .wants
            .binary_search_by(|want| want.external_user_id.cmp(&association.external_user_id));
        let Association { external_user_id, amazon_id: before, .. } = association;
        match found.map(|at| (at, &self.desired.wants[at])) {
            Ok((at, want)) if std::mem::replace(&mut self.seen[at], true) => {
                debug_assert!(want.external_user_id == external_user_id, "a page walk shows it once");
            }
            Ok((_, want)) if want.amazon_id.as_ref() == Some(&before) => self.plan.unchanged += 1,
            Ok((_, want)) => {
                let (after, line, number) = (want.amazon_id.clone(), want.line, want.number);
                self.change(external_user_id, Some(before), after, line, number);
            }
            Err(_) if self.delete_missing => {
                self.change(external_user_id, Some(before), None, None, None);
            }
            Err(_) => self.plan.kept += 1,
        }
    }

    /// The plan, after all that there is was taken.
    pub(crate) fn finish(mut self, total: Option<u64>) -> Plan {
        let absent = self.desired.wants.iter().zip(std::mem::take(&mut self.seen));
        for (want, _) in absent.filter(|(_, seen)| !seen) {
            match &want.amazon_id {
                None => self.plan.unchanged += 1,
                after @ Some(_) => {
                    let id = want.external_user_id.clone();
                    self.change(id, None, after.clone(), want.line, want.number);
                }
            }
        }
        let key = |change: &Change| (change.kind(), change.external_user_id.clone());
        self.changes.sort_by_cached_key(key);
        if self.desired.wants.iter().all(|want| want.number.is_none()) {
            self.changes.iter_mut().enumerate().for_each(|(number, change)| change.number = number);
        }
        Plan { changes: self.changes.into(), total, ..self.plan }
    }

    fn change(
        &mut self,
        external_user_id: ExternalUserId,
        before: Option<AmazonId>,
        after: Option<AmazonId>,
        line: Option<u64>,
        number: Option<usize>,
    ) {
        let change = Change { external_user_id, before, after, line, number: number.unwrap_or_default() };
        if self.only.allows(change.kind()) {
            self.changes.push(change);
        } else {
            self.plan.excluded.add(change.kind());
        }
    }
}

impl Change {
    /// What it does.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match (&self.before, &self.after) {
            (_, None) => Kind::Delete,
            (None, Some(_)) => Kind::Create,
            (Some(_), Some(_)) => Kind::Update,
        }
    }
}

impl Plan {
    /// How many changes of each kind there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.changes.iter().for_each(|change| counts.add(change.kind()));
        counts
    }

    /// Holds the plan to a bound of deletes.
    ///
    /// # Errors
    /// [`TooManyDeletes`].
    pub fn check_deletes(&self, most: MaxDelete) -> Result<(), TooManyDeletes> {
        Self::check_count(self.counts().delete, self.total, most)
    }

    /// Holds a number of deletes to a bound. `total` is how many associations the provider has, where that is known.
    pub(super) fn check_count(
        deletes: u64,
        total: Option<u64>,
        most: MaxDelete,
    ) -> Result<(), TooManyDeletes> {
        let total = total.unwrap_or(deletes);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count is no larger than the count"
        )]
        let allowed = match most {
            MaxDelete::Count(count) => count,
            MaxDelete::Percent(share) => (total as f64 * share / 100.0).floor() as u64,
        };
        if deletes > allowed { Err(TooManyDeletes { deletes, total, allowed }) } else { Ok(()) }
    }
}

impl Counts {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.create + self.update + self.delete
    }

    pub(crate) const fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Create => self.create += 1,
            Kind::Update => self.update += 1,
            Kind::Delete => self.delete += 1,
        }
    }
}

impl Only {
    /// Every kind.
    pub const ALL: Self = Self { create: true, update: true, delete: true };

    /// Whether changes of this kind may be made.
    #[must_use]
    pub const fn allows(&self, kind: Kind) -> bool {
        match kind {
            Kind::Create => self.create,
            Kind::Update => self.update,
            Kind::Delete => self.delete,
        }
    }
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MaxDelete {
    type Err = InvalidMaxDelete;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_suffix('%') {
            Some(share) => match share.trim().parse() {
                Ok(share) if (0.0..=100.0).contains(&share) => Ok(Self::Percent(share)),
                _ => Err(InvalidMaxDelete),
            },
            None => text.parse().map(Self::Count).map_err(|_: ParseIntError| InvalidMaxDelete),
        }
    }
}

#[cfg(test)]
mod tests;
