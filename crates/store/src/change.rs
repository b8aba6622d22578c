//! The change record: audit trail and change feed in one.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jackfield_model::{AmazonId, ClientId, ExternalUserId, RequestId, ServiceProviderId};
use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The moment that the system clock shows.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// The same moment for the standard library.
    #[must_use]
    pub fn system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0)
    }
}

/// Who asked for a change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Actor {
    /// A client of the public API. Shared: every request of a client carries it.
    Client(Arc<ClientId>),
    /// An operator through the admin API, with the token that the server was started with.
    Admin,
    /// An operator through the admin API, with the admin token of this name.
    Operator(Arc<str>),
    /// The seed file.
    Seed,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(id) => id.fmt(f),
            Self::Admin => f.write_str("admin"),
            Self::Operator(name) => write!(f, "admin:{name}"),
            Self::Seed => f.write_str("seed"),
        }
    }
}

/// Who asked for a change, in which request and when.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Who.
    pub actor: Actor,
    /// In which request.
    pub request_id: RequestId,
    /// When.
    pub time: Timestamp,
}

impl Origin {
    /// Somebody, in this request, now.
    #[must_use]
    pub fn now(actor: Actor, request_id: RequestId) -> Self {
        Self { actor, request_id, time: Timestamp::now() }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Something new.
    Create,
    /// Something that was there is different now.
    Update,
    /// Something is gone.
    Delete,
    /// Everything there was has made place for something else.
    Reset,
}

/// What was changed, with what was there before and what is there since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// An association.
    Association {
        /// Its provider.
        provider: ServiceProviderId,
        /// Its endpoint.
        external_user_id: ExternalUserId,
        /// The profile before.
        before: Option<AmazonId>,
        /// The profile since.
        after: Option<AmazonId>,
    },
    /// An object of the registry, a profile, or a resource. Secrets and their hashes are left out. What belongs to an
    /// organization names it as `organization`, before and after.
    Object {
        /// The kind: `organization`, `client`, `service_provider`, `profile`, `maintenance`, `admin_token`, `keys`, `webhook` or
        /// `directory`; that of a resource, for example `address_book`; for what an operator did that changed no object, its
        /// name after [`Subject::ACT`].
        kind: String,
        /// Its id.
        id: String,
        /// JSON text of the object before.
        before: Option<String>,
        /// JSON text of the object since.
        after: Option<String>,
    },
}

/// One recorded change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its place in the order of all changes: 1, 2, 3 … An adapter may leave gaps, never repeats.
    pub sequence: u64,
    /// When it was made.
    pub time: Timestamp,
    /// Who made it.
    pub actor: Actor,
    /// In which request.
    pub request_id: RequestId,
    /// What was done.
    pub operation: Operation,
    /// To what.
    pub subject: Subject,
}

impl Subject {
    /// Begins the kind of what an operator did that changed no object, for example `admin.backup`.
    pub const ACT: &'static str = "admin.";
}

impl Change {
    /// The provider that the change is about: that of an association, or the provider itself.
    #[must_use]
    pub fn provider(&self) -> Option<ServiceProviderId> {
        match &self.subject {
            Subject::Association { provider, .. } => Some(*provider),
            Subject::Object { kind, id, .. } if kind == "service_provider" => id.parse().ok(),
            Subject::Object { .. } => None,
        }
    }

    /// What was done to which kind of thing, for example `association.create`.
    #[must_use]
    pub fn operation_name(&self) -> String {
        let kind = match &self.subject {
            Subject::Association { .. } => "association",
            Subject::Object { kind, .. } if kind.starts_with(Subject::ACT) => return kind.clone(),
            Subject::Object { kind, .. } => kind,
        };
        let verb = match self.operation {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Delete => "delete",
            Operation::Reset => "reset",
        };
        format!("{kind}.{verb}")
    }
}

/// Which changes to list.
#[derive(Clone, Debug, Default)]
pub struct ChangeFilter {
    /// Only changes about this provider.
    pub provider: Option<ServiceProviderId>,
    /// Only changes with a greater sequence number.
    pub after: u64,
    /// At most this many.
    pub limit: usize,
}

/// Where the change record begins and ends, as of a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeSpan {
    /// Changes up to this sequence number were forgotten; 0 before any was.
    pub forgotten: u64,
    /// A sequence number that rises with every change. A change with a lower one may still be on its way.
    pub newest: u64,
}

/// What of the change record follows a place in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many changes; those beyond [`Backlog::COUNTED_MAX`] are not counted.
    pub changes: u64,
    /// When the first of them was made.
    pub oldest: Option<Timestamp>,
    /// The record is complete up to this sequence number: what was acknowledged before the call is there, and no change
    /// with a number as low can come any more.
    pub complete: u64,
}

impl Backlog {
    /// Most changes that are counted.
    pub const COUNTED_MAX: usize = 100_000;
}

/// A page of the change record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePage {
    /// Oldest first.
    pub changes: Vec<Change>,
    /// Where the next page begins: its `after`.
    pub next_after: u64,
    /// Whether records follow that this call did not look at.
    pub more: bool,
}

impl ChangePage {
    /// Most records that one call looks at.
    pub const EXAMINED_MAX: usize = 10_000;

    /// Makes a page from records that follow `filter.after` in order.
    ///
    /// # Errors
    /// The first error that the records yield.
    pub fn collect<E>(
        filter: &ChangeFilter,
        records: impl Iterator<Item = Result<Change, E>>,
    ) -> Result<Self, E> {
        let mut page = Self { changes: Vec::new(), next_after: filter.after, more: false };
        for (examined, record) in records.enumerate() {
            if page.changes.len() == filter.limit || examined == Self::EXAMINED_MAX {
                page.more = true;
                break;
            }
            let change = record?;
            page.next_after = change.sequence;
            if filter.provider.is_none_or(|wanted| change.provider() == Some(wanted)) {
                page.changes.push(change);
            }
        }
        Ok(page)
    }
}
