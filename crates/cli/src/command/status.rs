//! `jackfield status`.

use clap::Args;
use jackfield_model::admin::Status;

use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional, switch};

/// The flags of `status`.
#[derive(Args)]
#[command(after_help = "Exits with 1 when the server cannot read or write its store.")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    admin: AdminArgs,
}

impl StatusArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let status = self.admin.connect()?.status().await?;
        output.object(&status)?;
        if status.ready { Ok(()) } else { Err(Failure::failed("the server cannot read or write its store")) }
    }
}

impl Show for Status {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let maintenance = if self.maintenance.enabled {
            format!("on (retry after {} s)", self.maintenance.retry_after)
        } else {
            switch(false)
        };
        vec![
            ("version", self.version.clone()),
            ("store", self.store.clone()),
            ("ready", if self.ready { "yes" } else { "no" }.to_owned()),
            ("uptime", format!("{} s", self.uptime_seconds)),
            ("organizations", self.organizations.to_string()),
            ("clients", self.clients.to_string()),
            ("service providers", self.service_providers.to_string()),
            ("associations", self.associations.to_string()),
            ("last change", self.last_change.to_string()),
            ("bytes on disk", optional(self.disk_bytes.as_ref())),
            ("clock offset", format!("{} s", self.clock_offset_seconds)),
            ("maintenance", maintenance),
        ]
    }
}
