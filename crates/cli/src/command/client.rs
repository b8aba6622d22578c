//! `jackfield client`.

use clap::{Args, Subcommand};
use jackfield_client::admin::AdminClient;
use jackfield_model::admin::{Client, ClientPatch, NewClient, RevokeTokens};
use jackfield_model::{ClientId, OrganizationId, Scope};
use jackfield_server::SecretSetting;

use super::list::ListArgs;
use super::value::{Switch, scope, scope_set, secret};
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `client`.
#[derive(Args)]
pub(crate) struct ClientArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: ClientCommand,
}

#[derive(Subcommand)]
enum ClientCommand {
    /// Make a client; its secret is shown this once
    Create(CreateArgs),
    /// List the clients of an organization
    List {
        /// The organization
        #[arg(value_name = "ORG_ID")]
        organization: OrganizationId,
        #[command(flatten)]
        list: ListArgs,
    },
    /// Show a client
    Get(Named),
    /// Change a client: one thing or more; what is not named stays
    #[command(override_usage = "jackfield client update [OPTIONS] <CLIENT_ID>")]
    Update(UpdateArgs),
    /// Let a client get and use tokens again
    Enable(Named),
    /// Refuse a client and its tokens, until it is enabled again
    Disable(Named),
    /// Remove a client
    Delete(Named),
    /// Give a client a new secret, which is shown this once
    RotateSecret(Named),
    /// Revoke the access tokens of a client
    RevokeTokens {
        #[command(flatten)]
        client: Named,
        /// Revoke its refresh tokens too
        #[arg(long)]
        refresh_tokens: bool,
    },
}

#[derive(Args)]
struct Named {
    /// Its id
    #[arg(value_name = "CLIENT_ID")]
    id: ClientId,
}

#[derive(Args)]
struct CreateArgs {
    /// The organization
    #[arg(value_name = "ORG_ID")]
    organization: OrganizationId,
    /// Its id; issued when absent
    #[arg(long)]
    id: Option<ClientId>,
    /// Its secret; issued when absent, which is better
    #[arg(long)]
    secret: Option<SecretSetting>,
    /// A granted scope; repeat for more [default: the one that the
    /// operations need]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    /// A refresh token that is to be valid for it
    #[arg(long, value_name = "TOKEN")]
    refresh_token: Option<SecretSetting>,
    /// Requests a second, 0 for no limit; the server's default when absent
    #[arg(long, value_name = "N")]
    rate_limit: Option<u32>,
    /// Where the consent page may send a browser back to; repeat for more
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// It cannot keep a secret: it may redeem a code without one, given PKCE
    #[arg(long)]
    public: bool,
}

#[derive(Args)]
struct UpdateArgs {
    #[command(flatten)]
    client: Named,
    #[command(flatten)]
    change: Change,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Change {
    /// A granted scope, in place of all there were; repeat for more
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    /// Requests a second, 0 for no limit
    #[arg(long, value_name = "N")]
    rate_limit: Option<u32>,
    /// A redirect URI, in place of all there were; repeat for more
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Option<Vec<String>>,
    /// Whether it may redeem a code without its secret, given PKCE
    #[arg(long, value_name = "on|off", hide_possible_values = true)]
    public: Option<Switch>,
}

impl ClientArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let client = match self.command {
            ClientCommand::Create(args) => args.run(&admin).await?,
            ClientCommand::List { organization, list } => {
                return list.show(output, async |page| admin.clients(&organization, page).await).await;
            }
            ClientCommand::Get(client) => admin.client(&client.id).await?,
            ClientCommand::Update(UpdateArgs { client, change }) => {
                let patch = ClientPatch {
                    scopes: scope_set(change.scopes)?,
                    rate_limit: change.rate_limit,
                    redirect_uris: change.redirect_uris,
                    enabled: None,
                    public: change.public.map(Switch::is_on),
                };
                admin.update_client(&client.id, &patch).await?
            }
            ClientCommand::Enable(client) => enable(&admin, &client.id, true).await?,
            ClientCommand::Disable(client) => enable(&admin, &client.id, false).await?,
            ClientCommand::Delete(client) => {
                admin.delete_client(&client.id).await?;
                return Ok(output.done("deleted", "id", client.id.as_str())?);
            }
            ClientCommand::RotateSecret(client) => admin.rotate_secret(&client.id).await?,
            ClientCommand::RevokeTokens { client, refresh_tokens } => {
                admin.revoke_tokens(&client.id, RevokeTokens { refresh_tokens }).await?
            }
        };
        Ok(output.object(&client)?)
    }
}

impl CreateArgs {
    async fn run(self, admin: &AdminClient) -> Result<Client, Failure> {
        let new = NewClient {
            id: self.id,
            secret: self.secret.map(|text| secret("secret", &text)).transpose()?,
            scopes: scope_set(self.scopes)?,
            refresh_token: self.refresh_token.map(|text| secret("refresh-token", &text)).transpose()?,
            rate_limit: self.rate_limit,
            redirect_uris: self.redirect_uris,
            public: self.public,
        };
        Ok(admin.create_client(&self.organization, &new).await?)
    }
}

async fn enable(admin: &AdminClient, id: &ClientId, enabled: bool) -> Result<Client, Failure> {
    Ok(admin.update_client(id, &ClientPatch { enabled: Some(enabled), ..ClientPatch::default() }).await?)
}

impl Show for Client {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let scopes: Vec<&str> = self.scopes.iter().map(Scope::as_str).collect();
        let mut fields = vec![("id", self.id.to_string())];
        fields.extend(self.secret.as_ref().map(|secret| ("secret", secret.0.clone())));
        fields.extend([
            ("organization", self.organization_id.to_string()),
            ("enabled", if self.enabled { "yes" } else { "no" }.to_owned()),
            ("public", if self.public { "yes" } else { "no" }.to_owned()),
            ("rate limit", optional(self.rate_limit.as_ref())),
            ("refresh tokens", self.refresh_tokens.to_string()),
            ("scopes", scopes.join(" ")),
            ("redirect uris", self.redirect_uris.join(" ")),
        ]);
        fields
    }
}
