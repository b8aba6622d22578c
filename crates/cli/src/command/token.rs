//! `jackfield token`: from the admin API for tests, from the login service as a client would.

use clap::{Args, Subcommand};
use jackfield_model::admin::{NewRefreshToken, NewToken, RefreshToken};
use jackfield_model::{ClientId, Scope, limit};

use super::list::ListArgs;
use super::value::{scope, scope_set};
use crate::connection::{AdminArgs, LoginArgs};
use crate::failure::{Failure, Service};
use crate::output::{Format, Output, Show};

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
    /// Refresh tokens of any client, as an operator
    Refresh {
        #[command(subcommand)]
        command: RefreshCommand,
    },
}

#[derive(Subcommand)]
enum RefreshCommand {
    /// Issue a refresh token; it is shown this once
    Issue {
        /// The client
        #[arg(value_name = "CLIENT_ID")]
        id: ClientId,
        /// A scope that it stands for, granted to the client; repeat for more
        /// [default: the granted ones]
        #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
        scopes: Vec<Scope>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// List the refresh tokens of a client
    List {
        /// The client
        #[arg(value_name = "CLIENT_ID")]
        id: ClientId,
        #[command(flatten)]
        list: ListArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Revoke a refresh token, and the access tokens that it gave
    Revoke {
        /// Its id, as listed
        #[arg(value_name = "TOKEN_ID")]
        id: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
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
            TokenCommand::Issue(_) | TokenCommand::Refresh { .. } => Service::Admin,
        }
    }

    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let token = match self.command {
            TokenCommand::Get { login } => login.connect()?.fetch().await?,
            TokenCommand::Issue(args) => {
                let new = NewToken { scopes: scope_set(args.scopes)?, expires_in: args.expires_in };
                args.admin.connect()?.issue_token(&args.id, &new).await?
            }
            TokenCommand::Refresh { command } => return command.run(output).await,
        };
        match output.format() {
            Format::Table => Ok(output.line(&token.access_token.0)?),
            Format::Json => Ok(output.json(&token)?),
        }
    }
}

impl RefreshCommand {
    async fn run(self, output: &mut Output) -> Result<(), Failure> {
        match self {
            Self::Issue { id, scopes, admin } => {
                let new = NewRefreshToken { scopes: scope_set(scopes)? };
                let token = admin.connect()?.issue_refresh_token(&id, &new).await?;
                Ok(output.object(&token)?)
            }
            Self::List { id, list, admin } => {
                let admin = admin.connect()?;
                list.show(output, async |page| admin.refresh_tokens(&id, page).await).await
            }
            Self::Revoke { id, admin } => {
                admin.connect()?.revoke_refresh_token(&id).await?;
                Ok(output.done("revoked", "id", &id)?)
            }
        }
    }
}

impl Show for RefreshToken {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let scopes: Option<Vec<&str>> =
            self.scopes.as_ref().map(|scopes| scopes.iter().map(Scope::as_str).collect());
        let by = match (&self.by, self.consent) {
            (Some(by), true) => format!("consent of {by}"),
            (_, true) => "consent".to_owned(),
            (_, false) => "operator".to_owned(),
        };
        let mut fields = vec![("id", self.id.clone())];
        fields.extend(self.refresh_token.as_ref().map(|token| ("refresh token", token.0.clone())));
        fields.extend([
            ("issued", self.issued.clone()),
            ("by", by),
            ("scopes", scopes.map_or_else(|| "as granted".to_owned(), |scopes| scopes.join(" "))),
        ]);
        fields
    }
}
