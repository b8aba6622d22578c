//! `jackfield token`: from the admin API for tests, from the login service as a client would.

use clap::{Args, Subcommand};
use jackfield_model::admin::NewToken;
use jackfield_model::{ClientId, Scope, limit};

use super::value::{scope, scope_set};
use crate::connection::{AdminArgs, LoginArgs};
use crate::failure::{Failure, Service};
use crate::output::{Format, Output};

/// The flags of `token`.
#[derive(Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Get an access token from the login service, with a client's credentials
    ///
    /// Prints the token alone, or with --output json the whole answer.
    Get {
        #[command(flatten)]
        login: LoginArgs,
    },
    /// Issue an access token of any client, as an operator
    ///
    /// Prints the token alone, or with --output json the whole answer.
    Issue(IssueArgs),
}

#[derive(Args)]
struct IssueArgs {
    /// The client
    #[arg(value_name = "CLIENT_ID")]
    id: ClientId,
    /// A scope of the token, granted to the client or not; repeat for more
    /// [default: the granted ones]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    /// Its life in seconds, 0 for an expired token; the server's default when
    /// absent
    #[arg(long, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(0..=limit::ACCESS_TOKEN_MAX_SECONDS))]
    expires_in: Option<u64>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl TokenArgs {
    pub(super) const fn service(&self) -> Service {
        match self.command {
            TokenCommand::Get { .. } => Service::Public,
            TokenCommand::Issue(_) => Service::Admin,
        }
    }

    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let token = match self.command {
            TokenCommand::Get { login } => login.connect()?.fetch().await?,
            TokenCommand::Issue(args) => {
                let new = NewToken { scopes: scope_set(args.scopes)?, expires_in: args.expires_in };
                args.admin.connect()?.issue_token(&args.id, &new).await?
            }
        };
        match output.format() {
            Format::Table => Ok(output.line(&token.access_token.0)?),
            Format::Json => Ok(output.json(&token)?),
        }
    }
}
