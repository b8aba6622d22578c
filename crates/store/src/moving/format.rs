//! The format of an export: JSON Lines, compressed with zstd. `docs/moving.md` describes it.
//!
//! Header, accounts, profiles, associations with a total after each provider, changes, end. The end says how many lines
//! of each kind there were and the checksum of all bytes before it, so that an export that was cut off or changed is
//! noticed. Whoever changes a name here, or of a field of the records, makes a new version.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use jackfield_model::admin::Maintenance;
use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::{Checksum, PART_ROWS};
use crate::RootKey;
use crate::change::{Change, Timestamp};
use crate::contract::{LoadStart, Part, Position, Row};
use crate::key::Hex32;
use crate::registry::{
    AdminToken, Client, Keyring, Organization, Profile, Record, Registry, ServiceProvider,
};
use crate::source::Source;

/// The version of the format that is written, and the newest that is read.
///
/// 1: the first. 2: admin tokens, and changes that name them; organizations have quotas; signing keys.
pub const FORMAT_VERSION: u32 = 2;
pub(super) const FORMAT: &str = "jackfield export";

/// Longest line. The longest that is written has the JSON of a client twice, with all its refresh tokens.
const LINE_BYTES: usize = 16 * 1024 * 1024;
/// Bytes that are decompressed at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// What is wrong with an export.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the export cannot be read, line {line}: {reason}")]
pub struct FormatError {
    /// The line, from 1; the one after the last where the export ends too early.
    pub line: u64,
    /// What is wrong with it. It repeats nothing of the line.
    pub reason: String,
}

/// The first line.
#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    /// Names the export.
    pub(super) id: Uuid,
    /// When it was begun.
    pub(super) created: Timestamp,
    /// The version of the software that wrote it.
    pub(super) written_by: String,
    /// How many associations follow.
    pub(super) associations: u64,
    /// The highest sequence number that was given out.
    pub(super) last_change: u64,
    pub(super) root_key: Hex32,
}

/// What decides whether the rest of a header can be understood.
#[derive(Deserialize)]
struct Preface {
    format: String,
    version: u32,
}

/// Any line after the first.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Organization(Organization),
    Client(Client),
    ServiceProvider(ServiceProvider),
    Maintenance(Maintenance),
    AdminToken(AdminToken),
    Keys(Keyring),
    Profile(Profile),
    Association(AssociationLine),
    ProviderTotal(ProviderTotal),
    Change(Change),
    End(End),
}

#[derive(Serialize, Deserialize)]
pub(super) struct AssociationLine {
    pub(super) provider: ServiceProviderId,
    #[serde(rename = "externalUserId")]
    pub(super) external_user_id: ExternalUserId,
    #[serde(rename = "amazonId")]
    pub(super) amazon_id: AmazonId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) counted: bool,
}

/// Stands after the associations of each provider, also of one that has none.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProviderTotal {
    pub(super) provider: ServiceProviderId,
    pub(super) associations: u64,
    pub(super) sha256: Hex32,
}

/// The last line.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Lines before this one.
    pub(super) lines: u64,
    pub(super) profiles: u64,
    pub(super) associations: u64,
    pub(super) changes: u64,
    /// Of all bytes before this line.
    pub(super) sha256: Hex32,
}

impl From<Record> for Line {
    fn from(record: Record) -> Self {
        match record {
            Record::Organization(organization) => Self::Organization(organization),
            Record::Client(client) => Self::Client(client),
            Record::ServiceProvider(provider) => Self::ServiceProvider(provider),
            Record::Maintenance(maintenance) => Self::Maintenance(maintenance),
            Record::AdminToken(token) => Self::AdminToken(token),
            Record::Keys(keyring) => Self::Keys(keyring),
        }
    }
}

/// What a reader has understood.
#[derive(Debug)]
pub(super) enum Event {
    /// Header and accounts; the associations that are to come.
    Start(Box<LoadStart>, u64),
    Part(Part),
}

/// Reads an export as its bytes come.
pub(super) struct Reader {
    decoder: Decoder<'static>,
    /// Whether the last frame of the compression is complete.
    frame_ended: bool,
    /// The beginning of a line that is not complete.
    rest: Vec<u8>,
    lines: Lines,
    events: VecDeque<Event>,
}

impl Reader {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            decoder: Decoder::new()?,
            frame_ended: true,
            rest: Vec::new(),
            lines: Lines::default(),
            events: VecDeque::new(),
        })
    }

    /// Takes bytes; what they say comes from [`Reader::next`].
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        let mut input = InBuffer::around(bytes);
        let mut block = vec![0; BLOCK_BYTES];
        loop {
            let before = input.pos();
            let mut output = OutBuffer::around(&mut block[..]);
            let left = self.decoder.run(&mut input, &mut output);
            let left =
                left.map_err(|_| self.lines.error("its compression is damaged, or it is no export"))?;
            let written = output.pos();
            if written > 0 || input.pos() > before {
                self.frame_ended = left == 0;
            }
            self.text(&block[..written])?;
            if input.pos() == bytes.len() && written < BLOCK_BYTES {
                return Ok(());
            }
        }
    }

    pub(super) fn next(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Says that there are no more bytes. Answers the counts of the last line.
    pub(super) fn finish(self) -> Result<End, FormatError> {
        match self.lines.end {
            Some(end) if self.rest.is_empty() && self.frame_ended => Ok(end),
            _ => Err(self.lines.error("it ends here, without its last line: it was cut off")),
        }
    }

    fn text(&mut self, mut text: &[u8]) -> Result<(), FormatError> {
        while let Some(length) = text.iter().position(|byte| *byte == b'\n') {
            let (line, after) = text.split_at(length + 1);
            text = after;
            if self.rest.is_empty() {
                self.lines.take(line, &mut self.events)?;
            } else {
                self.rest.extend_from_slice(line);
                self.lines.take(&std::mem::take(&mut self.rest), &mut self.events)?;
            }
        }
        if self.rest.len() + text.len() > LINE_BYTES {
            return Err(self.lines.error("it is longer than any line of an export"));
        }
        self.rest.extend_from_slice(text);
        Ok(())
    }
}

/// What the lines so far amount to.
#[derive(Default)]
struct Lines {
    /// Complete lines.
    count: u64,
    header: Option<Header>,
    records: Vec<Record>,
    /// The accounts, once the lines after them began.
    registry: Option<Arc<Registry>>,
    last: Option<Position>,
    profiles: Vec<Profile>,
    groups: Vec<(ServiceProviderId, Vec<Row>)>,
    group_rows: usize,
    changes: Vec<Change>,
    /// Of the provider whose associations are being read.
    checksum: Checksum,
    /// Providers whose totals are to come.
    waiting: BTreeSet<ServiceProviderId>,
    profile_count: u64,
    association_count: u64,
    change_count: u64,
    whole: Checksum,
    end: Option<End>,
}

impl Lines {
    fn error(&self, reason: &str) -> FormatError {
        FormatError { line: self.count + 1, reason: reason.to_owned() }
    }

    fn take(&mut self, line: &[u8], events: &mut VecDeque<Event>) -> Result<(), FormatError> {
        if self.header.is_none() {
            self.header = Some(self.header(line)?);
        } else if self.end.is_some() {
            return Err(self.error("there is something after the last line"));
        } else {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let parsed = serde_json::from_slice(text).map_err(|error| self.error(&json_reason(&error)))?;
            self.line(parsed, events)?;
        }
        self.whole.bytes(line);
        self.count += 1;
        Ok(())
    }

    fn header(&self, line: &[u8]) -> Result<Header, FormatError> {
        let preface: Preface =
            serde_json::from_slice(line).map_err(|_| self.error("it does not begin like an export"))?;
        if preface.format != FORMAT {
            return Err(self.error("it does not begin like an export"));
        }
        if preface.version > FORMAT_VERSION || preface.version == 0 {
            return Err(self.error(&format!(
                "the export has format version {}; this version of jackfield reads up to {FORMAT_VERSION}",
                preface.version
            )));
        }
        serde_json::from_slice(line).map_err(|error| self.error(&json_reason(&error)))
    }

    fn line(&mut self, line: Line, events: &mut VecDeque<Event>) -> Result<(), FormatError> {
        match line {
            Line::Organization(own) => self.record(Record::Organization(own)),
            Line::Client(own) => self.record(Record::Client(own)),
            Line::ServiceProvider(own) => self.record(Record::ServiceProvider(own)),
            Line::Maintenance(own) => self.record(Record::Maintenance(own)),
            Line::AdminToken(own) => self.record(Record::AdminToken(own)),
            Line::Keys(own) => self.record(Record::Keys(own)),
            Line::Profile(profile) => {
                let registry = self.registry(events)?;
                self.check(registry.organizations.contains_key(&profile.organization), "organization")?;
                self.advance(Position::Profile(profile.id.clone()))?;
                self.profile_count += 1;
                self.profiles.push(profile);
                if self.profiles.len() >= PART_ROWS {
                    self.emit(events);
                }
                Ok(())
            }
            Line::Association(line) => self.association(line, events),
            Line::ProviderTotal(total) => self.provider_total(&total, events),
            Line::Change(change) => {
                self.registry(events)?;
                self.check_totals()?;
                self.advance(Position::Change(change.sequence))?;
                let last = self.header.as_ref().map_or(0, |header| header.last_change);
                if change.sequence > last {
                    return Err(
                        self.error("its sequence number is greater than the last_change of the header")
                    );
                }
                self.change_count += 1;
                self.changes.push(change);
                if self.changes.len() >= PART_ROWS {
                    self.emit(events);
                }
                Ok(())
            }
            Line::End(end) => self.end(end, events),
        }
    }

    fn record(&mut self, record: Record) -> Result<(), FormatError> {
        if self.registry.is_some() {
            return Err(self.error("accounts stand before all other lines"));
        }
        self.records.push(record);
        Ok(())
    }

    /// The accounts. The first line after them says that they are complete.
    fn registry(&mut self, events: &mut VecDeque<Event>) -> Result<Arc<Registry>, FormatError> {
        if let Some(registry) = &self.registry {
            return Ok(Arc::clone(registry));
        }
        let Some(header) = &self.header else { return Err(self.error("it does not begin like an export")) };
        let records = self.records.len();
        let registry = Arc::new(Registry::from_records(std::mem::take(&mut self.records)));
        let known = |id| registry.organizations.contains_key(id);
        let owners = registry.clients.values().map(|own| &own.organization);
        let owners = owners.chain(registry.providers.values().map(|own| &own.organization));
        let maintenance = usize::from(registry.maintenance != Maintenance::default());
        let keys = usize::from(*registry.keyring != Keyring::default());
        let distinct = registry.organizations.len() + registry.clients.len() + registry.providers.len();
        let distinct = distinct + registry.admin_tokens.len();
        if !owners.into_iter().all(known) || distinct + maintenance + keys != records {
            return Err(self.error("the accounts before it do not belong together"));
        }
        let start = LoadStart {
            source: Source::Import(header.id.to_string()),
            root_key: RootKey::new(header.root_key.0),
            registry: Arc::clone(&registry),
            last_change: header.last_change,
        };
        events.push_back(Event::Start(Box::new(start), header.associations));
        self.waiting = registry.providers.keys().copied().collect();
        self.registry = Some(Arc::clone(&registry));
        Ok(registry)
    }

    fn association(
        &mut self,
        line: AssociationLine,
        events: &mut VecDeque<Event>,
    ) -> Result<(), FormatError> {
        self.registry(events)?;
        let AssociationLine { provider, external_user_id, amazon_id, counted } = line;
        if self.waiting.first() != Some(&provider) {
            return Err(self.error("the service provider is not there, or not in its place"));
        }
        self.advance(Position::Association(provider, external_user_id.clone()))?;
        let row = Row { external_user_id, amazon_id, counted };
        self.checksum.association(&row);
        self.association_count += 1;
        self.group_rows += 1;
        match self.groups.last_mut() {
            Some((last, rows)) if *last == provider => rows.push(row),
            _ => {
                if !self.profiles.is_empty() {
                    self.emit(events);
                }
                self.groups.push((provider, vec![row]));
            }
        }
        if self.group_rows >= PART_ROWS {
            self.emit(events);
        }
        Ok(())
    }

    fn provider_total(
        &mut self,
        total: &ProviderTotal,
        events: &mut VecDeque<Event>,
    ) -> Result<(), FormatError> {
        self.registry(events)?;
        if self.waiting.first() != Some(&total.provider) {
            return Err(self.error("the service provider is not there, or not in its place"));
        }
        let found = std::mem::take(&mut self.checksum).digest();
        if (found.rows, found.sha256) != (total.associations, total.sha256.0) {
            return Err(self.error("the associations before it are not those that were exported"));
        }
        self.waiting.pop_first();
        Ok(())
    }

    fn end(&mut self, end: End, events: &mut VecDeque<Event>) -> Result<(), FormatError> {
        self.registry(events)?;
        self.check_totals()?;
        let found = End {
            lines: self.count,
            profiles: self.profile_count,
            associations: self.association_count,
            changes: self.change_count,
            sha256: Hex32(self.whole.digest().sha256),
        };
        if end != found {
            return Err(self.error("the lines before it are not those that were exported"));
        }
        self.emit(events);
        self.end = Some(end);
        Ok(())
    }

    fn check(&self, known: bool, what: &str) -> Result<(), FormatError> {
        if known { Ok(()) } else { Err(self.error(&format!("its {what} is not there"))) }
    }

    fn check_totals(&self) -> Result<(), FormatError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        Err(self.error("the total of a service provider is missing before it"))
    }

    fn advance(&mut self, position: Position) -> Result<(), FormatError> {
        if self.last.as_ref().is_some_and(|last| *last >= position) {
            return Err(self.error("it is not in its place: lines are in the order of their ids"));
        }
        self.last = Some(position);
        Ok(())
    }

    /// Hands over the rows so far.
    fn emit(&mut self, events: &mut VecDeque<Event>) {
        self.group_rows = 0;
        let parts = [
            Part::Profiles(std::mem::take(&mut self.profiles)),
            Part::Associations(std::mem::take(&mut self.groups)),
            Part::Changes(std::mem::take(&mut self.changes)),
        ];
        events.extend(parts.into_iter().filter(|part| !part.is_empty()).map(Event::Part));
    }
}

/// What the JSON library says, without the value that it may hold.
fn json_reason(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Syntax => "it is not JSON",
        Category::Eof => "its JSON ends too early",
        Category::Data | Category::Io => "it is not a line of an export, or a value in it is not valid",
    };
    format!("{what} (column {})", error.column())
}
