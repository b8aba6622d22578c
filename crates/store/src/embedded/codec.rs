//! The bytes of values: compact, the first byte of the changing ones is a version.

use jackfield_model::{AmazonId, ClientId, ExternalUserId, RequestId, ServiceProviderId};
use uuid::Uuid;

use super::counts::{ProviderCounts, ProviderNumber};
use super::token::Token;
use crate::StoreError;
use crate::change::{Actor, Change, Operation, Subject, Timestamp};

const CHANGE_VERSION: u8 = 1;
const STATE_VERSION: u8 = 1;

/// What an association points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) amazon_id: AmazonId,
    /// Whether the association is counted at that profile of its organization.
    pub(super) counted: bool,
}

/// Stands behind the id of a target that is counted. No id holds it.
const COUNTED: u8 = 0;

/// The row that every commit writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Of the commit that wrote the row.
    pub(super) token: Token,
    /// No change with a lower sequence number is there any more.
    pub(super) first_change: u64,
    /// Highest sequence number that was given out.
    pub(super) last_change: u64,
    /// Highest provider number that was given out.
    pub(super) last_provider: ProviderNumber,
}

impl State {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![STATE_VERSION];
        bytes.extend_from_slice(&self.token);
        bytes.extend_from_slice(&self.first_change.to_le_bytes());
        bytes.extend_from_slice(&self.last_change.to_le_bytes());
        bytes.extend_from_slice(&self.last_provider.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader { rest: bytes, what: "state" };
        reader.version(STATE_VERSION)?;
        let state = Self {
            token: reader.array()?,
            first_change: reader.u64()?,
            last_change: reader.u64()?,
            last_provider: reader.array().map(u32::from_le_bytes)?,
        };
        reader.end()?;
        Ok(state)
    }
}

pub(super) fn encode_count(count: u64) -> Vec<u8> {
    count.to_le_bytes().to_vec()
}

pub(super) fn decode_count(bytes: &[u8]) -> Result<u64, StoreError> {
    bytes.try_into().map(u64::from_le_bytes).map_err(|_| corrupt("count", &"wrong length"))
}

pub(super) fn encode_provider_counts(counts: &ProviderCounts) -> Vec<u8> {
    [counts.number.to_le_bytes().as_slice(), &counts.associations.to_le_bytes()].concat()
}

pub(super) fn decode_provider_counts(bytes: &[u8]) -> Result<ProviderCounts, StoreError> {
    let mut reader = Reader { rest: bytes, what: "provider counts" };
    let counts =
        ProviderCounts { number: reader.array().map(u32::from_le_bytes)?, associations: reader.u64()? };
    reader.end()?;
    Ok(counts)
}

pub(super) fn encode_amazon_id(id: &AmazonId) -> Vec<u8> {
    id.suffix().as_bytes().to_vec()
}

pub(super) fn decode_amazon_id(suffix: &[u8]) -> Result<AmazonId, StoreError> {
    prefixed("amazonId", suffix, AmazonId::from_suffix)
}

pub(super) fn encode_target(target: &Target) -> Vec<u8> {
    let mut bytes = encode_amazon_id(&target.amazon_id);
    if target.counted {
        bytes.push(COUNTED);
    }
    bytes
}

pub(super) fn decode_target(bytes: &[u8]) -> Result<Target, StoreError> {
    let (suffix, counted) = match bytes.strip_suffix(&[COUNTED]) {
        Some(suffix) => (suffix, true),
        None => (bytes, false),
    };
    Ok(Target { amazon_id: decode_amazon_id(suffix)?, counted })
}

pub(super) fn decode_external_user_id(bytes: &[u8]) -> Result<ExternalUserId, StoreError> {
    let text = std::str::from_utf8(bytes).map_err(|error| corrupt("externalUserId", &error))?;
    ExternalUserId::new(text).map_err(|error| corrupt("externalUserId", &error))
}

/// Version, operation, actor, time, request, subject. The sequence number is the key.
pub(super) fn encode_change(change: &Change) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(160);
    bytes.push(CHANGE_VERSION);
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
            put_short(&mut bytes, Some(id.suffix()));
        }
        Actor::Operator(name) => {
            bytes.push(3);
            put_short(&mut bytes, Some(name));
        }
    }
    bytes.extend_from_slice(&change.time.0.to_le_bytes());
    bytes.extend_from_slice(change.request_id.as_uuid().as_bytes());
    match &change.subject {
        Subject::Association { provider, external_user_id, before, after } => {
            bytes.push(0);
            bytes.extend_from_slice(provider.as_uuid().as_bytes());
            put_long(&mut bytes, Some(external_user_id.as_str()));
            put_short(&mut bytes, before.as_ref().map(AmazonId::suffix));
            put_short(&mut bytes, after.as_ref().map(AmazonId::suffix));
        }
        Subject::Object { kind, id, before, after } => {
            bytes.push(1);
            put_short(&mut bytes, Some(kind));
            put_long(&mut bytes, Some(id));
            put_long(&mut bytes, before.as_deref());
            put_long(&mut bytes, after.as_deref());
        }
    }
    bytes
}

/// The sequence number of the key of a change.
pub(super) fn decode_sequence(key: &[u8]) -> Result<u64, StoreError> {
    let sequence = key.try_into().map_err(|_| corrupt("change record", &"key of a wrong length"))?;
    Ok(u64::from_be_bytes(sequence))
}

pub(super) fn decode_change(sequence: u64, bytes: &[u8]) -> Result<Change, StoreError> {
    let mut reader = Reader { rest: bytes, what: "change record" };
    reader.version(CHANGE_VERSION)?;
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
            Actor::Client(prefixed("client", suffix, ClientId::from_suffix)?.into())
        }
        3 => Actor::Operator(reader.short_text()?.unwrap_or_default().into()),
        other => return Err(reader.bad(&format_args!("actor {other}"))),
    };
    let time = Timestamp(reader.u64()?);
    let request_id = RequestId::from_uuid(Uuid::from_bytes(reader.array()?));
    let subject = match reader.u8()? {
        0 => Subject::Association {
            provider: ServiceProviderId::from_uuid(Uuid::from_bytes(reader.array()?)),
            external_user_id: decode_external_user_id(reader.long()?.unwrap_or_default())?,
            before: reader.short()?.map(decode_amazon_id).transpose()?,
            after: reader.short()?.map(decode_amazon_id).transpose()?,
        },
        1 => Subject::Object {
            kind: reader.short_text()?.unwrap_or_default(),
            id: reader.long_text()?.unwrap_or_default(),
            before: reader.long_text()?,
            after: reader.long_text()?,
        },
        other => return Err(reader.bad(&format_args!("subject {other}"))),
    };
    reader.end()?;
    Ok(Change { sequence, time, actor, request_id, operation, subject })
}

/// What cannot be understood, without the content: it may be private.
pub(super) fn corrupt(what: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt { cause: format!("{what}: {why}") }
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

fn prefixed<T, E: std::fmt::Display>(
    what: &str,
    suffix: &[u8],
    new: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, StoreError> {
    let suffix = std::str::from_utf8(suffix).map_err(|error| corrupt(what, &error))?;
    new(suffix).map_err(|error| corrupt(what, &error))
}

struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    fn bad(&self, why: &dyn std::fmt::Display) -> StoreError {
        corrupt(self.what, why)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.bad(&"too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        Ok(self.take(N)?.try_into().expect("as many bytes as asked for"))
    }

    fn u8(&mut self) -> Result<u8, StoreError> {
        Ok(self.array::<1>()?[0])
    }

    fn u64(&mut self) -> Result<u64, StoreError> {
        self.array().map(u64::from_le_bytes)
    }

    fn version(&mut self, expected: u8) -> Result<(), StoreError> {
        let found = self.u8()?;
        if found == expected { Ok(()) } else { Err(self.bad(&format_args!("version {found}"))) }
    }

    fn short(&mut self) -> Result<Option<&'a [u8]>, StoreError> {
        let length = self.u8()?;
        Ok(if length == 0 { None } else { Some(self.take(length.into())?) })
    }

    fn long(&mut self) -> Result<Option<&'a [u8]>, StoreError> {
        let mut length = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return length.checked_sub(1).map(|length| self.take(length)).transpose();
            }
        }
        Err(self.bad(&"a length that is too large"))
    }

    fn short_text(&mut self) -> Result<Option<String>, StoreError> {
        self.short()?.map(|bytes| self.text(bytes)).transpose()
    }

    fn long_text(&mut self) -> Result<Option<String>, StoreError> {
        self.long()?.map(|bytes| self.text(bytes)).transpose()
    }

    fn text(&self, bytes: &[u8]) -> Result<String, StoreError> {
        String::from_utf8(bytes.to_vec()).map_err(|error| self.bad(&error))
    }

    fn end(&self) -> Result<(), StoreError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.bad(&"too long")) }
    }
}

/// A value that is stored as JSON.
/// Bytes that are a text.
pub(super) fn text(bytes: &[u8], what: &str) -> Result<String, StoreError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| corrupt(what, &error))
}

pub(super) fn json<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| {
        // The error's own text may hold a value.
        let (kind, at) = (error.classify(), error.column());
        corrupt(what, &format_args!("JSON error ({kind:?}) at byte {at}"))
    })
}

#[cfg(test)]
mod tests {
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
                before: Some(decode_amazon_id(b"A1B2").unwrap()),
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

    #[test]
    fn changes_come_back_as_they_went_in() {
        let reset = Change { operation: Operation::Reset, ..object_change() };
        let named = Change { actor: Actor::Operator("night-shift".into()), ..object_change() };
        for change in [association_change(), object_change(), reset, named] {
            assert_eq!(decode_change(7, &encode_change(&change)).unwrap(), change);
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
        (*before, *after) = (None, Some(decode_amazon_id(b"AHXY2ABCDEFGHIJKLMNOP").unwrap()));
        assert!(encode_change(&change).len() <= 110, "{}", encode_change(&change).len());
    }

    #[test]
    fn damaged_changes_are_refused() {
        let bytes = encode_change(&association_change());
        for length in 0..bytes.len() {
            assert!(decode_change(7, &bytes[..length]).is_err(), "{length}");
        }
        let longer = [bytes.as_slice(), b"x"].concat();
        assert!(decode_change(7, &longer).is_err());
        let mut newer = bytes;
        newer[0] = 2;
        let error = decode_change(7, &newer).unwrap_err().to_string();
        assert_eq!(error, "the store holds something unexpected: change record: version 2");
    }

    #[test]
    fn targets_come_back() {
        for counted in [true, false] {
            let target = Target { amazon_id: decode_amazon_id(b"A1").unwrap(), counted };
            assert_eq!(decode_target(&encode_target(&target)).unwrap(), target);
        }
        assert!(!decode_target(b"A1").unwrap().counted, "as format 1 wrote it");
        assert!(decode_target(b"A1\0\0").is_err());
    }

    #[test]
    fn the_state_comes_back() {
        let state = State { token: [7; 16], first_change: 3, last_change: u64::MAX, last_provider: 9 };
        assert_eq!(State::decode(&state.encode()).unwrap(), state);
        assert!(State::decode(&state.encode()[1..]).is_err());
    }
}
