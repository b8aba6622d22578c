//! `jackfield resource`: lists of every kind of resource, as they are stored. A new kind needs nothing here.

use clap::{Args, Subcommand};
use jackfield_model::OrganizationId;
use serde_json::{Map, Value};

use super::list::ListArgs;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show};

/// The flags of `resource`.
#[derive(Args)]
pub(crate) struct ResourceArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: ResourceCommand,
}

#[derive(Subcommand)]
enum ResourceCommand {
    /// List the resources of a kind
    List {
        /// The organization
        #[arg(value_name = "ORG_ID")]
        organization: OrganizationId,
        /// unit, address_book, contact, unit_association, reciprocal_association,
        /// contact_setting, skill, or what else the server knows
        kind: String,
        /// The address book or communication profile whose list it is, for kinds
        /// that are listed by one
        #[arg(long, value_name = "ID")]
        of: Option<String>,
        #[command(flatten)]
        list: ListArgs,
    },
}

impl ResourceArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let ResourceCommand::List { organization, kind, of, list } = self.command;
        list.show(output, async |page| admin.resources(&organization, &kind, of.as_deref(), page).await).await
    }
}

impl Show for Map<String, Value> {
    /// One column: what a resource has differs from kind to kind, and within one.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        flatten(&mut pairs, "", self);
        vec![("resource", pairs.join("  "))]
    }
}

fn flatten(pairs: &mut Vec<String>, before: &str, object: &Map<String, Value>) {
    for (name, value) in object {
        match value {
            Value::Object(inner) => flatten(pairs, &format!("{before}{name}."), inner),
            Value::String(text) => pairs.push(format!("{before}{name}={text}")),
            other => pairs.push(format!("{before}{name}={other}")),
        }
    }
}
