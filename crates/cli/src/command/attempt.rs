//! `jackfield try`: a request to the public API in the name of a client, through the admin API.

use clap::Args;
use jackfield_model::ClientId;
use jackfield_model::admin::{TriedAnswer, TriedRequest};

use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `try`.
#[derive(Args)]
#[command(after_help = "The server issues a token for the request alone. Its rate, fault rules, the\n\
                  journal and the record of changes know it as a request of the client.")]
pub(crate) struct TryArgs {
    /// GET, POST, PUT or DELETE
    #[arg(value_name = "METHOD", value_parser = ["GET", "POST", "PUT", "DELETE"])]
    method: String,
    /// The path with its query string; it begins with /v1/ or /v2/
    #[arg(value_name = "PATH")]
    path: String,
    /// The client in whose name it is sent
    #[arg(long = "as", value_name = "CLIENT_ID")]
    client: ClientId,
    /// The body
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

impl TryArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let Self { method, path, client, body, admin } = self;
        let request = TriedRequest { client_id: client, method, path, body };
        Ok(output.object(&admin.connect()?.try_request(&request).await?)?)
    }
}

impl Show for TriedAnswer {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let status = self.status.map_or_else(
            || "none; a fault rule closed the connection".to_owned(),
            |status| status.to_string(),
        );
        vec![
            ("status", status),
            ("request id", optional(self.request_id.as_ref())),
            ("latency", format!("{} µs", self.latency_us)),
            ("body", self.body.clone()),
        ]
    }
}
