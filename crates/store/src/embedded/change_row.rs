//! Rows of changes. The changes of a commit that follow one another stand in one row, for a row costs the engine more
//! than a change costs to write.
//!
//! The key is the number of the last change of the row, so that the first row at or behind a number holds that number or
//! follows it. The value is a version, how many changes, how many counts, a token, the changes, the counts. Formats up to 5
//! wrote a row for each change: another version and the change.
//!
//! The last row of a commit also says what the commit left: its token, and the counts that it changed. So most commits
//! need no rows for these; see [`Commit`](super::group::Commit).

use std::ops::RangeInclusive;

use jackfield_model::{AmazonId, ClientId, RequestId, ServiceProviderId};
use uuid::Uuid;

use super::codec::{self, Reader};
use super::counts::ProviderCounts;
use super::layout::{self, Key, Value};
use super::token::Token;
use crate::StoreError;
use crate::change::{Actor, Change, Operation, Subject, Timestamp};

/// A row of one change, as formats up to 5 wrote it.
const ONE_CHANGE: u8 = 1;
const CHANGES: u8 = 2;
/// Version, number of changes (2), number of counts (2), token.
const HEADER_BYTES: usize = 5 + size_of::<Token>();
/// Provider (16), its number (4), its associations (8).
const COUNTS_BYTES: usize = 28;
/// Stands where a commit goes on in another row.
const NO_TOKEN: Token = [0; 16];
/// Most changes of a row: it is read as a whole.
const CHANGES_MAX: u16 = 64;
/// A row takes no further change when it is this long: about a block of a table.
const ROW_BYTES: usize = 4 * 1024;
/// About what a change of an association takes.
const CHANGE_BYTES: usize = 160;
const WHAT: &str = "change record";

/// A row that takes changes.
#[derive(Clone, Default)]
pub(super) struct ChangeRow {
    count: u16,
    last: u64,
    bytes: Vec<u8>,
}

/// What a commit left beside its changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) token: Token,
    pub(super) counts: Vec<(ServiceProviderId, ProviderCounts)>,
}

impl ChangeRow {
    /// With memory for so many changes, as far as a row takes them.
    pub(super) fn with_room(changes: usize) -> Self {
        let bytes = changes.saturating_mul(CHANGE_BYTES).min(ROW_BYTES + CHANGE_BYTES);
        Self { bytes: Vec::with_capacity(HEADER_BYTES + bytes), ..Self::default() }
    }

    /// Appends a change. Its number follows that of the change before it.
    pub(super) fn push(&mut self, change: &Change) {
        debug_assert!(self.count == 0 || change.sequence == self.last + 1, "numbers follow one another");
        if self.count == 0 {
            self.bytes.reserve(HEADER_BYTES + CHANGE_BYTES);
            self.bytes.extend_from_slice(&[CHANGES, 0, 0, 0, 0]);
            self.bytes.extend_from_slice(&NO_TOKEN);
        }
        put_change(&mut self.bytes, change);
        self.last = change.sequence;
        self.count += 1;
    }

    /// The number of its last change; nothing when it has none.
    pub(super) fn last(&self) -> Option<u64> {
        (self.count > 0).then_some(self.last)
    }

    pub(super) const fn is_full(&self) -> bool {
        self.count >= CHANGES_MAX || self.bytes.len() >= ROW_BYTES
    }

    /// Key and value of the row, when it has a change. The next change begins another.
    pub(super) fn take(&mut self) -> Option<(Key, Value)> {
        let (key, bytes) = self.end()?;
        Some((key, bytes.into()))
    }

    fn end(&mut self) -> Option<(Key, Vec<u8>)> {
        let Self { count, last, mut bytes } = std::mem::take(self);
        (count > 0).then(|| {
            bytes[1..3].copy_from_slice(&count.to_le_bytes());
            (layout::change(last), bytes)
        })
    }

    /// The same for the last row of a commit. At most 65,535 counts have room.
    pub(super) fn take_last(&mut self, left: &Left) -> Option<(Key, Value)> {
        let (key, mut bytes) = self.end()?;
        let counts = u16::try_from(left.counts.len()).expect("few counts");
        bytes[3..5].copy_from_slice(&counts.to_le_bytes());
        bytes[5..HEADER_BYTES].copy_from_slice(&left.token);
        for (provider, counts) in &left.counts {
            bytes.extend_from_slice(provider.as_uuid().as_bytes());
            bytes.extend_from_slice(&codec::encode_provider_counts(counts));
        }
        Some((key, bytes.into()))
    }
}

/// The row of one change.
pub(super) fn of_one(change: &Change) -> (Key, Value) {
    let mut row = ChangeRow::default();
    row.push(change);
    row.take().expect("it has a change")
}

/// The parts of a row.
struct Parts<'a> {
    numbers: RangeInclusive<u64>,
    changes: &'a [u8],
    token: Token,
    counts: &'a [u8],
}

fn parts<'a>(key: &[u8], value: &'a [u8]) -> Result<Parts<'a>, StoreError> {
    let mut reader = Reader { rest: value, what: WHAT };
    let (count, token, counts) = match reader.u8()? {
        ONE_CHANGE => (1, NO_TOKEN, 0),
        CHANGES => {
            let count = u16::from_le_bytes(reader.array()?);
            let counts = u16::from_le_bytes(reader.array()?);
            (count, reader.array()?, usize::from(counts) * COUNTS_BYTES)
        }
        found => return Err(reader.bad(&format_args!("version {found}"))),
    };
    let last = decode_sequence(key)?;
    let first = u64::from(count).checked_sub(1).and_then(|before| last.checked_sub(before));
    let numbers = first.ok_or_else(|| reader.bad(&"not as many changes as numbers"))?..=last;
    let end = reader.rest.len().checked_sub(counts).ok_or_else(|| reader.bad(&"too short"))?;
    let (changes, counts) = reader.rest.split_at(end);
    Ok(Parts { numbers, changes, token, counts })
}

/// The numbers of the changes of a row.
pub(super) fn numbers(key: &[u8], value: &[u8]) -> Result<RangeInclusive<u64>, StoreError> {
    parts(key, value).map(|parts| parts.numbers)
}

/// The changes of a row, in order.
pub(super) fn changes(key: &[u8], value: &[u8]) -> Result<Vec<Change>, StoreError> {
    let Parts { numbers, changes, .. } = parts(key, value)?;
    let mut reader = Reader { rest: changes, what: WHAT };
    let changes = numbers.map(|number| read_change(&mut reader, number)).collect::<Result<_, _>>()?;
    reader.end()?;
    Ok(changes)
}

/// What the commit left that the row is the last of; nothing where it goes on in another, or wrote rows for it.
pub(super) fn left(key: &[u8], value: &[u8]) -> Result<Option<Left>, StoreError> {
    let Parts { token, counts, .. } = parts(key, value)?;
    if token == NO_TOKEN {
        return Ok(None);
    }
    let counts = counts.chunks_exact(COUNTS_BYTES).map(|entry| {
        let (provider, counts) = entry.split_first_chunk().expect("a provider is shorter");
        let provider = ServiceProviderId::from_uuid(Uuid::from_bytes(*provider));
        Ok((provider, codec::decode_provider_counts(counts)?))
    });
    Ok(Some(Left { token, counts: counts.collect::<Result<_, StoreError>>()? }))
}

/// The sequence number of the key of a row of changes.
pub(super) fn decode_sequence(key: &[u8]) -> Result<u64, StoreError> {
    let sequence = key.try_into().map_err(|_| codec::corrupt("change record", &"key of a wrong length"))?;
    Ok(u64::from_be_bytes(sequence))
}

/// Operation, actor, time, request, subject. The sequence number follows from the key of the row.
fn put_change(bytes: &mut Vec<u8>, change: &Change) {
    bytes.push(match change.operation {
        Operation::Create => 0,
        Operation::Update => 1,
        Operation::Delete => 2,
        Operation::Reset => 3,
    });
    match &change.actor {
        Actor::Admin => bytes.push(0),
        Actor::Seed => bytes.push(1),
        Actor::Client(id) => {
            bytes.push(2);
            put_short(bytes, Some(id.suffix()));
        }
        Actor::Operator(name) => {
            bytes.push(3);
            put_short(bytes, Some(name));
        }
    }
    bytes.extend_from_slice(&change.time.0.to_le_bytes());
    bytes.extend_from_slice(change.request_id.as_uuid().as_bytes());
    match &change.subject {
        Subject::Association { provider, external_user_id, before, after } => {
            bytes.push(0);
            bytes.extend_from_slice(provider.as_uuid().as_bytes());
            put_long(bytes, Some(external_user_id.as_str()));
            put_short(bytes, before.as_ref().map(AmazonId::suffix));
            put_short(bytes, after.as_ref().map(AmazonId::suffix));
        }
        Subject::Object { kind, id, before, after } => {
            bytes.push(1);
            put_short(bytes, Some(kind));
            put_long(bytes, Some(id));
            put_long(bytes, before.as_deref());
            put_long(bytes, after.as_deref());
        }
    }
}

fn read_change(reader: &mut Reader<'_>, sequence: u64) -> Result<Change, StoreError> {
    let operation = match reader.u8()? {
        0 => Operation::Create,
        1 => Operation::Update,
        2 => Operation::Delete,
        3 => Operation::Reset,
        other => return Err(reader.bad(&format_args!("operation {other}"))),
    };
    let actor = match reader.u8()? {
        0 => Actor::Admin,
        1 => Actor::Seed,
        2 => {
            let suffix = reader.short()?.unwrap_or_default();
            Actor::Client(codec::prefixed("client", suffix, ClientId::from_suffix)?.into())
        }
        3 => Actor::Operator(reader.short_text()?.unwrap_or_default().into()),
        other => return Err(reader.bad(&format_args!("actor {other}"))),
    };
    let time = Timestamp(reader.u64()?);
    let request_id = RequestId::from_uuid(Uuid::from_bytes(reader.array()?));
    let subject = match reader.u8()? {
        0 => Subject::Association {
            provider: ServiceProviderId::from_uuid(Uuid::from_bytes(reader.array()?)),
            external_user_id: codec::decode_external_user_id(reader.long()?.unwrap_or_default())?,
            before: reader.short()?.map(codec::decode_amazon_id).transpose()?,
            after: reader.short()?.map(codec::decode_amazon_id).transpose()?,
        },
        1 => Subject::Object {
            kind: reader.short_text()?.unwrap_or_default(),
            id: reader.long_text()?.unwrap_or_default(),
            before: reader.long_text()?,
            after: reader.long_text()?,
        },
        other => return Err(reader.bad(&format_args!("subject {other}"))),
    };
    Ok(Change { sequence, time, actor, request_id, operation, subject })
}

/// A text of 1 to 255 bytes, or none: length in a byte, 0 for none.
fn put_short(bytes: &mut Vec<u8>, text: Option<&str>) {
    let text = text.unwrap_or_default();
    bytes.push(u8::try_from(text.len()).expect("ids and kinds have at most 255 bytes"));
    bytes.extend_from_slice(text.as_bytes());
}

/// A text or none: length plus one in seven bits a byte, least significant first, 0 for none.
fn put_long(bytes: &mut Vec<u8>, text: Option<&str>) {
    let mut length = text.map_or(0, |text| text.len() + 1);
    while length >= 0x80 {
        bytes.push(0x80 | u8::try_from(length & 0x7f).expect("seven bits"));
        length >>= 7;
    }
    bytes.push(u8::try_from(length).expect("seven bits"));
    bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
}

#[cfg(test)]
mod tests {
    use jackfield_model::ExternalUserId;

    use super::*;

    fn association_change() -> Change {
        Change {
            sequence: 7,
            time: Timestamp(1_700_000_000_123),
            actor: Actor::Client(
                ClientId::new("amzn1.application-oa2-client.0123456789abcdef0123456789abcdef")
                    .unwrap()
                    .into(),
            ),
            request_id: RequestId::random(),
            operation: Operation::Update,
            subject: Subject::Association {
                provider: ServiceProviderId::from_uuid(Uuid::new_v4()),
                external_user_id: ExternalUserId::new(&"é".repeat(256)).unwrap(),
                before: Some(codec::decode_amazon_id(b"A1B2").unwrap()),
                after: None,
            },
        }
    }

    fn object_change() -> Change {
        Change {
            actor: Actor::Seed,
            operation: Operation::Create,
            subject: Subject::Object {
                kind: "client".to_owned(),
                id: "x".repeat(300),
                before: None,
                after: Some("y".repeat(70_000)),
            },
            ..association_change()
        }
    }

    fn row(changes: &[Change]) -> (Key, Value) {
        let mut row = ChangeRow::default();
        changes.iter().for_each(|change| row.push(change));
        row.take().unwrap()
    }

    #[test]
    fn changes_come_back_as_they_went_in() {
        let reset = Change { operation: Operation::Reset, ..object_change() };
        let named = Change { actor: Actor::Operator("night-shift".into()), ..object_change() };
        for change in [association_change(), object_change(), reset, named] {
            let (key, row) = of_one(&change);
            assert_eq!(changes(&key, &row).unwrap(), [change]);
        }
    }

    #[test]
    fn a_typical_change_is_small() {
        let mut change = association_change();
        change.operation = Operation::Create;
        let Subject::Association { external_user_id, before, after, .. } = &mut change.subject else {
            unreachable!("an association's change")
        };
        *external_user_id = ExternalUserId::new("7201").unwrap();
        (*before, *after) = (None, Some(codec::decode_amazon_id(b"AHXY2ABCDEFGHIJKLMNOP").unwrap()));
        let (_, row) = of_one(&change);
        assert!(row.len() <= 130, "{}", row.len());
    }

    #[test]
    fn rows_of_one_change_of_older_formats_are_read() {
        let change = association_change();
        let mut row = vec![ONE_CHANGE];
        put_change(&mut row, &change);
        let key = layout::change(7);
        assert_eq!(changes(&key, &row).unwrap(), [change]);
        row[0] = 3;
        let error = changes(&key, &row).unwrap_err().to_string();
        assert_eq!(error, "the store holds something unexpected: change record: version 3");
    }

    #[test]
    fn changes_of_a_row_come_back_in_order() {
        let written: Vec<Change> = (7..10)
            .map(|sequence| Change {
                sequence,
                ..if sequence == 8 { object_change() } else { association_change() }
            })
            .collect();
        for count in 1..=3 {
            let (key, value) = row(&written[..count]);
            assert_eq!(changes(&key, &value).unwrap(), written[..count]);
            assert_eq!(numbers(&key, &value).unwrap(), 7..=6 + count as u64);
        }
        assert_eq!(of_one(&written[0]), row(&written[..1]));
    }

    #[test]
    fn a_row_is_bounded() {
        let mut small = ChangeRow::default();
        assert!(small.take().is_none());
        assert_eq!(small.last(), None);
        let mut count = 0;
        while !small.is_full() {
            count += 1;
            small.push(&Change { sequence: count, ..association_change() });
        }
        assert!((2..=u64::from(CHANGES_MAX)).contains(&count), "{count}");
        assert_eq!(small.last(), Some(count));
        small.take().unwrap();
        assert_eq!(small.last(), None);
        small.push(&Change { sequence: 1, ..object_change() });
        assert!(small.is_full(), "by its length");
    }

    fn left_by_two() -> Left {
        let counts = |number| {
            let provider = ServiceProviderId::from_uuid(Uuid::new_v4());
            (provider, ProviderCounts { number, associations: u64::MAX - 1 })
        };
        Left { token: [7; 16], counts: vec![counts(1), counts(2)] }
    }

    #[test]
    fn the_last_row_of_a_commit_says_what_it_left() {
        let mut row = ChangeRow::default();
        let written = association_change();
        row.push(&written);
        let (key, value) = row.take_last(&left_by_two()).unwrap();
        assert_eq!(changes(&key, &value).unwrap(), std::slice::from_ref(&written));
        // Providers are random, so another call names others.
        let found = left(&key, &value).unwrap().unwrap();
        assert_eq!((found.token, found.counts.len()), ([7; 16], 2));
        assert_eq!(found.counts[1].1, ProviderCounts { number: 2, associations: u64::MAX - 1 });
        let (key, value) = of_one(&written);
        assert_eq!(left(&key, &value).unwrap(), None);
        assert!(row.take_last(&left_by_two()).is_none(), "no change, no row");
    }

    #[test]
    fn damaged_rows_are_refused() {
        let written =
            [Change { sequence: 1, ..association_change() }, Change { sequence: 2, ..object_change() }];
        let mut row = ChangeRow::default();
        written.iter().for_each(|change| row.push(change));
        let (key, value) = row.take_last(&left_by_two()).unwrap();
        assert_eq!(changes(&key, &value).unwrap(), written);
        for length in 0..value.len() {
            assert!(changes(&key, &value[..length]).is_err(), "{length}");
        }
        assert!(changes(&key, &[value.as_slice(), b"x"].concat()).is_err());
        assert!(changes(&key[1..], &value).is_err());
        assert!(changes(&layout::change(0), &value).is_err(), "two changes, the last of them number 0");
        let mut none = value.to_vec();
        none[1..3].copy_from_slice(&[0, 0]);
        assert!(numbers(&key, &none).is_err());
    }
}
