//! The format of an export: JSON Lines, compressed with zstd. `docs/moving.md` describes it.
//!
//! Header, accounts, profiles, resources, associations with a total after each provider, changes, end. The end says how many lines
//! of each kind there were and the checksum of all bytes before it, so that an export that was cut off or changed is
//! noticed. Whoever changes a name here, or of a field of the records, makes a new version.

use jackfield_model::admin::Maintenance;
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::change::{Change, Timestamp};
use crate::key::Hex32;
use crate::registry::{
    AdminToken, Client, Delivery, Keyring, Organization, Profile, Record, ServiceProvider, Webhook,
};
use crate::resource::Resource;

/// The version of the format that is written, and the newest that is read.
///
/// 1: the first. 2: admin tokens, and changes that name them; organizations have quotas; signing keys. 3: resources, and
/// what organizations say of them. 4: webhooks.
pub const FORMAT_VERSION: u32 = 4;
pub(super) const FORMAT: &str = "jackfield export";

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
pub(super) struct Preface {
    pub(super) format: String,
    pub(super) version: u32,
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
    Webhook(Box<Webhook>),
    Delivery(Delivery),
    Profile(Profile),
    Resource(ResourceLine),
    Association(AssociationLine),
    ProviderTotal(ProviderTotal),
    Change(Change),
    End(End),
}

/// A resource under the name of its kind, beside its organization.
#[derive(Serialize, Deserialize)]
pub(super) struct ResourceLine {
    pub(super) organization: OrganizationId,
    #[serde(flatten)]
    pub(super) resource: Resource,
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
    /// Not said before version 3.
    #[serde(default)]
    pub(super) resources: u64,
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
            Record::Webhook(webhook) => Self::Webhook(webhook),
            // Who delivers is about the nodes that it comes from.
            Record::Delivery(delivery) => Self::Delivery(Delivery { holder: None, ..delivery }),
        }
    }
}
