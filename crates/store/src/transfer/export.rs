//! From a snapshot to the bytes of an export.

use std::collections::BTreeSet;

use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId};
use serde::Serialize;
use uuid::Uuid;
use zstd::stream::write::Encoder;

use super::format::{AssociationLine, End, FORMAT, Header, Line, ProviderTotal, ResourceLine};
use super::{Checksum, FORMAT_VERSION, MoveError, Moved};
use crate::StoreError;
use crate::change::Timestamp;
use crate::contract::{PAGE_ROWS, Snapshot};
use crate::key::Hex32;
use crate::resource::{Resource, RowKey};

/// The compression level: more costs time and saves little, for most of a line is what all lines have.
const LEVEL: i32 = 1;

/// An export that is being made: bytes come as they are asked for.
pub struct Export {
    snapshot: Box<dyn Snapshot>,
    encoder: Encoder<'static, Vec<u8>>,
    line: Vec<u8>,
    next: Next,
    providers: BTreeSet<ServiceProviderId>,
    whole: Checksum,
    lines: u64,
    moved: Moved,
}

/// What is to be written next.
enum Next {
    Accounts,
    Profiles(Option<AmazonId>),
    Resources(Option<RowKey>),
    Associations(Option<Box<Provider>>),
    Changes(u64),
    Nothing,
}

/// A provider whose associations are being written.
struct Provider {
    id: ServiceProviderId,
    after: Option<ExternalUserId>,
    checksum: Checksum,
}

impl std::fmt::Debug for Export {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export").field("moved", &self.moved).finish_non_exhaustive()
    }
}

impl Export {
    /// An export of what the snapshot holds.
    ///
    /// # Panics
    /// When there is no memory for the compression.
    #[must_use]
    pub fn new(snapshot: Box<dyn Snapshot>) -> Self {
        let mut encoder = Encoder::new(Vec::new(), LEVEL).expect("the level is one of the library's");
        encoder.include_checksum(true).expect("the library knows the parameter");
        let providers = snapshot.registry().providers.keys().copied().collect();
        let moved = Moved { expected: snapshot.totals().associations, ..Moved::default() };
        Self {
            snapshot,
            encoder,
            line: Vec::new(),
            next: Next::Accounts,
            providers,
            whole: Checksum::default(),
            lines: 0,
            moved,
        }
    }

    /// What was written so far.
    #[must_use]
    pub const fn moved(&self) -> &Moved {
        &self.moved
    }

    /// The next bytes; none at the end. They may be empty.
    ///
    /// # Errors
    /// [`MoveError`] when the store cannot be read, or does not hold what it counts.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, MoveError> {
        self.next = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Accounts => self.accounts(),
            Next::Profiles(after) => self.profiles(after).await?,
            Next::Resources(after) => self.resources(after).await?,
            Next::Associations(at) => self.associations(at).await?,
            Next::Changes(after) => self.changes(after).await?,
            Next::Nothing => return Ok(None),
        };
        if matches!(self.next, Next::Nothing) {
            self.encoder.do_finish().expect("memory takes every byte");
        }
        Ok(Some(std::mem::take(self.encoder.get_mut())))
    }

    fn accounts(&mut self) -> Next {
        let totals = self.snapshot.totals();
        self.write(&Header {
            format: FORMAT.to_owned(),
            version: FORMAT_VERSION,
            id: Uuid::new_v4(),
            created: Timestamp::now(),
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
            associations: totals.associations,
            last_change: totals.last_change,
            root_key: Hex32(*self.snapshot.root_key().as_bytes()),
        });
        for record in self.snapshot.registry().records() {
            self.write(&Line::from(record));
            self.moved.accounts += 1;
        }
        Next::Profiles(None)
    }

    async fn profiles(&mut self, after: Option<AmazonId>) -> Result<Next, StoreError> {
        let page = self.snapshot.profiles(after.as_ref(), PAGE_ROWS).await?;
        let full = page.len() == PAGE_ROWS;
        self.moved.profiles += page.len() as u64;
        let last = page.last().map(|last| last.id.clone());
        page.into_iter().for_each(|profile| self.write(&Line::Profile(profile)));
        Ok(if full { Next::Profiles(last) } else { Next::Resources(None) })
    }

    async fn resources(&mut self, after: Option<RowKey>) -> Result<Next, StoreError> {
        let page = self.snapshot.resources(after.as_ref(), PAGE_ROWS).await?;
        let full = page.len() == PAGE_ROWS;
        self.moved.resources += page.len() as u64;
        let last = page.last().map(|(key, _)| key.clone());
        for (key, text) in page {
            let (organization, resource) = Resource::at(&key, &text)?;
            self.write(&Line::Resource(ResourceLine { organization, resource }));
        }
        Ok(if full { Next::Resources(last) } else { Next::Associations(None) })
    }

    async fn associations(&mut self, at: Option<Box<Provider>>) -> Result<Next, MoveError> {
        let first = |id| Box::new(Provider { id, after: None, checksum: Checksum::default() });
        let Some(mut at) = at.or_else(|| self.providers.pop_first().map(first)) else {
            return Ok(Next::Changes(0));
        };
        let provider = at.id;
        let page = self.snapshot.associations(provider, at.after.as_ref(), PAGE_ROWS).await?;
        let full = page.len() == PAGE_ROWS;
        self.moved.associations += page.len() as u64;
        at.after = page.last().map(|last| last.external_user_id.clone());
        for row in page {
            at.checksum.association(&row);
            self.write(&Line::Association(AssociationLine {
                provider,
                external_user_id: row.external_user_id,
                amazon_id: row.amazon_id,
                counted: row.counted,
            }));
        }
        if full {
            return Ok(Next::Associations(Some(at)));
        }
        let found = at.checksum.digest();
        let counted = self.snapshot.count(provider).await?;
        if counted != found.rows {
            return Err(MoveError::Miscounted { provider, counted, held: found.rows });
        }
        let sha256 = Hex32(found.sha256);
        self.write(&Line::ProviderTotal(ProviderTotal { provider, associations: found.rows, sha256 }));
        Ok(Next::Associations(None))
    }

    async fn changes(&mut self, after: u64) -> Result<Next, StoreError> {
        let page = self.snapshot.changes(after, PAGE_ROWS).await?;
        let full = page.len() == PAGE_ROWS;
        self.moved.changes += page.len() as u64;
        let last = page.last().map_or(after, |last| last.sequence);
        page.into_iter().for_each(|change| self.write(&Line::Change(change)));
        if full {
            return Ok(Next::Changes(last));
        }
        let end = End {
            lines: self.lines,
            profiles: self.moved.profiles,
            resources: self.moved.resources,
            associations: self.moved.associations,
            changes: self.moved.changes,
            sha256: Hex32(self.whole.digest().sha256),
        };
        self.write(&Line::End(end));
        Ok(Next::Nothing)
    }

    fn write(&mut self, line: &impl Serialize) {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line).expect("lines have text keys and no failing values");
        self.line.push(b'\n');
        self.whole.bytes(&self.line);
        self.lines += 1;
        std::io::Write::write_all(&mut self.encoder, &self.line).expect("memory takes every byte");
    }
}
