//! From store to store: what is missing is moved, everything is compared, what differs is moved again.

use std::collections::BTreeSet;
use std::sync::Arc;

use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId};

use super::{Checksum, Digest, Digests, MoveError, Moved, PART_ROWS};
use crate::contract::{Load, LoadStart, PAGE_ROWS, Part, Position, Section, Snapshot};
use crate::resource::RowKey;
use crate::source::Source;
use crate::{Store, StoreError};

/// Fills the store `to` with everything that `from` holds as of now, or goes on where an earlier copy was interrupted.
/// What is written to `from` meanwhile is not copied. `watch` is told of each part.
///
/// # Errors
/// [`MoveError`]; `to` stays unfinished, so that a copy can go on.
pub async fn copy(
    from: &dyn Store,
    to: &dyn Store,
    mut watch: impl FnMut(&Moved) + Send,
) -> Result<Moved, MoveError> {
    let mut source = from.snapshot().await?;
    let totals = source.totals();
    let registry = Arc::clone(source.registry());
    let start = LoadStart {
        source: Source::store(source.root_key()),
        root_key: source.root_key().clone(),
        registry: Arc::clone(&registry),
        last_change: totals.last_change,
    };
    let mut load = to.load(start).await?.ready()?;
    let mut moved = Moved {
        accounts: registry.records().len() as u64,
        expected: totals.associations,
        ..Moved::default()
    };
    let mut seen = Digests::new();
    let position = load.position().clone();
    if position != Position::Start {
        moved.skipped = load.snapshot().await?.totals().associations;
    }
    let mut rows = Rows::new(&mut *source, position, &mut seen);
    let mut part = rows.part().await?;
    while let Some(now) = part {
        moved.count(&now);
        // The next part is read while this one is stored.
        let (added, next) = tokio::join!(load.add(now), rows.part());
        added?;
        part = next?;
        watch(&moved);
    }
    for section in differing(&mut *source, &mut *load, &mut seen).await? {
        load.clear(section).await?;
        moved.repaired += 1;
        let mut rows = Rows::of(&mut *source, section, &mut seen);
        while let Some(part) = rows.part().await? {
            load.add(part).await?;
        }
        watch(&moved);
    }
    if let Some(section) = differing(&mut *source, &mut *load, &mut seen).await?.first() {
        return Err(MoveError::Differs(*section));
    }
    load.finish().await?;
    Ok(moved)
}

/// The sections that are not in the store as they are in the source. `seen` has checksums of sections that were read
/// whole.
async fn differing(
    source: &mut dyn Snapshot,
    load: &mut dyn Load,
    seen: &mut Digests,
) -> Result<Vec<Section>, MoveError> {
    let mut target = load.snapshot().await?;
    let providers: BTreeSet<ServiceProviderId> = source.registry().providers.keys().copied().collect();
    let sections = [Section::Profiles, Section::Resources, Section::Changes].into_iter();
    let mut differing = Vec::new();
    for section in sections.chain(providers.into_iter().map(Section::Provider)) {
        let wanted = match seen.get(&section) {
            Some(digest) => *digest,
            None => digest(source, section).await?,
        };
        seen.insert(section, wanted);
        if let Section::Provider(provider) = section {
            let counted = source.count(provider).await?;
            if counted != wanted.rows {
                return Err(MoveError::Miscounted { provider, counted, held: wanted.rows });
            }
        }
        let counted = match section {
            Section::Provider(provider) => target.count(provider).await?,
            Section::Profiles | Section::Resources | Section::Changes => wanted.rows,
        };
        if counted != wanted.rows || digest(&mut *target, section).await? != wanted {
            differing.push(section);
        }
    }
    Ok(differing)
}

/// The checksum of a section.
async fn digest(snapshot: &mut dyn Snapshot, section: Section) -> Result<Digest, StoreError> {
    let mut seen = Digests::new();
    let mut rows = Rows::of(snapshot, section, &mut seen);
    while rows.part().await?.is_some() {}
    Ok(seen.remove(&section).unwrap_or_else(|| Checksum::default().digest()))
}

/// The rows of a snapshot as parts, with the checksum of each section that is read whole.
struct Rows<'a> {
    snapshot: &'a mut dyn Snapshot,
    /// What is being read, from where on.
    now: Option<(Section, Option<Position>)>,
    /// What is to be read after it.
    next: Vec<Section>,
    /// Of the section that is being read, unless its beginning is skipped.
    checksum: Option<Checksum>,
    seen: &'a mut Digests,
}

impl<'a> Rows<'a> {
    /// Everything after a position.
    fn new(snapshot: &'a mut dyn Snapshot, position: Position, seen: &'a mut Digests) -> Self {
        let providers: BTreeSet<ServiceProviderId> = snapshot.registry().providers.keys().copied().collect();
        let after = |provider: &ServiceProviderId| match &position {
            Position::Association(last, _) => provider > last,
            Position::Change(_) => false,
            Position::Start | Position::Profile(_) | Position::Resource(_) => true,
        };
        let mut next = vec![Section::Changes];
        next.extend(providers.into_iter().rev().filter(after).map(Section::Provider));
        let first = match &position {
            Position::Start | Position::Profile(_) => {
                next.push(Section::Resources);
                Section::Profiles
            }
            Position::Resource(_) => Section::Resources,
            Position::Association(provider, _) => Section::Provider(*provider),
            Position::Change(_) => {
                next.clear();
                Section::Changes
            }
        };
        let whole = position == Position::Start;
        let now = Some((first, (!whole).then_some(position)));
        Self { snapshot, now, next, checksum: whole.then(Checksum::default), seen }
    }

    /// The rows of one section.
    fn of(snapshot: &'a mut dyn Snapshot, section: Section, seen: &'a mut Digests) -> Self {
        let checksum = Some(Checksum::default());
        Self { snapshot, now: Some((section, None)), next: Vec::new(), checksum, seen }
    }

    /// The next part; none at the end.
    async fn part(&mut self) -> Result<Option<Part>, StoreError> {
        let mut part = Part::Profiles(Vec::new());
        while let Some((section, after)) = self.now.take() {
            if part.len() >= PART_ROWS || !part.takes(section) {
                self.now = Some((section, after));
                break;
            }
            part = part.join(self.page(section, after).await?);
        }
        Ok((!part.is_empty()).then_some(part))
    }

    /// Reads a page and plans what comes after it.
    async fn page(&mut self, section: Section, after: Option<Position>) -> Result<Part, StoreError> {
        let page = match section {
            Section::Profiles => {
                let after: Option<AmazonId> = match after {
                    Some(Position::Profile(id)) => Some(id),
                    _ => None,
                };
                let page = self.snapshot.profiles(after.as_ref(), PAGE_ROWS).await?;
                page.iter().for_each(|profile| self.feed(|sum| sum.profile(profile)));
                Part::Profiles(page)
            }
            Section::Resources => {
                let after: Option<RowKey> = match after {
                    Some(Position::Resource(key)) => Some(key),
                    _ => None,
                };
                let page = self.snapshot.resources(after.as_ref(), PAGE_ROWS).await?;
                page.iter().for_each(|(key, text)| self.feed(|sum| sum.resource(key, text)));
                Part::Resources(page)
            }
            Section::Provider(provider) => {
                let after: Option<ExternalUserId> = match after {
                    Some(Position::Association(_, id)) => Some(id),
                    _ => None,
                };
                let page = self.snapshot.associations(provider, after.as_ref(), PAGE_ROWS).await?;
                page.iter().for_each(|row| self.feed(|sum| sum.association(row)));
                Part::Associations(vec![(provider, page)])
            }
            Section::Changes => {
                let after = match after {
                    Some(Position::Change(sequence)) => sequence,
                    _ => 0,
                };
                let page = self.snapshot.changes(after, PAGE_ROWS).await?;
                page.iter().for_each(|change| self.feed(|sum| sum.change(change)));
                Part::Changes(page)
            }
        };
        if page.len() == PAGE_ROWS {
            self.now = page.end().map(|end| (section, Some(end)));
        } else {
            if let Some(checksum) = self.checksum.replace(Checksum::default()) {
                self.seen.insert(section, checksum.digest());
            }
            self.now = self.next.pop().map(|section| (section, None));
        }
        Ok(page)
    }

    fn feed(&mut self, feed: impl FnOnce(&mut Checksum)) {
        if let Some(checksum) = &mut self.checksum {
            feed(checksum);
        }
    }
}

impl Part {
    /// Whether rows of the section can be part of it.
    fn takes(&self, section: Section) -> bool {
        self.is_empty()
            || matches!(
                (self, section),
                (Self::Profiles(_), Section::Profiles)
                    | (Self::Resources(_), Section::Resources)
                    | (Self::Associations(_), Section::Provider(_))
                    | (Self::Changes(_), Section::Changes)
            )
    }

    /// With the rows of a page after its own.
    fn join(self, page: Self) -> Self {
        match (self, page) {
            (Self::Profiles(mut rows), Self::Profiles(page)) => {
                rows.extend(page);
                Self::Profiles(rows)
            }
            (Self::Resources(mut rows), Self::Resources(page)) => {
                rows.extend(page);
                Self::Resources(rows)
            }
            (Self::Changes(mut rows), Self::Changes(page)) => {
                rows.extend(page);
                Self::Changes(rows)
            }
            (Self::Associations(mut groups), Self::Associations(page)) => {
                for (provider, rows) in page.into_iter().filter(|(_, rows)| !rows.is_empty()) {
                    match groups.last_mut() {
                        Some((last, before)) if *last == provider => before.extend(rows),
                        _ => groups.push((provider, rows)),
                    }
                }
                Self::Associations(groups)
            }
            // A part takes only what is of its kind, unless it is empty.
            (_, page) => page,
        }
    }
}
