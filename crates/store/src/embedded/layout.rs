//! Where things stand in the store: its five spaces and the bytes of their keys.
//!
//! | space | key | value |
//! |---|---|---|
//! | association | provider number (4 bytes, big endian), `externalUserId` | `amazonId` after its fixed prefix, then 0 when it is counted at that profile |
//! | change | number of the last change, big endian | changes that follow one another, see `change_row` |
//! | registry | kind (1 byte), id | JSON of a `Record` |
//! | profile | `p`, profile id | JSON of a `Profile` |
//! | | `u`, unit id | profile id |
//! | | `o`, organization id, 0, profile id | nothing: the index of an organization's profiles |
//! | | `r`, organization id, 0, table (1 byte), scope, 0, id | a row of a resource, see [`row`](crate::resource) |
//! | | `n`, organization id, 0, profile id | how many associations are counted at the profile, when there are any |
//! | meta | `state` | token of the last commit, first and last change, last provider number |
//! | | `root-key` | 32 bytes |
//! | | `loading` | while the store is being filled: from what, and how far, see `load` |
//! | | `a`, provider (16 bytes) | its number, how many associations it has |
//! | | `p`, organization id | how many profiles it has |
//!
//! Ids are written without the prefix that all ids of their kind begin with, so the order of the keys is the
//! order of the ids. A provider's number is short so that most keys of associations fit into the few bytes that
//! the engine compares without following a pointer: its memory tables are where reads and writes spend their time.
//! The rows `state` and `a` are those of the last commit that wrote them; later ones say in the rows of their changes what
//! they left, see `change_row`.
//! A change of this page is a new format version, see `directory`.

use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId, UnitId};

use super::counts::ProviderNumber;
use crate::registry::RecordKey;
use crate::resource::{ListKey, RowKey, Table};

/// A part of the store with its own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Space {
    Association,
    Change,
    Registry,
    Profile,
    Meta,
}

impl Space {
    pub(super) const ALL: [Self; 5] =
        [Self::Association, Self::Change, Self::Registry, Self::Profile, Self::Meta];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Association => "association",
            Self::Change => "change",
            Self::Registry => "registry",
            Self::Profile => "profile",
            Self::Meta => "meta",
        }
    }
}

/// The bytes of a key, as the engine takes them: short ones take no memory of their own.
pub(super) type Key = fjall::Slice;
/// The bytes of a value.
pub(super) type Value = fjall::Slice;

pub(super) const STATE: &[u8] = b"state";
pub(super) const ROOT_KEY: &[u8] = b"root-key";
pub(super) const LOADING: &[u8] = b"loading";
/// Begins the keys of what is counted at profiles.
pub(super) const PROFILE_USES: &[u8] = b"n";
/// Begins the keys of the index of an organization's profiles.
pub(super) const PROFILE_INDEX: &[u8] = b"o";
/// Begins the keys of resources.
pub(super) const RESOURCE: &[u8] = b"r";
/// Begins the keys of profiles by unit.
pub(super) const UNIT: &[u8] = b"u";
/// Begins the keys of profiles, by id.
pub(super) const PROFILE: &[u8] = b"p";
pub(super) const PROVIDER: u8 = b'a';
pub(super) const PROFILE_COUNT: u8 = b'p';

/// Keys of this length are put together without memory of their own.
const JOINED_BYTES: usize = 64;

/// Bytes of a provider's number at the beginning of an association's key.
pub(super) const PROVIDER_BYTES: usize = size_of::<ProviderNumber>();

pub(super) fn association(provider: ProviderNumber, id: &ExternalUserId) -> Key {
    association_prefix(provider, id.as_str())
}

pub(super) fn association_prefix(provider: ProviderNumber, id_prefix: &str) -> Key {
    joined([&provider.to_be_bytes(), id_prefix.as_bytes()])
}

/// The provider and the `externalUserId` of the key of an association.
pub(super) fn parts_of_association(key: &[u8]) -> Option<(ProviderNumber, &[u8])> {
    let (provider, id) = key.split_first_chunk()?;
    Some((ProviderNumber::from_be_bytes(*provider), id))
}

/// The row of changes that ends with this one.
pub(super) fn change(sequence: u64) -> Key {
    sequence.to_be_bytes().into()
}

pub(super) fn record(key: &RecordKey) -> Key {
    match key {
        RecordKey::Organization(id) => tagged(b'o', id.suffix()),
        RecordKey::Client(id) => tagged(b'c', id.suffix()),
        RecordKey::ServiceProvider(id) => joined([b"s", id.as_uuid().as_bytes()]),
        RecordKey::Maintenance => Key::from(b"m"),
        RecordKey::AdminToken(id) => joined([b"t", &id.0]),
        RecordKey::Keys => Key::from(b"k"),
        RecordKey::Webhook(id) => joined([b"w", id.0.as_bytes()]),
        RecordKey::Delivery(id) => joined([b"d", id.0.as_bytes()]),
    }
}

pub(super) fn profile(id: &AmazonId) -> Key {
    tagged(b'p', id.suffix())
}

pub(super) fn profile_of_unit(unit: &UnitId) -> Key {
    tagged(b'u', unit.suffix())
}

/// The beginning that the index keys of an organization share. Ids hold no zero byte, so no organization's
/// beginning is that of another.
pub(super) fn profiles_of(organization: &OrganizationId) -> Key {
    joined([b"o", organization.suffix().as_bytes(), b"\0"])
}

pub(super) fn profile_of_organization(organization: &OrganizationId, id: &AmazonId) -> Key {
    joined([&*profiles_of(organization), id.suffix().as_bytes()])
}

pub(super) fn profile_uses(organization: &OrganizationId, id: &AmazonId) -> Key {
    joined([b"n", organization.suffix().as_bytes(), b"\0", id.suffix().as_bytes()])
}

/// The beginning that the rows of a list of resources share.
pub(super) fn resource_list(list: &ListKey) -> Key {
    let ListKey { organization, table, scope } = list;
    joined([RESOURCE, organization.as_bytes(), &[0, table.number()], scope.as_bytes(), b"\0"])
}

pub(super) fn resource(key: &RowKey) -> Key {
    joined([&*resource_list(&key.list), key.id.as_bytes()])
}

/// The row of a resource that a key is for.
pub(super) fn resource_of(key: &[u8]) -> Option<RowKey> {
    let mut parts = key.strip_prefix(RESOURCE)?.splitn(3, |byte| *byte == 0);
    let (organization, rest, id) = (parts.next()?, parts.next()?, parts.next()?);
    let (table, scope) = rest.split_first()?;
    let text = |bytes: &[u8]| Some(std::str::from_utf8(bytes).ok()?.to_owned());
    let list = ListKey {
        organization: text(organization)?,
        table: Table::from_number(*table)?,
        scope: text(scope)?,
    };
    Some(RowKey { list, id: text(id)? })
}

/// Greater than the keys of all rows of an organization's resources, and smaller than those of the organizations after it:
/// no id has a byte this small.
pub(super) fn resources_end(organization: &str) -> Key {
    joined([RESOURCE, organization.as_bytes(), &[1]])
}

pub(super) fn provider(provider: ServiceProviderId) -> Key {
    joined([&[PROVIDER], provider.as_uuid().as_bytes()])
}

pub(super) fn profile_count(organization: &OrganizationId) -> Key {
    tagged(PROFILE_COUNT, organization.suffix())
}

fn tagged(tag: u8, id: &str) -> Key {
    joined([&[tag], id.as_bytes()])
}

/// Parts one after the other.
pub(super) fn joined<const N: usize>(parts: [&[u8]; N]) -> Key {
    let mut bytes = [0; JOINED_BYTES];
    let mut end = 0;
    for part in parts {
        let Some(room) = bytes.get_mut(end..end + part.len()) else { return parts.concat().into() };
        room.copy_from_slice(part);
        end += part.len();
    }
    bytes[..end].into()
}
