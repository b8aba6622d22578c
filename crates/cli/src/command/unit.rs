//! `jackfield unit`.

use clap::{Args, Subcommand};
use jackfield_model::admin::Unit;
use jackfield_model::{OrganizationId, UnitId};

use super::list::ListArgs;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `unit`.
#[derive(Args)]
pub(crate) struct UnitArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: UnitCommand,
}

#[derive(Subcommand)]
enum UnitCommand {
    /// Make a unit
    Create {
        /// The organization
        #[arg(value_name = "ORG_ID")]
        organization: OrganizationId,
        /// A name for people
        name: String,
        /// The unit that it is a part of; the organization when absent
        #[arg(long, value_name = "UNIT_ID")]
        parent: Option<UnitId>,
        /// Its id; issued when absent
        #[arg(long)]
        id: Option<UnitId>,
    },
    /// List the units of an organization
    List {
        /// The organization
        #[arg(value_name = "ORG_ID")]
        organization: OrganizationId,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show a unit
    Get(Named),
    /// Give a unit another name
    Rename {
        #[command(flatten)]
        unit: Named,
        /// The new name
        name: String,
    },
    /// Remove a unit
    Delete(Named),
}

#[derive(Args)]
struct Named {
    /// Its id
    #[arg(value_name = "UNIT_ID")]
    id: UnitId,
}

impl UnitArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let unit = match self.command {
            UnitCommand::Create { organization, name, parent, id } => {
                let new = Unit { id, organization_id: None, parent, level: None, name };
                admin.create_unit(&organization, &new).await?
            }
            UnitCommand::List { organization, list } => {
                return list.show(output, async |page| admin.units(&organization, page).await).await;
            }
            UnitCommand::Get(unit) => admin.unit(&unit.id).await?,
            UnitCommand::Rename { unit, name } => admin.rename_unit(&unit.id, name).await?,
            UnitCommand::Delete(unit) => {
                admin.delete_unit(&unit.id).await?;
                return Ok(output.done("deleted", "id", unit.id.as_str())?);
            }
        };
        Ok(output.object(&unit)?)
    }
}

impl Show for Unit {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("id", optional(self.id.as_ref())),
            ("organization", optional(self.organization_id.as_ref())),
            ("parent", optional(self.parent.as_ref())),
            ("level", optional(self.level.as_ref())),
            ("name", self.name.clone()),
        ]
    }
}
