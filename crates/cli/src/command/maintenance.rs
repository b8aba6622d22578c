//! `jackfield maintenance`: while it is on, the public operations answer 503.

use clap::{Args, Subcommand};
use jackfield_model::admin::Maintenance;
use jackfield_model::limit;

use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, switch};

/// The flags of `maintenance`.
#[derive(Args)]
pub(crate) struct MaintenanceArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: MaintenanceCommand,
}

#[derive(Subcommand)]
enum MaintenanceCommand {
    /// Answer 503 to the public operations
    On {
        /// Seconds after which clients are told to try again
        #[arg(long, value_name = "SECONDS", default_value_t = Maintenance::default().retry_after,
              value_parser = clap::value_parser!(u32).range(1..=i64::from(limit::RETRY_AFTER_MAX_SECONDS)))]
        retry_after: u32,
    },
    /// Serve again
    Off,
    /// Show whether it is on
    Show,
}

impl MaintenanceArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let state = match self.command {
            MaintenanceCommand::On { retry_after } => {
                admin.set_maintenance(Maintenance { enabled: true, retry_after }).await?
            }
            MaintenanceCommand::Off => admin.set_maintenance(Maintenance::default()).await?,
            MaintenanceCommand::Show => admin.maintenance().await?,
        };
        Ok(output.object(&state)?)
    }
}

impl Show for Maintenance {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("maintenance", switch(self.enabled)), ("retry after", format!("{} s", self.retry_after))]
    }
}
