//! The seed file that is written: what the server reads at its start (docs/operations.md, "Seed file").

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jackfield_model::admin::DisplayName;
use jackfield_model::wire::{Association, Profile, ServiceProvider};
use jackfield_model::{AmazonId, ClientId, Country, ExternalUserId, ServiceProviderId, UnitId, Vertical};
use serde::Serialize;
use uuid::Uuid;

use super::alias::Aliases;
use crate::failure::Failure;

/// The whole file.
#[derive(Serialize)]
pub(super) struct Seed {
    organization: [Organization; 1],
}

#[derive(Serialize)]
struct Organization {
    name: String,
    country: Country,
    vertical: Vertical,
    webrtc: bool,
    client: [LocalClient; 1],
    service_provider: [Provider; 1],
    profile: Vec<SeedProfile>,
}

/// A client of the local server alone.
#[derive(Serialize)]
struct LocalClient {
    id: ClientId,
    secret: String,
}

/// The provider.
#[derive(Serialize)]
pub(super) struct Provider {
    pub(super) id: ServiceProviderId,
    logical_id: String,
    display_name: Vec<DisplayName>,
    #[serde(rename = "association")]
    pub(super) associations: Vec<SeedAssociation>,
}

/// An association.
#[derive(Serialize)]
pub(super) struct SeedAssociation {
    external_user_id: ExternalUserId,
    amazon_id: AmazonId,
}

/// A profile.
#[derive(Serialize)]
pub(super) struct SeedProfile {
    id: AmazonId,
    unit: UnitId,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl Seed {
    /// A file with these in it, each under what stands for it.
    pub(super) fn new(
        (country, vertical): (Country, Vertical),
        id: ServiceProviderId,
        described: Option<ServiceProvider>,
        associations: Vec<Association>,
        profiles: BTreeMap<AmazonId, Profile>,
        aliases: &mut Aliases,
    ) -> Self {
        let (logical_id, display_name) = described
            .map(|described| (described.service_provider_logical_id, described.display_name))
            .unwrap_or_else(|| ("pulled".to_owned(), Vec::new()));
        let display_name = display_name
            .into_iter()
            .map(|name| DisplayName { value: aliases.name(name.value), ..name })
            .collect();
        let associations = associations
            .into_iter()
            .map(|association| SeedAssociation {
                external_user_id: aliases.endpoint(association.external_user_id),
                amazon_id: aliases.profile(association.amazon_id),
            })
            .collect();
        let profile = profiles
            .into_iter()
            .map(|(id, profile)| SeedProfile {
                id: aliases.profile(id),
                unit: aliases.unit(profile.entity.id),
                name: profile.name.map(|name| aliases.name(name)),
            })
            .collect();
        let id = if aliases.replaces() { ServiceProviderId::from_uuid(Uuid::new_v4()) } else { id };
        let provider = Provider { id, logical_id: aliases.name(logical_id), display_name, associations };
        Self {
            organization: [Organization {
                name: "Pulled".to_owned(),
                country,
                vertical,
                webrtc: true,
                client: [LocalClient::new()],
                service_provider: [provider],
                profile,
            }],
        }
    }

    pub(super) const fn provider(&self) -> &Provider {
        &self.organization[0].service_provider[0]
    }

    pub(super) fn client_id(&self) -> &str {
        self.organization[0].client[0].id.as_str()
    }

    pub(super) fn profiles(&self) -> &[SeedProfile] {
        &self.organization[0].profile
    }

    /// Writes it where there is no file, for its owner alone.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = toml::to_string(self).map_err(|error| Failure::failed(error.to_string()))?;
        let cannot =
            |error: std::io::Error| Failure::failed(format!("{} cannot be written: {error}", path.display()));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(cannot)?;
        let head = "# Written by `jackfield pull`. The client and its secret were made for this file.\n\n";
        let written = file.write_all([head, &text].concat().as_bytes()).and_then(|()| file.sync_all());
        if written.is_err() {
            // Half of it would look like all of it.
            let _ = std::fs::remove_file(path);
        }
        written.map_err(cannot)
    }
}

impl LocalClient {
    fn new() -> Self {
        let random = || Uuid::new_v4().simple().to_string();
        Self {
            id: ClientId::from_suffix(&random()).expect("32 hexadecimal digits are allowed"),
            secret: format!("amzn1.oa2-cs.v1.{}{}", random(), random()),
        }
    }
}

/// Says at once that the file is there, before anything is read for it.
pub(super) fn check_absent(path: &Path) -> Result<(), Failure> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Failure::usage(format!("{} is there already", path.display()))
        .hint("pull writes a new file: name another one, or remove it"))
}
