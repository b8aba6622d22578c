//! `jackfield profile`.

use clap::{Args, Subcommand};
use jackfield_model::admin::{Profile, ProfilePatch};
use jackfield_model::{AmazonId, OrganizationId, UnitId};

use super::list::ListArgs;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `profile`.
#[derive(Args)]
pub(crate) struct ProfileArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: ProfileCommand,
}

#[derive(Subcommand)]
enum ProfileCommand {
    /// Make a communication profile
    Create {
        /// The organization
        #[arg(value_name = "ORG_ID")]
        organization: OrganizationId,
        /// The unit that it speaks for
        #[arg(value_name = "UNIT_ID")]
        unit: UnitId,
        /// A name for people
        #[arg(long)]
        name: Option<String>,
        /// Its id; issued when absent
        #[arg(long)]
        id: Option<AmazonId>,
    },
    /// List the communication profiles of an organization
    List {
        /// The organization
        #[arg(value_name = "ORG_ID")]
        organization: OrganizationId,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show a communication profile
    Get(Named),
    /// Give a communication profile another name
    Rename {
        #[command(flatten)]
        profile: Named,
        /// The new name
        name: String,
    },
    /// Remove a communication profile
    Delete(Named),
}

#[derive(Args)]
struct Named {
    /// Its id
    #[arg(value_name = "PROFILE_ID")]
    id: AmazonId,
}

impl ProfileArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let profile = match self.command {
            ProfileCommand::Create { organization, unit, name, id } => {
                let new = Profile { id, organization_id: None, unit, name };
                admin.create_profile(&organization, &new).await?
            }
            ProfileCommand::List { organization, list } => {
                return list.show(output, async |page| admin.profiles(&organization, page).await).await;
            }
            ProfileCommand::Get(profile) => admin.profile(&profile.id).await?,
            ProfileCommand::Rename { profile, name } => {
                admin.update_profile(&profile.id, &ProfilePatch { name: Some(name) }).await?
            }
            ProfileCommand::Delete(profile) => {
                admin.delete_profile(&profile.id).await?;
                return Ok(output.done("deleted", "id", profile.id.as_str())?);
            }
        };
        Ok(output.object(&profile)?)
    }
}

impl Show for Profile {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", optional(self.id.as_ref())),
            ("organization", optional(self.organization_id.as_ref())),
            ("unit", self.unit.to_string()),
            ("name", optional(self.name.as_ref())),
        ]
    }
}
