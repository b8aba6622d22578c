//! `jackfield changes`: the audit trail and the change feed.

use std::time::Duration;

use clap::{Args, Subcommand};
use jackfield_client::admin::ChangeQuery;
use jackfield_model::admin::Change;
use jackfield_model::{ExternalUserId, ServiceProviderId};
use serde_json::Value;

use super::list::page_size;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `changes`.
#[derive(Args)]
pub(crate) struct ChangesArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: ChangesCommand,
}

#[derive(Subcommand)]
enum ChangesCommand {
    /// List changes, oldest first
    List(ListArgs),
}

#[derive(Args)]
struct ListArgs {
    /// Only changes about this provider
    #[arg(long, value_name = "PROVIDER_ID")]
    provider: Option<ServiceProviderId>,
    /// Only changes about associations of this endpoint
    #[arg(long, value_name = "EXTERNAL_USER_ID")]
    external_user_id: Option<ExternalUserId>,
    /// Only changes by this actor: a client id, admin, admin:NAME or seed
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Only operations that begin with this, for example association.
    #[arg(long, value_name = "OPERATION")]
    operation: Option<String>,
    /// Only changes with a greater sequence number
    #[arg(long, value_name = "SEQUENCE", default_value_t = 0)]
    after: u64,
    /// At most this many; all when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Go on with new changes as they are made, until interrupted; with
    /// --output json one document a line
    #[arg(long)]
    follow: bool,
    /// How often to look for new changes
    #[arg(long, value_name = "SECONDS", default_value_t = 1, requires = "follow",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
}

impl ChangesArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let ChangesCommand::List(args) = self.command;
        let mut query = ChangeQuery {
            provider: args.provider,
            external_user_id: args.external_user_id,
            actor: args.actor,
            operation: args.operation,
            after: args.after,
            limit: None,
        };
        let mut left = args.limit.unwrap_or(u64::MAX);
        let mut list = if args.follow { output.stream() } else { output.list() };
        loop {
            query.limit = Some(page_size(left));
            let page = admin.changes(&query).await?;
            for change in &page.changes {
                list.push(change)?;
            }
            left = left.saturating_sub(page.changes.len() as u64);
            if left == 0 || !(page.more || args.follow) {
                return Ok(list.finish()?);
            }
            if page.more && page.next_after == query.after {
                return Err(Failure::failed("the server promises more changes but does not go on"));
            }
            query.after = page.next_after;
            if !page.more {
                list.flush()?;
                tokio::time::sleep(Duration::from_secs(args.interval)).await;
            }
        }
    }
}

impl Show for Change {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let subject = match &self.external_user_id {
            Some(id) => id.to_string(),
            None => optional(self.subject.as_ref()),
        };
        vec![
            ("sequence", self.sequence.to_string()),
            ("time", self.time.clone()),
            ("actor", self.actor.clone()),
            ("operation", self.operation.clone()),
            ("subject", subject),
            ("before", state(self.before.as_ref())),
            ("after", state(self.after.as_ref())),
        ]
    }
}

/// One cell for what was there: whole objects are for the JSON output.
fn state(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => optional::<String>(None),
        Some(Value::String(text)) => text.clone(),
        Some(_) => "{…}".to_owned(),
    }
}
