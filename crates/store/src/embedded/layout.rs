//! Where things stand in the store: its five spaces and the bytes of their keys.
//!
//! | space | key | value |
//! |---|---|---|
//! | association | provider number (4 bytes, big endian), `externalUserId` | `amazonId` after its fixed prefix, then 0 when it is counted at that profile |
//! | change | sequence number, big endian | a change record, see `codec` |
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

/// The bytes of a key.
pub(super) type Key = Vec<u8>;

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

/// Bytes of a provider's number at the beginning of an association's key.
pub(super) const PROVIDER_BYTES: usize = size_of::<ProviderNumber>();

pub(super) fn association(provider: ProviderNumber, id: &ExternalUserId) -> Key {
    association_prefix(provider, id.as_str())
}

pub(super) fn association_prefix(provider: ProviderNumber, id_prefix: &str) -> Key {
    [provider.to_be_bytes().as_slice(), id_prefix.as_bytes()].concat()
}

/// The provider and the `externalUserId` of the key of an association.
pub(super) fn parts_of_association(key: &[u8]) -> Option<(ProviderNumber, &str)> {
    let (provider, id) = key.split_first_chunk()?;
    Some((ProviderNumber::from_be_bytes(*provider), std::str::from_utf8(id).ok()?))
}

pub(super) fn change(sequence: u64) -> Key {
    sequence.to_be_bytes().to_vec()
}

pub(super) fn record(key: &RecordKey) -> Key {
    match key {
        RecordKey::Organization(id) => tagged(b'o', id.suffix()),
        RecordKey::Client(id) => tagged(b'c', id.suffix()),
        RecordKey::ServiceProvider(id) => [b"s".as_slice(), id.as_uuid().as_bytes()].concat(),
        RecordKey::Maintenance => b"m".to_vec(),
        RecordKey::AdminToken(id) => [b"t".as_slice(), &id.0].concat(),
        RecordKey::Keys => b"k".to_vec(),
        RecordKey::Webhook(id) => [b"w".as_slice(), id.0.as_bytes()].concat(),
        RecordKey::Delivery(id) => [b"d".as_slice(), id.0.as_bytes()].concat(),
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
    [b"o", organization.suffix().as_bytes(), b"\0"].concat()
}

pub(super) fn profile_of_organization(organization: &OrganizationId, id: &AmazonId) -> Key {
    [profiles_of(organization).as_slice(), id.suffix().as_bytes()].concat()
}

pub(super) fn profile_uses(organization: &OrganizationId, id: &AmazonId) -> Key {
    [b"n", organization.suffix().as_bytes(), b"\0", id.suffix().as_bytes()].concat()
}

/// The beginning that the rows of a list of resources share.
pub(super) fn resource_list(list: &ListKey) -> Key {
    let ListKey { organization, table, scope } = list;
    [RESOURCE, organization.as_bytes(), &[0, table.number()], scope.as_bytes(), b"\0"].concat()
}

pub(super) fn resource(key: &RowKey) -> Key {
    [resource_list(&key.list).as_slice(), key.id.as_bytes()].concat()
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
    [RESOURCE, organization.as_bytes(), &[1]].concat()
}

pub(super) fn provider(provider: ServiceProviderId) -> Key {
    [&[PROVIDER], provider.as_uuid().as_bytes().as_slice()].concat()
}

pub(super) fn profile_count(organization: &OrganizationId) -> Key {
    tagged(PROFILE_COUNT, organization.suffix())
}

fn tagged(tag: u8, id: &str) -> Key {
    [&[tag], id.as_bytes()].concat()
}
