//! A part of the row cache: rows one after the other in segments of memory, and a table that leads to them.
//!
//! A row takes the bytes of its id and value, 17 more, and some eight in the table. Rows are appended to one segment. When it is
//! full and there may be no more segments, the one with the most removed rows is packed. When hardly any were removed, the
//! next segment in turn gives up those of its rows that were not read since its last turn. That is FIFO with reinsertion: it
//! keeps as good as what LRU keeps, and to read a row a second time writes nothing.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use jackfield_model::AmazonId;

use super::super::counts::ProviderNumber;
use super::ViewNumber;

/// Rows of one segment share its memory.
pub(super) const SEGMENT_BYTES: usize = 16 * 1024;
/// A segment with fewer bytes of removed rows is not worth packing.
const PACKED_FROM: usize = SEGMENT_BYTES / 8;
/// Ids that are kept as they were made of values; a row has its place among them by its hash. A power of two.
const IDS: usize = 256;
/// About what these come to take, each with its text.
pub(super) const IDS_BYTES: usize = IDS * (size_of::<Made>() + 96);
/// Segments that may have their turn for one row.
const TURNS_MAX: usize = 8;
/// The least that a table takes.
const LEAST_TABLE_BYTES: usize = 256;
/// What stands before the id of a row: its mark, version, the lengths of id and value, the provider.
const HEAD_BYTES: usize = 1 + size_of::<ViewNumber>() + 2 + 2 + size_of::<ProviderNumber>();
/// Longer rows are not kept. Ids have up to 256 characters of up to four bytes, values up to 256 bytes.
const ROW_BYTES_MAX: usize = HEAD_BYTES + 1024 + 256;
const _: () = assert!(ROW_BYTES_MAX <= PACKED_FROM, "a segment that was packed must have room for a row");

/// Marks a row that was read since the last turn of its segment.
const READ: u8 = 1;
/// Marks a row that is no more.
const REMOVED: u8 = 2;

/// A segment, and a byte of it.
type Place = u32;

/// The id that was made of the value of a row, once it was needed.
struct Made {
    /// Of the row. Rows are only put behind others, so that no two of them had this place since their segment was packed.
    place: Place,
    id: Option<AmazonId>,
}

/// What a row is looked up by.
#[derive(Clone, Copy)]
pub(super) struct Key<'k> {
    provider: ProviderNumber,
    id: &'k [u8],
    pub(super) hash: u64,
}

impl<'k> Key<'k> {
    pub(super) fn new(hasher: &RandomState, provider: ProviderNumber, id: &'k [u8]) -> Self {
        let mut state = hasher.build_hasher();
        state.write_u32(provider);
        state.write(id);
        Self { provider, id, hash: state.finish() }
    }
}

/// What became of a row that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there, and so are the others.
    Kept,
    /// It is there, and some others are not any more.
    Evicted,
    /// It is not there.
    NoRoom,
}

pub(super) struct Shard {
    places: HashTable<Place>,
    segments: Vec<Segment>,
    /// The segment that rows are appended to.
    current: usize,
    /// The segment that gives up rows next.
    turn: usize,
    /// A segment of which most bytes are of removed rows.
    most_removed: usize,
    /// Ids that were made of values, by the hash of their row.
    ids: Box<[Made; IDS]>,
    /// What table, segments and ids may take.
    limit: usize,
    hasher: RandomState,
}

struct Segment {
    bytes: Vec<u8>,
    /// How many of these are of removed rows.
    removed: usize,
}

/// A row as it stands in a segment.
struct Row<'s> {
    mark: u8,
    version: ViewNumber,
    provider: ProviderNumber,
    id: &'s [u8],
    value: &'s [u8],
}

impl<'s> Row<'s> {
    /// The row that the bytes begin with.
    fn at_start_of(bytes: &'s [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let (id, rest) = rest.split_at_checked(u16::from_le_bytes([head[9], head[10]]).into())?;
        Some(Self {
            mark: head[0],
            version: ViewNumber::from_le_bytes(std::array::from_fn(|at| head[1 + at])),
            provider: ProviderNumber::from_le_bytes(std::array::from_fn(|at| head[13 + at])),
            id,
            value: rest.get(..u16::from_le_bytes([head[11], head[12]]).into())?,
        })
    }

    const fn bytes(&self) -> usize {
        HEAD_BYTES + self.id.len() + self.value.len()
    }

    fn is_of(&self, key: Key<'_>) -> bool {
        self.provider == key.provider && *self.id == *key.id
    }
}

impl Segment {
    fn row(&self, offset: usize) -> Option<Row<'_>> {
        self.bytes.get(offset..).and_then(Row::at_start_of)
    }

    const fn free(&self) -> usize {
        SEGMENT_BYTES - self.bytes.len()
    }
}

fn place(segment: usize, offset: usize) -> Option<Place> {
    Place::try_from(segment.checked_mul(SEGMENT_BYTES)? + offset).ok()
}

const fn parts(place: Place) -> (usize, usize) {
    (place as usize / SEGMENT_BYTES, place as usize % SEGMENT_BYTES)
}

fn is_at(segments: &[Segment], place: Place, key: Key<'_>) -> bool {
    row_at(segments, place).is_some_and(|row| row.is_of(key))
}

fn row_at(segments: &[Segment], place: Place) -> Option<Row<'_>> {
    let (segment, offset) = parts(place);
    segments.get(segment)?.row(offset)
}

impl Shard {
    /// An empty shard, which comes to take at most so many bytes.
    pub(super) fn new(limit: usize, hasher: RandomState) -> Self {
        let most = Place::MAX as usize / 2;
        Self {
            places: HashTable::new(),
            segments: Vec::new(),
            current: 0,
            turn: 0,
            most_removed: 0,
            ids: Box::new([const { Made { place: 0, id: None } }; IDS]),
            limit: limit.clamp(IDS_BYTES + 2 * SEGMENT_BYTES, most),
            hasher,
        }
    }

    /// The version and the value of a row, which counts as read from now on, and the id that was made of the value.
    pub(super) fn get(&mut self, key: Key<'_>) -> Option<(ViewNumber, &[u8], &mut Option<AmazonId>)> {
        let Self { places, segments, ids, .. } = self;
        let (mut version, mut value, mut mark) = (0, 0..0, 0);
        let place = places.find(key.hash, |place| {
            row_at(segments, *place).is_some_and(|row| {
                let end = parts(*place).1 + row.bytes();
                (version, value, mark) = (row.version, end - row.value.len()..end, row.mark);
                row.is_of(key)
            })
        });
        let place = *place?;
        let (segment, offset) = parts(place);
        let made = &mut ids[(key.hash >> 48) as usize % IDS];
        if made.place != place {
            *made = Made { place, id: None };
        }
        let bytes = &mut segments[segment].bytes;
        // Where nothing is written, the processors share the memory.
        if mark & READ == 0 {
            bytes[offset] |= READ;
        }
        Some((version, bytes.get(value)?, &mut made.id))
    }

    pub(super) fn has(&self, key: Key<'_>) -> bool {
        self.places.find(key.hash, |place| is_at(&self.segments, *place, key)).is_some()
    }

    /// Keeps a row instead of an earlier version of it. Where there is no room, others have to go if they may.
    pub(super) fn put(&mut self, key: Key<'_>, version: ViewNumber, value: &[u8], evict: bool) -> Put {
        self.remove(key);
        let lengths = (u16::try_from(key.id.len()), u16::try_from(value.len()));
        let bytes = HEAD_BYTES + key.id.len() + value.len();
        let (Ok(id_length), Ok(value_length), true) = (lengths.0, lengths.1, bytes <= ROW_BYTES_MAX) else {
            return Put::NoRoom;
        };
        let before = self.places.len();
        if !self.make_room(bytes, evict) {
            return Put::NoRoom;
        }
        let evicted = self.places.len() < before;
        let Self { places, segments, current, hasher, .. } = self;
        let Some(place) = place(*current, segments[*current].bytes.len()) else { return Put::NoRoom };
        let mut head = [0; HEAD_BYTES];
        head[1..9].copy_from_slice(&version.to_le_bytes());
        head[9..11].copy_from_slice(&id_length.to_le_bytes());
        head[11..13].copy_from_slice(&value_length.to_le_bytes());
        head[13..].copy_from_slice(&key.provider.to_le_bytes());
        let segment = &mut segments[*current].bytes;
        segment.extend_from_slice(&head);
        segment.extend_from_slice(key.id);
        segment.extend_from_slice(value);
        places.insert_unique(key.hash, place, |place| {
            row_at(segments, *place).map_or(0, |row| Key::new(hasher, row.provider, row.id).hash)
        });
        if evicted { Put::Evicted } else { Put::Kept }
    }

    pub(super) fn remove(&mut self, key: Key<'_>) {
        let found = self.places.find_entry(key.hash, |place| is_at(&self.segments, *place, key));
        let Ok(found) = found else { return };
        let (place, _) = found.remove();
        let (index, offset) = parts(place);
        let segment = &mut self.segments[index];
        segment.removed += segment.row(offset).map_or(0, |row| row.bytes());
        segment.bytes[offset] |= REMOVED;
        if segment.removed > self.segments[self.most_removed].removed {
            self.most_removed = index;
        }
    }

    /// Lets go of all rows and their memory.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.limit, self.hasher.clone());
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// What table and segments take, and ids may take.
    pub(super) fn bytes(&self) -> usize {
        IDS_BYTES + self.segments.len() * SEGMENT_BYTES + self.places.allocation_size()
    }

    /// Whether there is memory for another segment.
    pub(super) fn may_grow(&self) -> bool {
        self.bytes() + SEGMENT_BYTES <= self.limit
    }

    /// Whether the current segment and the table have room for a row, which is made.
    fn make_room(&mut self, bytes: usize, evict: bool) -> bool {
        loop {
            let segment_full = self.segments.get(self.current).is_none_or(|segment| segment.free() < bytes);
            let table_full = self.places.len() == self.places.capacity();
            // A table grows to twice its size.
            let table = if table_full { self.places.allocation_size().max(LEAST_TABLE_BYTES) } else { 0 };
            let more = table + if segment_full { SEGMENT_BYTES } else { 0 };
            if more == 0 || self.bytes() + more <= self.limit {
                if segment_full {
                    self.current = self.segments.len();
                    self.segments.push(Segment { bytes: Vec::with_capacity(SEGMENT_BYTES), removed: 0 });
                }
                return true;
            }
            let packable =
                self.segments.get(self.most_removed).is_some_and(|most| most.removed >= PACKED_FROM);
            if packable && !table_full {
                self.pack(self.most_removed, |_, _| true);
            } else if evict {
                self.take_turns();
            } else {
                return false;
            }
        }
    }

    /// Lets the next segment give up the rows that were not read since its last turn, or one behind it, so that an eighth is
    /// free. Where that goes on for long, half of the rows go, read or not.
    fn take_turns(&mut self) {
        for turn in 1..=TURNS_MAX {
            let index = self.turn % self.segments.len();
            self.turn = index + 1;
            let most = if turn < TURNS_MAX { SEGMENT_BYTES } else { SEGMENT_BYTES / 2 };
            self.pack(index, |row, kept| row.mark & READ != 0 && kept + row.bytes() <= most);
            if self.segments[index].free() >= PACKED_FROM {
                return;
            }
        }
    }

    /// Moves the rows of a segment that are to stay to its beginning, and removes the others; rows are appended to it from
    /// now on. `stays` is told how many bytes stay already.
    fn pack(&mut self, index: usize, stays: impl Fn(&Row<'_>, usize) -> bool) {
        let Self { places, segments, ids, hasher, .. } = self;
        // Other rows come to the places of its rows.
        for made in ids.iter_mut().filter(|made| parts(made.place).0 == index) {
            made.id = None;
        }
        let segment = &mut segments[index];
        let (mut from, mut kept) = (0, 0);
        while let Some(row) = segment.row(from) {
            let bytes = row.bytes();
            if row.mark & REMOVED == 0 {
                let hash = Key::new(hasher, row.provider, row.id).hash;
                let stays = stays(&row, kept);
                if let (Some(before), Some(after)) = (place(index, from), place(index, kept))
                    && let Ok(mut found) = places.find_entry(hash, |place| *place == before)
                {
                    if stays {
                        *found.get_mut() = after;
                    } else {
                        found.remove();
                    }
                }
                if stays {
                    segment.bytes[from] &= !READ;
                    segment.bytes.copy_within(from..from + bytes, kept);
                    kept += bytes;
                }
            }
            from += bytes;
        }
        segment.bytes.truncate(kept);
        segment.removed = 0;
        self.current = index;
        if index == self.most_removed {
            let most = segments.iter().enumerate().max_by_key(|(_, segment)| segment.removed);
            self.most_removed = most.map_or(0, |(index, _)| index);
        }
    }
}
