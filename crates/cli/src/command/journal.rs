//! `jackfield journal`: what clients asked of the public API, and why they were refused.

use clap::Args;
use jackfield_client::admin::JournalQuery;
use jackfield_model::inspect::JournalEntry;
use jackfield_model::{ClientId, RequestId, limit};

use super::list::page_size;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `journal`.
#[derive(Args)]
pub(crate) struct JournalArgs {
    #[command(flatten)]
    admin: AdminArgs,
    /// Only this operation: create, update, delete, query, token, or other for
    /// paths that there are not
    #[arg(long, value_name = "OPERATION")]
    operation: Option<String>,
    /// Only answers with this status
    #[arg(long, value_name = "STATUS")]
    status: Option<u16>,
    /// Only requests of this client
    #[arg(long, value_name = "CLIENT_ID")]
    client: Option<ClientId>,
    /// Only the request with this id, the X-Amzn-RequestId of its answer
    #[arg(long, value_name = "REQUEST_ID", value_parser = request_id)]
    request_id: Option<RequestId>,
    /// Only requests that were refused
    #[arg(long)]
    refused: bool,
    /// Only entries with a greater sequence number
    #[arg(long, value_name = "SEQUENCE")]
    after: Option<u64>,
    /// At most this many; all when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Go on with new requests as they come, until interrupted; with
    /// --output json one document a line
    #[arg(long)]
    follow: bool,
}

fn request_id(text: &str) -> Result<RequestId, String> {
    // The id has no parser of its own: everywhere else it is made, not read.
    serde_json::from_value(text.into()).map_err(|_| "a UUID is expected".to_owned())
}

impl JournalArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let mut query = JournalQuery {
            after: self.after,
            limit: None,
            operation: self.operation,
            status: self.status,
            client: self.client,
            request_id: self.request_id,
            refused: self.refused,
            wait: self.follow.then_some(limit::JOURNAL_WAIT_MAX_SECONDS),
        };
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut list = if self.follow { output.stream() } else { output.list() };
        loop {
            query.limit = Some(page_size(left));
            let page = admin.journal(&query).await?;
            if page.lost > 0 {
                eprintln!("warning: {} entries were gone before they could be read", page.lost);
            }
            for entry in &page.entries {
                list.push(entry)?;
            }
            left = left.saturating_sub(page.entries.len() as u64);
            if left == 0 || !(page.more || self.follow) {
                return Ok(list.finish()?);
            }
            list.flush()?;
            query.after = Some(page.next_after);
        }
    }
}

impl Show for JournalEntry {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let status = match (self.status, self.dropped) {
            (None, _) => "dropped".to_owned(),
            (Some(status), true) => format!("{status}, dropped"),
            (Some(status), false) => status.to_string(),
        };
        vec![
            ("sequence", self.sequence.to_string()),
            ("time", self.time.clone()),
            ("request id", self.request_id.to_string()),
            ("operation", self.operation.clone()),
            ("client", optional(self.client_id.as_ref())),
            ("status", status),
            ("why", self.why()),
        ]
    }
}

/// One cell that says why; everything else is for the JSON output.
trait Why {
    fn why(&self) -> String;
}

impl Why for JournalEntry {
    fn why(&self) -> String {
        let fault = self.fault.map(|rule| format!("fault rule {rule}"));
        let refusal = self.refusal.as_ref().map(|refusal| {
            let mut text = format!("{}: {}", refusal.check, refusal.reason);
            if !refusal.missing_scopes.is_empty() {
                text.push_str(&format!(" {}", refusal.missing_scopes.join(" ")));
            }
            if let Some(granted) = &refusal.granted_scopes {
                let granted = if granted.is_empty() { "none".to_owned() } else { granted.join(" ") };
                text.push_str(&format!(", granted {granted}"));
            }
            if let Some(at) = &refusal.expired_at {
                text.push_str(&format!(" at {at}"));
            }
            if refusal.check == "route" {
                text.push_str(&format!(" {} {}", self.method, self.path));
            }
            text
        });
        let parts: Vec<String> = [fault, refusal].into_iter().flatten().chain(self.notes.clone()).collect();
        if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
    }
}
