//! `jackfield webhook`: who is sent the changes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jackfield_model::admin::{NewWebhook, TimeSpan, Webhook};
use jackfield_model::{OrganizationId, ServiceProviderId, limit};
use jackfield_server::SecretSetting;

use super::list::ListArgs;
use super::value::secret;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `webhook`.
#[derive(Args)]
pub(crate) struct WebhookArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: WebhookCommand,
}

#[derive(Subcommand)]
enum WebhookCommand {
    /// Make a webhook: a URL that is sent each change, signed, in order
    Add(Box<AddArgs>),
    /// Show a webhook, and how far it has got
    Get(Named),
    /// List the webhooks, and how far each has got
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Let a webhook rest; the record keeps what it misses
    Pause(Named),
    /// Resume a webhook that rests or is parked
    Resume(Named),
    /// Remove a webhook
    Delete(Named),
}

#[derive(Args)]
struct AddArgs {
    /// Where the changes go, http or https
    #[arg(value_name = "URL")]
    url: String,
    /// What deliveries are signed with: whsec_ and 24 to 64 bytes in base64; made
    /// and shown this once when absent
    #[arg(long, value_name = "SECRET")]
    secret: Option<SecretSetting>,
    /// Only changes about this provider
    #[arg(long, value_name = "PROVIDER_ID")]
    provider: Option<ServiceProviderId>,
    /// Only changes of this organization and of what belongs to it, from clients to
    /// contacts
    #[arg(long, value_name = "ORG_ID")]
    organization: Option<OrganizationId>,
    /// Only operations that begin with this, for example association.
    #[arg(long, value_name = "OPERATION")]
    operation: Option<String>,
    /// Most changes of one delivery; above 1 they come as batches of CloudEvents
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(limit::WEBHOOK_BATCH_MAX)))]
    batch: Option<u32>,
    /// How long a delivery may take, for example 5s; 10s when absent
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// Failures one after the other before it is parked; 50 when absent
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(limit::WEBHOOK_PARK_AFTER_MAX)))]
    park_after: Option<u32>,
    /// Certificates (PEM) that the URL is trusted by, beside the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Only changes with a greater sequence number; those from now on when absent
    #[arg(long, value_name = "SEQUENCE")]
    after: Option<u64>,
}

#[derive(Args)]
struct Named {
    /// Its id
    #[arg(value_name = "WEBHOOK_ID")]
    id: String,
}

impl WebhookArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let webhook = match self.command {
            WebhookCommand::Add(args) => admin.create_webhook(&args.webhook()?).await?,
            WebhookCommand::Get(webhook) => admin.webhook(&webhook.id).await?,
            WebhookCommand::List { list } => {
                return list.show(output, async |page| admin.webhooks(page).await).await;
            }
            WebhookCommand::Pause(webhook) => admin.pause_webhook(&webhook.id).await?,
            WebhookCommand::Resume(webhook) => admin.resume_webhook(&webhook.id).await?,
            WebhookCommand::Delete(webhook) => {
                admin.delete_webhook(&webhook.id).await?;
                return Ok(output.done("deleted", "id", &webhook.id)?);
            }
        };
        Ok(output.object(&webhook)?)
    }
}

impl AddArgs {
    fn webhook(self) -> Result<NewWebhook, Failure> {
        let read = |file: PathBuf| {
            std::fs::read_to_string(&file)
                .map_err(|error| Failure::failed(format!("{}: {error}", file.display())))
        };
        Ok(NewWebhook {
            url: self.url,
            secret: self.secret.map(|text| secret("secret", &text)).transpose()?,
            service_provider_id: self.provider,
            organization_id: self.organization,
            operation: self.operation,
            batch: self.batch,
            timeout: self.timeout.map(TimeSpan::Text),
            park_after: self.park_after,
            ca: self.ca.map(read).transpose()?,
            after: self.after,
        })
    }
}

impl Show for Webhook {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("id", self.id.clone())];
        fields.extend(self.secret.as_ref().map(|secret| ("secret", secret.0.clone())));
        fields.extend([
            ("url", self.url.clone()),
            ("state", self.state.as_str().to_owned()),
            ("after", self.after.to_string()),
            ("lag", self.lag_changes.to_string()),
            ("lag seconds", optional(self.lag_seconds.as_ref())),
            ("failures", self.failures.to_string()),
            ("last error", optional(self.last_error.as_ref())),
        ]);
        fields
    }
}
