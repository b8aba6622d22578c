//! What the embedded store checks of itself: every byte of its tables, its indexes against their rows, its counts against
//! what was seen. Each step reads a page, so that the engine can be opened again meanwhile.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use fjall::AbstractTree;
use jackfield_model::{OrganizationId, ServiceProviderId, UnitId};

use super::change_row;
use super::codec::{self, corrupt, json};
use super::counts::ProviderCounts;
use super::engine::Engine;
use super::integrity;
use super::layout::{self, Key, Space, Value};
use super::resource;
use super::snapshot::EmbeddedSnapshot;
use super::view::View;
use crate::StoreError;
use crate::contract::{DerivedRows, Findings, PAGE_ROWS, Seen, Snapshot, Sum};
use crate::registry::{Record, Registry};

/// The files of an engine as of one moment.
pub(super) struct Tables {
    /// Each with its checksum.
    pub(super) files: Vec<(PathBuf, u128)>,
    /// The engine removes no file as long as somebody has its version.
    pub(super) versions: Vec<Arc<dyn Any + Send + Sync>>,
}

type Pages = Vec<(Key, Value)>;

impl EmbeddedSnapshot {
    pub(super) async fn check(&self, seen: &Seen, findings: &mut Findings<'_>) -> Result<(), StoreError> {
        self.check_files(findings).await?;
        self.check_registry(findings).await?;
        self.check_counts(seen, findings).await?;
        self.check_profiles(seen, findings).await?;
        self.check_resources(seen, findings).await?;
        self.check_orphans(findings).await
    }

    async fn check_files(&self, findings: &mut Findings<'_>) -> Result<(), StoreError> {
        let look = |view: &View| Ok((view.engine().path().to_owned(), view.engine().tables()));
        let (path, Tables { files, versions }) = self.read(look).await?;
        let checked = tokio::task::spawn_blocking(move || integrity::beside_engine(&path)).await;
        if let Ok(Err(error)) = checked {
            findings.add("engine", error.to_string());
        }
        for (file, checksum) in files {
            let name = integrity::name(&file);
            let checking = tokio::task::spawn_blocking(move || integrity::has_checksum(&file, checksum));
            match checking.await {
                Ok(Ok(true)) | Err(_) => {}
                Ok(Ok(false)) => findings.add(name, "it is not as it was written"),
                Ok(Err(error)) => findings.add(name, format!("it cannot be read: {error}")),
            }
        }
        drop(versions);
        Ok(())
    }

    /// The rows of a space with a prefix, a page at a time. What cannot be read is a finding, and ends it.
    async fn each_row(
        &self,
        space: Space,
        prefix: &'static [u8],
        findings: &mut Findings<'_>,
        mut each: impl FnMut(&[u8], &[u8], &mut Findings<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut after: Option<Key> = None;
        loop {
            let from = after.clone();
            let page = self
                .read(move |view| {
                    let rows = view.rows(space, prefix, from).take(PAGE_ROWS);
                    rows.collect::<Result<Pages, _>>()
                })
                .await;
            let Some(page) = findings.readable(format!("rows of {}", space.name()), page)? else {
                return Ok(());
            };
            for (key, value) in &page {
                let row = each(key, value, findings);
                findings.readable(format!("a row of {}", space.name()), row)?;
            }
            if page.len() < PAGE_ROWS {
                return Ok(());
            }
            after = page.into_iter().next_back().map(|(key, _)| key);
        }
    }

    async fn check_registry(&self, findings: &mut Findings<'_>) -> Result<(), StoreError> {
        self.each_row(Space::Registry, &[], findings, |key, value, findings| {
            let record: Record = json(value, "registry")?;
            if layout::record(&record.key()) != key {
                findings.add("accounts", "a record stands under the key of another");
            }
            Ok(())
        })
        .await
    }

    /// Every provider is counted and has a number of its own; every organization has the profiles that are counted.
    async fn check_counts(&self, seen: &Seen, findings: &mut Findings<'_>) -> Result<(), StoreError> {
        let registry: Arc<Registry> = Arc::clone(Snapshot::registry(self));
        let last_provider = self.read(|view| Ok(view.state.last_provider)).await?;
        let (mut counted, mut numbers) = (HashSet::new(), HashSet::new());
        self.each_row(Space::Meta, &[layout::PROVIDER], findings, |key, value, findings| {
            let uuid =
                uuid::Uuid::from_slice(&key[1..]).map_err(|error| corrupt("provider counts", &error))?;
            let provider = ServiceProviderId::from_uuid(uuid);
            let ProviderCounts { number, .. } = codec::decode_provider_counts(value)?;
            let place = format!("service provider {provider}");
            if !registry.providers.contains_key(&provider) {
                findings.add(&place, "it is counted and not there");
            }
            if number > last_provider || !numbers.insert(number) {
                findings.add(place, "its number is that of another, or was never given out");
            }
            counted.insert(provider);
            Ok(())
        })
        .await?;
        for provider in registry.providers.keys().filter(|id| !counted.contains(id)) {
            findings.add(format!("service provider {provider}"), "it is not counted");
        }
        let mut counted = HashMap::new();
        self.each_row(Space::Meta, &[layout::PROFILE_COUNT], findings, |key, value, _| {
            counted.insert(key[1..].to_vec(), codec::decode_count(value)?);
            Ok(())
        })
        .await?;
        if seen.profiles_missing {
            return Ok(());
        }
        for (organization, sum) in &seen.profiles {
            let count = counted.remove(organization.suffix().as_bytes()).unwrap_or_default();
            if count != sum.count {
                let problem = format!("{count} profiles are counted, {} are there", sum.count);
                findings.add(format!("organization {organization}"), problem);
            }
        }
        for (_, count) in counted.into_iter().filter(|(_, count)| *count > 0) {
            findings.add("profiles", format!("{count} are counted of an organization that has none"));
        }
        Ok(())
    }

    async fn check_profiles(&self, seen: &Seen, findings: &mut Findings<'_>) -> Result<(), StoreError> {
        self.each_row(Space::Profile, layout::PROFILE, findings, |key, value, findings| {
            let profile: crate::registry::Profile = json(value, "profile")?;
            if layout::profile(&profile.id) != key {
                findings.add(format!("profile {}", profile.id), "it stands under the key of another");
            }
            Ok(())
        })
        .await?;
        let mut units = Sum::default();
        self.each_row(Space::Profile, layout::UNIT, findings, |key, value, _| {
            let unit = [UnitId::PREFIX, text(&key[layout::UNIT.len()..], "unit")?].concat();
            seen.add(&mut units, (unit.as_str(), codec::decode_amazon_id(value)?.as_str()), 1);
            Ok(())
        })
        .await?;
        if units != seen.units && !seen.profiles_missing {
            findings.add("profiles", "the index by unit is not that of the profiles");
        }
        let index = self.sums_by_organization(layout::PROFILE_INDEX, seen, findings, |_| Ok(1)).await?;
        if !seen.profiles_missing {
            compare(
                &index,
                &seen.profiles,
                "the index of its profiles is not that of the profiles",
                findings,
            );
        }
        let uses =
            self.sums_by_organization(layout::PROFILE_USES, seen, findings, codec::decode_count).await?;
        if !seen.associations_missing {
            compare(
                &uses,
                &seen.uses,
                "what is counted at its profiles is not what its associations name",
                findings,
            );
        }
        Ok(())
    }

    async fn check_resources(&self, seen: &Seen, findings: &mut Findings<'_>) -> Result<(), StoreError> {
        let mut derived = DerivedRows::new(seen);
        self.each_row(Space::Profile, layout::RESOURCE, findings, |key, value, _| {
            let (key, text) = resource::row(key, value)?;
            derived.add(&key, &text);
            Ok(())
        })
        .await?;
        derived.compare(findings);
        Ok(())
    }

    /// The profile ids of rows whose key begins with an organization, each as often as its value says.
    async fn sums_by_organization(
        &self,
        prefix: &'static [u8],
        seen: &Seen,
        findings: &mut Findings<'_>,
        times: impl Fn(&[u8]) -> Result<u64, StoreError>,
    ) -> Result<HashMap<OrganizationId, Sum>, StoreError> {
        let mut sums: HashMap<OrganizationId, Sum> = HashMap::new();
        self.each_row(Space::Profile, prefix, findings, |key, value, _| {
            let rest = &key[prefix.len()..];
            let end = rest.iter().position(|byte| *byte == 0).ok_or_else(|| corrupt("profile", &"key"))?;
            let organization = [OrganizationId::PREFIX, text(&rest[..end], "organization")?].concat();
            let organization =
                OrganizationId::new(&organization).map_err(|error| corrupt("organization", &error))?;
            let id = codec::decode_amazon_id(&rest[end + 1..])?;
            seen.add(sums.entry(organization).or_default(), id.as_str(), times(value)?);
            Ok(())
        })
        .await?;
        Ok(sums)
    }

    /// Changes that were forgotten are not there, and none has a number that was not given out.
    async fn check_orphans(&self, findings: &mut Findings<'_>) -> Result<(), StoreError> {
        let ends = self
            .read(|view| {
                let number = |key: Option<Result<Key, StoreError>>| {
                    key.map(|key| change_row::decode_sequence(&key?)).transpose()
                };
                // The last of the first row: what was forgotten may be the beginning of one.
                let first = number(view.keys(Space::Change, &[]).next())?;
                Ok((first, view.state.first_change))
            })
            .await;
        if let Some((Some(first), kept)) = findings.readable("changes", ends)?
            && first < kept
        {
            findings.add(format!("change {first}"), format!("changes before {kept} were forgotten"));
        }
        Ok(())
    }
}

fn compare(
    found: &HashMap<OrganizationId, Sum>,
    seen: &HashMap<OrganizationId, Sum>,
    problem: &str,
    findings: &mut Findings<'_>,
) {
    let organizations: HashSet<_> = found.keys().chain(seen.keys()).collect();
    for organization in organizations {
        let sum = |sums: &HashMap<OrganizationId, Sum>| sums.get(organization).copied().unwrap_or_default();
        if sum(found) != sum(seen) {
            findings.add(format!("organization {organization}"), problem);
        }
    }
}

fn text<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, StoreError> {
    std::str::from_utf8(bytes).map_err(|error| corrupt(what, &error))
}

impl Engine {
    /// The tables of all spaces with their checksums.
    pub(super) fn tables(&self) -> Tables {
        let mut tables = Tables { files: Vec::new(), versions: Vec::new() };
        for space in Space::ALL {
            let version = self.space(space).tree.current_version();
            let files = version.iter_tables().map(|table| {
                let path: &std::path::Path = &table.path;
                (path.to_owned(), table.checksum().into_u128())
            });
            tables.files.extend(files);
            tables.versions.push(Arc::new(version));
        }
        tables
    }
}
