//! `jackfield pull`: from a provider of another service to a seed file of one's own.
//!
//! What is wrong with the associations of the real service is seldom seen in made-up ones. This brings them to where a
//! client can be tried against them.

mod alias;
mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use jackfield_client::{Client, Error};
use jackfield_model::wire::{Profile, ServiceProvider};
use jackfield_model::{AmazonId, Country, ServiceProviderId, Vertical};
use serde::Serialize;
use tokio::task::JoinSet;

use self::alias::Aliases;
use self::file::Seed;
use super::value::{country, vertical};
use crate::connection::PublicArgs;
use crate::failure::Failure;
use crate::output::{Output, Show};

/// Profiles that are read at a time.
const PROFILES_AT_A_TIME: usize = 8;

/// The flags of `pull`.
#[derive(Args)]
#[command(after_help = "Serve it with: jackfield serve --store memory: --seed FILE\n\
                  The file holds a secret that was made for it, and no credential of the other service.")]
pub(crate) struct PullArgs {
    /// The seed file to write; there must be none with this name
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Put numbers in place of endpoints, profiles, units and names. What is
    /// wrong with one of them, such as its length, is not seen any more
    #[arg(long)]
    anonymize: bool,
    /// Country of the organization, which the other service does not tell
    #[arg(long, value_name = "CODE", value_parser = country(), default_value = "US")]
    country: Country,
    /// Business of the organization, which the other service does not tell
    #[arg(long, value_name = "KIND", value_parser = vertical(), default_value = "hospitality")]
    vertical: Vertical,
    /// The service provider to read
    /// [env: JACKFIELD_PROVIDER]
    #[arg(long, value_name = "PROVIDER_ID", help_heading = "Connection")]
    provider: Option<String>,
    #[command(flatten)]
    public: PublicArgs,
}

/// What was written, for programs and people.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pulled {
    file: String,
    service_provider_id: ServiceProviderId,
    client_id: String,
    associations: usize,
    profiles: usize,
}

impl Show for Pulled {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("file", self.file.clone()),
            ("service provider", self.service_provider_id.to_string()),
            ("client", self.client_id.clone()),
            ("associations", self.associations.to_string()),
            ("profiles", self.profiles.to_string()),
        ]
    }
}

impl PullArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        file::check_absent(&self.to)?;
        let (client, provider) = self.public.connect(self.provider)?;
        let described = describe(&client, provider).await?;
        let mut associations = Vec::new();
        let mut all = client.associations(provider);
        while let Some(association) = all.next().await? {
            associations.push(association);
        }
        let ids = associations.iter().map(|association| association.amazon_id.clone()).collect();
        let profiles = read_profiles(&client, ids).await?;
        let mut aliases = Aliases::new(self.anonymize);
        let seed = Seed::new(
            (self.country, self.vertical),
            provider,
            described,
            associations,
            profiles,
            &mut aliases,
        );
        seed.write(&self.to)?;
        output.object(&Pulled {
            file: self.to.display().to_string(),
            service_provider_id: seed.provider().id,
            client_id: seed.client_id().to_owned(),
            associations: seed.provider().associations.len(),
            profiles: seed.profiles().len(),
        })?;
        Ok(())
    }
}

/// The provider's names; none where the token must not read them, or the service does not tell them.
async fn describe(client: &Client, provider: ServiceProviderId) -> Result<Option<ServiceProvider>, Failure> {
    match client.service_provider(provider).await {
        Ok(described) => Ok(Some(described)),
        Err(error) if is_withheld(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The profiles with these ids, as far as they can be read.
async fn read_profiles(
    client: &Client,
    ids: BTreeSet<AmazonId>,
) -> Result<BTreeMap<AmazonId, Profile>, Failure> {
    let (mut found, mut running, count) = (BTreeMap::new(), JoinSet::new(), ids.len());
    let mut waiting = ids.into_iter();
    let mut withheld = 0;
    loop {
        while running.len() < PROFILES_AT_A_TIME
            && let Some(id) = waiting.next()
        {
            let client = client.clone();
            running.spawn(async move {
                let read = client.profile(&id).await;
                (id, read)
            });
        }
        let Some(read) = running.join_next().await else { break };
        match read.map_err(|error| Failure::failed(error.to_string()))? {
            (id, Ok(profile)) => drop(found.insert(id, profile)),
            (_, Err(error)) if is_withheld(&error) => {
                withheld += 1;
                if error.status() != Some(404) {
                    // What is not allowed for one is allowed for none.
                    waiting.by_ref().for_each(drop);
                }
            }
            (_, Err(error)) => return Err(error.into()),
        }
    }
    if withheld > 0 {
        let note = format!(
            "note: {} of {count} profiles could not be read; their associations are written all the same",
            count - found.len()
        );
        writeln!(std::io::stderr(), "{note}")?;
    }
    Ok(found)
}

/// Whether something is not there for this token, which does not keep the rest from being read.
fn is_withheld(error: &Error) -> bool {
    matches!(error.status(), Some(401 | 403 | 404 | 405 | 501))
}
