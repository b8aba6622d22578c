//! The seed file: accounts and associations to create at the start.
//!
//! It is applied at every start. Accounts, units, address books, contacts and skills follow the file; profiles and associations are
//! added where they are missing and otherwise left as clients made them. What the file does not name stays. Objects without an id get one that follows
//! from their names, the same at every start and on every server.

mod apply;
mod directory;

use std::path::Path;

use jackfield_model::admin::{DisplayName, Quotas, Secret};
use jackfield_model::{
    AmazonId, ClientId, Country, ExternalUserId, OrganizationId, Scope, ServiceProviderId, SkillId, UnitId,
    Vertical,
};
use jackfield_store::{Content, MemoryStore, StoreError};
use serde::Deserialize;
use thiserror::Error;

use crate::config::{HumanDuration, one_line, trimmed, trimmed_option};
use crate::credential::keys::Keys;
pub(crate) use apply::apply;
use directory::{SeedAddressBook, SeedUnit};

/// Why a seed file is not applied. The text is one line for the person who wrote it.
#[derive(Debug, Error)]
pub enum SeedError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(std::io::Error),
    /// It is no TOML, or names an unknown key.
    #[error("{0}")]
    Parse(String),
    /// A value is out of its limits, or conflicts with existing content.
    #[error("{subject}: {rule}")]
    Invalid {
        /// The object.
        subject: String,
        /// What would be right.
        rule: String,
    },
    /// The store cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SeedError {
    pub(crate) const fn is_configuration(&self) -> bool {
        match self {
            Self::Read(_) | Self::Parse(_) | Self::Invalid { .. } => true,
            Self::Store(_) => false,
        }
    }
}

/// The content of a seed file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seed {
    /// Decides the ids of objects that are made later without one.
    #[serde(default)]
    id_seed: Option<u64>,
    #[serde(default, rename = "organization")]
    organizations: Vec<SeedOrganization>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedOrganization {
    #[serde(default)]
    id: Option<OrganizationId>,
    name: String,
    country: Country,
    vertical: Vertical,
    #[serde(default)]
    webrtc: bool,
    #[serde(default)]
    strict_profiles: bool,
    #[serde(default)]
    strict_units: bool,
    #[serde(default)]
    quotas: Quotas,
    #[serde(default, deserialize_with = "trimmed_option")]
    consent_password: Option<Secret>,
    #[serde(default)]
    lenient: Option<bool>,
    #[serde(default, rename = "client")]
    clients: Vec<SeedClient>,
    #[serde(default, rename = "service_provider")]
    service_providers: Vec<SeedProvider>,
    #[serde(default, rename = "profile")]
    profiles: Vec<SeedProfile>,
    #[serde(default, rename = "unit")]
    units: Vec<SeedUnit>,
    #[serde(default, rename = "address_book")]
    address_books: Vec<SeedAddressBook>,
    #[serde(default, rename = "skill")]
    skills: Vec<SeedSkill>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedClient {
    #[serde(default)]
    id: Option<ClientId>,
    #[serde(deserialize_with = "trimmed")]
    secret: Secret,
    #[serde(default)]
    scopes: Option<Vec<Scope>>,
    #[serde(default, deserialize_with = "trimmed_option")]
    refresh_token: Option<Secret>,
    #[serde(default)]
    rate_limit: Option<u32>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    public: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedProvider {
    #[serde(default)]
    id: Option<ServiceProviderId>,
    logical_id: String,
    #[serde(default)]
    display_name: SeedDisplayName,
    /// The skill of its network mapping.
    #[serde(default)]
    skill_id: Option<SkillId>,
    #[serde(default, rename = "association")]
    associations: Vec<SeedAssociation>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedSkill {
    id: SkillId,
    endpoint: String,
    #[serde(default)]
    client_id: Option<ClientId>,
    #[serde(default)]
    timeout: Option<HumanDuration>,
    #[serde(default)]
    ca: Option<String>,
}

/// Without its endpoint, which may hold a password or a key.
impl std::fmt::Debug for SeedSkill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SeedSkill").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A plain name, or one a locale.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum SeedDisplayName {
    Plain(String),
    Localized(Vec<DisplayName>),
}

impl Default for SeedDisplayName {
    fn default() -> Self {
        Self::Localized(Vec::new())
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedAssociation {
    external_user_id: ExternalUserId,
    amazon_id: AmazonId,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedProfile {
    #[serde(default)]
    id: Option<AmazonId>,
    unit: UnitId,
    #[serde(default)]
    name: Option<String>,
}

/// Reads a seed file.
pub(crate) fn read(path: &Path) -> Result<Seed, SeedError> {
    let text = std::fs::read_to_string(path).map_err(SeedError::Read)?;
    parse(&text)
}

/// Reads the text of a seed file.
pub(crate) fn parse(text: &str) -> Result<Seed, SeedError> {
    toml::from_str(text).map_err(|error| SeedError::Parse(one_line(&error, text)))
}

/// What a store holds that was new when these seeds were applied to it.
pub(crate) async fn content(seeds: &[Seed], keys: &Keys) -> Result<Content, SeedError> {
    let store = MemoryStore::default();
    for seed in seeds {
        apply(&store, keys, seed).await?;
    }
    Ok(store.content())
}

/// The number that ids follow from: that of the last seed that has one.
pub(crate) fn id_seed(seeds: &[Seed]) -> Option<u64> {
    seeds.iter().rev().find_map(|seed| seed.id_seed)
}
