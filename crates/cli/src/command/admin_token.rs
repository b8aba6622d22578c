//! `jackfield admin-token`: who may use the admin API.

use clap::{Args, Subcommand, ValueEnum};
use jackfield_model::admin::{AdminToken, NewAdminToken, Role};
use jackfield_model::limit;

use super::list::ListArgs;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `admin-token`.
#[derive(Args)]
pub(crate) struct AdminTokenArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: AdminTokenCommand,
}

#[derive(Subcommand)]
enum AdminTokenCommand {
    /// Make an admin token; it is shown this once
    Create {
        /// Whose it is, for the record of changes: letters, digits, dots, dashes
        /// and underscores
        #[arg(value_name = "NAME")]
        name: String,
        /// What it allows
        #[arg(long, value_name = "ROLE")]
        role: RoleName,
        /// Its life in seconds; for ever when absent
        #[arg(long, value_name = "SECONDS",
              value_parser = clap::value_parser!(u64).range(1..=limit::ADMIN_TOKEN_MAX_SECONDS))]
        expires_in: Option<u64>,
    },
    /// List the admin tokens
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Revoke an admin token: it is worthless at once
    ///
    /// The one that the server was started with has the id bootstrap. It can be
    /// revoked when another has the role admin.
    Revoke {
        /// Its id, as listed
        #[arg(value_name = "TOKEN_ID")]
        id: String,
    },
}

/// A role, as it is named on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    /// Reads accounts, associations, changes and status
    Viewer,
    /// Also journal, faults, clock, maintenance, clients' tokens, backups
    Operator,
    /// Everything
    Admin,
}

impl RoleName {
    const fn role(self) -> Role {
        match self {
            Self::Viewer => Role::Viewer,
            Self::Operator => Role::Operator,
            Self::Admin => Role::Admin,
        }
    }
}

impl AdminTokenArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        match self.command {
            AdminTokenCommand::Create { name, role, expires_in } => {
                let new = NewAdminToken { name, role: role.role(), expires_in };
                Ok(output.object(&admin.create_admin_token(&new).await?)?)
            }
            AdminTokenCommand::List { list } => {
                list.show(output, async |page| admin.admin_tokens(page).await).await
            }
            AdminTokenCommand::Revoke { id } => {
                admin.revoke_admin_token(&id).await?;
                Ok(output.done("revoked", "id", &id)?)
            }
        }
    }
}

impl Show for AdminToken {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("id", self.id.clone())];
        fields.extend(self.token.as_ref().map(|token| ("token", token.0.clone())));
        fields.extend([
            ("name", self.name.clone()),
            ("role", self.role.to_string()),
            ("created", optional(self.created.as_ref())),
            ("expires", optional(self.expires.as_ref())),
        ]);
        fields
    }
}
