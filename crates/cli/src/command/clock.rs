//! `jackfield clock`: tokens live by a clock that can be moved, so that their end needs no waiting.

use clap::{Args, Subcommand};
use jackfield_model::inspect::Clock;
use jackfield_server::ClockOffset;

use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show};

/// The flags of `clock`.
#[derive(Args)]
pub(crate) struct ClockArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: ClockCommand,
}

#[derive(Subcommand)]
enum ClockCommand {
    /// Move it so far from the system's clock, wherever it was
    Set {
        /// A sign and a span of time: +2h, -30m, "+1day 1h"
        #[arg(value_name = "OFFSET", allow_hyphen_values = true)]
        offset: ClockOffset,
    },
    /// Show it
    Show,
    /// Put it back on the system's clock
    Reset,
}

impl ClockArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let clock = match self.command {
            ClockCommand::Set { offset } => admin.set_clock(offset.seconds()).await?,
            ClockCommand::Show => admin.clock().await?,
            ClockCommand::Reset => admin.set_clock(0).await?,
        };
        Ok(output.object(&clock)?)
    }
}

impl Show for Clock {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let offset = match ClockOffset::from_seconds(self.offset_seconds) {
            Ok(offset) => offset.to_string(),
            Err(_) => format!("{} s", self.offset_seconds),
        };
        vec![("offset", offset), ("time", self.time.clone()), ("system time", self.system_time.clone())]
    }
}
