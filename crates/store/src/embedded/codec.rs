//! The bytes of values: compact, the first byte of the changing ones is a version. Changes: see `change_row`.

use jackfield_model::{AmazonId, ExternalUserId};

use super::counts::{ProviderCounts, ProviderNumber};
use super::layout::{Value, joined};
use super::token::Token;
use crate::StoreError;

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

/// The state of the store. Its row is that of the last commit that wrote one; later ones say in the rows of their changes
/// what they left, see `change_row`.
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
    pub(super) fn encode(&self) -> Value {
        joined([
            &[STATE_VERSION],
            &self.token,
            &self.first_change.to_le_bytes(),
            &self.last_change.to_le_bytes(),
            &self.last_provider.to_le_bytes(),
        ])
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

pub(super) fn encode_count(count: u64) -> Value {
    count.to_le_bytes().into()
}

pub(super) fn decode_count(bytes: &[u8]) -> Result<u64, StoreError> {
    bytes.try_into().map(u64::from_le_bytes).map_err(|_| corrupt("count", &"wrong length"))
}

pub(super) fn encode_provider_counts(counts: &ProviderCounts) -> Value {
    joined([&counts.number.to_le_bytes(), &counts.associations.to_le_bytes()])
}

pub(super) fn decode_provider_counts(bytes: &[u8]) -> Result<ProviderCounts, StoreError> {
    let mut reader = Reader { rest: bytes, what: "provider counts" };
    let counts =
        ProviderCounts { number: reader.array().map(u32::from_le_bytes)?, associations: reader.u64()? };
    reader.end()?;
    Ok(counts)
}

pub(super) fn encode_amazon_id(id: &AmazonId) -> Value {
    id.suffix().as_bytes().into()
}

pub(super) fn decode_amazon_id(suffix: &[u8]) -> Result<AmazonId, StoreError> {
    prefixed("amazonId", suffix, AmazonId::from_suffix)
}

pub(super) fn encode_target(target: &Target) -> Value {
    let id = target.amazon_id.suffix().as_bytes();
    if target.counted { joined([id, &[COUNTED]]) } else { id.into() }
}

pub(super) fn decode_target(bytes: &[u8]) -> Result<Target, StoreError> {
    let (suffix, counted) = parts_of_target(bytes);
    Ok(Target { amazon_id: decode_amazon_id(suffix)?, counted })
}

/// What an association points at, as a copy of the id that was made of the same bytes before: to make one costs as much as to
/// find its row in memory.
pub(super) fn decode_target_again(bytes: &[u8], made: &mut Option<AmazonId>) -> Result<AmazonId, StoreError> {
    match made {
        Some(made) => Ok(made.clone()),
        None => Ok(made.insert(decode_amazon_id(parts_of_target(bytes).0)?).clone()),
    }
}

const fn parts_of_target(bytes: &[u8]) -> (&[u8], bool) {
    match bytes {
        [suffix @ .., COUNTED] => (suffix, true),
        suffix => (suffix, false),
    }
}

pub(super) fn decode_external_user_id(bytes: &[u8]) -> Result<ExternalUserId, StoreError> {
    let text = std::str::from_utf8(bytes).map_err(|error| corrupt("externalUserId", &error))?;
    ExternalUserId::new(text).map_err(|error| corrupt("externalUserId", &error))
}

/// What cannot be understood, without the content: it may be private.
pub(super) fn corrupt(what: &str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt { cause: format!("{what}: {why}") }
}

pub(super) fn prefixed<T, E: std::fmt::Display>(
    what: &str,
    suffix: &[u8],
    new: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, StoreError> {
    let suffix = std::str::from_utf8(suffix).map_err(|error| corrupt(what, &error))?;
    new(suffix).map_err(|error| corrupt(what, &error))
}

/// Takes a value apart.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
    pub(super) what: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn bad(&self, why: &dyn std::fmt::Display) -> StoreError {
        corrupt(self.what, why)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.bad(&"too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        Ok(self.take(N)?.try_into().expect("as many bytes as asked for"))
    }

    pub(super) fn u8(&mut self) -> Result<u8, StoreError> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u64(&mut self) -> Result<u64, StoreError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn version(&mut self, expected: u8) -> Result<(), StoreError> {
        let found = self.u8()?;
        if found == expected { Ok(()) } else { Err(self.bad(&format_args!("version {found}"))) }
    }

    pub(super) fn short(&mut self) -> Result<Option<&'a [u8]>, StoreError> {
        let length = self.u8()?;
        Ok(if length == 0 { None } else { Some(self.take(length.into())?) })
    }

    pub(super) fn long(&mut self) -> Result<Option<&'a [u8]>, StoreError> {
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

    pub(super) fn short_text(&mut self) -> Result<Option<String>, StoreError> {
        self.short()?.map(|bytes| self.text(bytes)).transpose()
    }

    pub(super) fn long_text(&mut self) -> Result<Option<String>, StoreError> {
        self.long()?.map(|bytes| self.text(bytes)).transpose()
    }

    pub(super) fn text(&self, bytes: &[u8]) -> Result<String, StoreError> {
        String::from_utf8(bytes.to_vec()).map_err(|error| self.bad(&error))
    }

    pub(super) fn end(&self) -> Result<(), StoreError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.bad(&"too long")) }
    }
}

/// Bytes that are a text.
pub(super) fn text(bytes: &[u8], what: &str) -> Result<String, StoreError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| corrupt(what, &error))
}

/// A value that is stored as JSON.
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

    #[test]
    fn targets_come_back() {
        for counted in [true, false] {
            let target = Target { amazon_id: decode_amazon_id(b"A1").unwrap(), counted };
            assert_eq!(decode_target(&encode_target(&target)).unwrap(), target);
        }
        assert!(!decode_target(b"A1").unwrap().counted, "as format 1 wrote it");
        for bytes in [&b"A1"[..], b"A1\0"] {
            let mut made = None;
            assert_eq!(decode_target_again(bytes, &mut made).unwrap().suffix(), "A1");
            assert_eq!(decode_target_again(bytes, &mut made).unwrap(), made.unwrap());
        }
        assert!(decode_target_again(b"A1\0\0", &mut None).is_err());
        assert!(decode_target(b"A1\0\0").is_err());
    }

    #[test]
    fn the_state_comes_back() {
        let state = State { token: [7; 16], first_change: 3, last_change: u64::MAX, last_provider: 9 };
        assert_eq!(State::decode(&state.encode()).unwrap(), state);
        assert!(State::decode(&state.encode()[1..]).is_err());
    }
}
