//! The journal: the last requests to the public API, and the reasons of refusals.
//!
//! It is a ring in memory, bounded in entries and each entry in bytes. It contains nothing that a client could have
//! put a secret into, see `redact`, and no bodies. Writing is a push under a lock that is held only for short copies.
//! Requests to the admin API, for health and for documents are not written.

use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::request::Parts;
use jackfield_model::inspect::JournalEntry;
use jackfield_model::{ClientId, RequestId, ServiceProviderId, limit};
use jackfield_store::Timestamp;
use serde::Deserialize;
use tokio::sync::Notify;

use crate::notes::Heard;
use crate::redact;
use crate::request::{Refused, RequestLog};
use crate::router::{Audience, Operation};

/// Entries that a reader looks at under one hold of the lock.
const LOOK_AT_ONCE: usize = 256;

/// Which requests the journal keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalScope {
    /// Refused requests, those that matched a fault rule, and of each client a few a minute that another server might
    /// have refused.
    #[default]
    Refused,
    /// All.
    All,
}

impl FromStr for JournalScope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "refused" => Ok(Self::Refused),
            "all" => Ok(Self::All),
            _ => Err("refused or all is expected".to_owned()),
        }
    }
}

/// The journal of a server.
#[derive(Debug)]
pub(crate) struct Journal {
    capacity: usize,
    scope: JournalScope,
    heard: Heard,
    ring: Mutex<Ring>,
    news: Notify,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct Ring {
    /// Oldest first, without gaps.
    entries: VecDeque<Arc<JournalEntry>>,
    /// The sequence number of the newest.
    last: u64,
}

/// Which entries a reader wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) operation: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) client: Option<ClientId>,
    pub(crate) request_id: Option<RequestId>,
    pub(crate) refused: bool,
}

/// Entries that were found.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Arc<JournalEntry>>,
    pub(crate) next_after: u64,
    pub(crate) more: bool,
    pub(crate) lost: u64,
}

impl Journal {
    /// A journal of at most `capacity` entries; of none it is off.
    pub(crate) fn new(capacity: usize, scope: JournalScope) -> Self {
        Self {
            capacity,
            scope,
            heard: Heard::default(),
            ring: Mutex::default(),
            news: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) const fn is_on(&self) -> bool {
        self.capacity > 0
    }

    /// Whether it keeps a request like this.
    pub(crate) fn wants(&self, log: &RequestLog) -> bool {
        let written = log.operation.is_none_or(|operation| operation.audience == Audience::Client);
        if !(self.is_on() && written && log.public) {
            return false;
        }
        let of_interest =
            matches!(self.scope, JournalScope::All) || log.refused.is_some() || log.fault.is_some();
        // Time is asked for only where there is something to count.
        let news = || self.heard.is_news(log.client.as_ref(), log.notes, Instant::now());
        of_interest || !log.notes.is_empty() && news()
    }

    /// Records a request, and assigns the sequence number of the entry.
    pub(crate) fn push(&self, mut entry: JournalEntry) {
        let mut ring = self.lock();
        let last = ring.last + 1;
        entry.sequence = last;
        ring.last = last;
        // Freed after the lock is given back.
        let _oldest = if ring.entries.len() >= self.capacity { ring.entries.pop_front() } else { None };
        ring.entries.push_back(Arc::new(entry));
        drop(ring);
        self.news.notify_waiters();
    }

    /// Forgets every entry. Sequence numbers go on.
    pub(crate) fn clear(&self) {
        let entries = std::mem::take(&mut self.lock().entries);
        drop(entries);
    }

    /// Wakes every reader that waits for an entry; later readers do not wait.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.news.notify_waiters();
    }

    /// The entries after `after` that the filter lets through, at most `limit`. When there are none, waits until
    /// there is one, as long as `patience` lasts.
    pub(crate) async fn read(
        &self,
        filter: &Filter,
        after: Option<u64>,
        limit: usize,
        patience: Duration,
    ) -> Page {
        let give_up = tokio::time::Instant::now() + patience;
        let mut after = after;
        let mut lost = 0;
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            // From here on a push is noticed, so none falls between the look and the wait.
            news.as_mut().enable();
            let page = self.look(filter, after, limit);
            lost += page.lost;
            let found = !page.entries.is_empty() || page.more;
            after = Some(page.next_after);
            if found
                || self.closed.load(Ordering::Acquire)
                || tokio::time::timeout_at(give_up, news).await.is_err()
            {
                return Page { lost, ..page };
            }
        }
    }

    fn look(&self, filter: &Filter, after: Option<u64>, limit: usize) -> Page {
        let mut page = Page { next_after: after.unwrap_or(0), ..Page::default() };
        let mut said = after.is_some();
        loop {
            let (looked_at, last) = {
                let ring = self.lock();
                let gone = ring.last - ring.entries.len() as u64;
                // A number from another life of the server would never be reached.
                page.next_after = page.next_after.min(ring.last);
                if page.next_after < gone {
                    page.lost += if said { gone - page.next_after } else { 0 };
                    page.next_after = gone;
                }
                said = true;
                let skip = usize::try_from(page.next_after - gone).unwrap_or(usize::MAX);
                let some: Vec<_> = ring.entries.iter().skip(skip).take(LOOK_AT_ONCE).cloned().collect();
                (some, ring.last)
            };
            for entry in looked_at {
                if page.entries.len() == limit {
                    page.more = true;
                    return page;
                }
                page.next_after = entry.sequence;
                if filter.lets_through(&entry) {
                    page.entries.push(entry);
                }
            }
            if page.next_after >= last {
                return page;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Filter {
    fn lets_through(&self, entry: &JournalEntry) -> bool {
        self.operation.as_ref().is_none_or(|wanted| *wanted == entry.operation)
            && self.status.is_none_or(|wanted| entry.status == Some(wanted))
            && self.client.as_ref().is_none_or(|wanted| entry.client_id.as_ref() == Some(wanted))
            && self.request_id.is_none_or(|wanted| wanted == entry.request_id)
            && (!self.refused || entry.refusal.is_some())
    }
}

/// What the journal keeps of a request. `path` is what may be shown of its path, and the service provider there; `status` is absent where a fault rule closed the connection before
/// anything was decided.
pub(crate) fn entry(
    head: &Parts,
    (path, service_provider_id): (String, Option<ServiceProviderId>),
    request_id: RequestId,
    log: RequestLog,
    status: Option<u16>,
    latency: Duration,
) -> JournalEntry {
    let (kind, message, refusal) = match log.refused {
        Some(Refused { kind, message, refusal }) => (Some(kind), Some(shortened(message)), Some(refusal)),
        None => (None, None, None),
    };
    JournalEntry {
        sequence: 0,
        time: humantime::format_rfc3339_millis(Timestamp::now().system_time()).to_string(),
        request_id,
        method: redact::method(&head.method).to_owned(),
        path,
        query: head.uri.query().map(redact::query),
        operation: Operation::name_of(log.operation).to_owned(),
        client_id: log.client.map(|id| ClientId::clone(&id)),
        service_provider_id,
        status,
        latency_us: u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
        kind,
        message,
        refusal,
        fault: log.fault,
        notes: log.notes.iter().map(|note| note.text().to_owned()).collect(),
        dropped: log.dropped.is_some(),
    }
}

fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(limit::JOURNAL_TEXT_BYTES));
    text
}

#[cfg(test)]
mod tests;
