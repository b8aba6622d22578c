//! What the lines of an export say: each is held to its place, to what it names, and to the totals after it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use jackfield_model::ServiceProviderId;
use jackfield_model::admin::Maintenance;

use super::format::{
    AssociationLine, End, FORMAT, FORMAT_VERSION, FormatError, Header, Line, Preface, ProviderTotal,
    ResourceLine,
};
use super::{Checksum, PART_ROWS};
use crate::change::Change;
use crate::contract::{LoadStart, Part, Position, Row};
use crate::key::{Hex32, RootKey};
use crate::registry::{Keyring, Profile, Record, Registry};
use crate::resource::RowKey;
use crate::source::Source;

/// What a reader has understood.
#[derive(Debug)]
pub(super) enum Event {
    /// Header and accounts; the associations that are to come.
    Start(Box<LoadStart>, u64),
    Part(Part),
}

/// What the lines so far amount to.
#[derive(Default)]
pub(super) struct Lines {
    /// Complete lines.
    count: u64,
    header: Option<Header>,
    records: Vec<Record>,
    /// The accounts, once the lines after them began.
    registry: Option<Arc<Registry>>,
    last: Option<Position>,
    profiles: Vec<Profile>,
    resources: Vec<(RowKey, String)>,
    groups: Vec<(ServiceProviderId, Vec<Row>)>,
    group_rows: usize,
    changes: Vec<Change>,
    /// Of the provider whose associations are being read.
    checksum: Checksum,
    /// Providers whose totals are to come.
    waiting: BTreeSet<ServiceProviderId>,
    profile_count: u64,
    resource_count: u64,
    association_count: u64,
    change_count: u64,
    whole: Checksum,
    /// The last line, once it was read.
    pub(super) end: Option<End>,
}

impl Lines {
    pub(super) fn error(&self, reason: &str) -> FormatError {
        FormatError { line: self.count + 1, reason: reason.to_owned() }
    }

    pub(super) fn take(&mut self, line: &[u8], events: &mut VecDeque<Event>) -> Result<(), FormatError> {
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
            Line::Organization(record) => self.record(Record::Organization(record)),
            Line::Client(record) => self.record(Record::Client(record)),
            Line::ServiceProvider(record) => self.record(Record::ServiceProvider(record)),
            Line::Maintenance(record) => self.record(Record::Maintenance(record)),
            Line::AdminToken(record) => self.record(Record::AdminToken(record)),
            Line::Keys(record) => self.record(Record::Keys(record)),
            Line::Webhook(record) => self.record(Record::Webhook(record)),
            Line::Delivery(record) => self.record(Record::Delivery(record)),
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
            Line::Resource(line) => self.resource(line, events),
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
        let owners = registry.clients.values().map(|client| &client.organization);
        let owners = owners.chain(registry.providers.values().map(|provider| &provider.organization));
        let maintenance = usize::from(registry.maintenance != Maintenance::default());
        let keys = usize::from(*registry.keyring != Keyring::default());
        let distinct = registry.organizations.len() + registry.clients.len() + registry.providers.len();
        let distinct = distinct + registry.admin_tokens.len();
        let distinct = distinct + registry.webhooks.len() + registry.deliveries.len();
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

    fn resource(&mut self, line: ResourceLine, events: &mut VecDeque<Event>) -> Result<(), FormatError> {
        let ResourceLine { organization, resource } = line;
        let registry = self.registry(events)?;
        self.check(registry.organizations.contains_key(&organization), "organization")?;
        let (key, text) = resource.row(&organization);
        self.advance(Position::Resource(key.clone()))?;
        self.resource_count += 1;
        self.resources.push((key, text));
        if self.resources.len() >= PART_ROWS {
            self.emit(events);
        }
        Ok(())
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
                if !self.profiles.is_empty() || !self.resources.is_empty() {
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
            resources: self.resource_count,
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
            Part::Resources(std::mem::take(&mut self.resources)),
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
