//! `jackfield reset`: back to the seed, in one step.

use std::io::{IsTerminal, Write};

use clap::Args;
use jackfield_model::inspect::ResetDone;

use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show};

/// The flags of `reset`.
#[derive(Args)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    admin: AdminArgs,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl ResetArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        if !self.yes && !confirmed()? {
            return Err(Failure::failed("nothing was reset"));
        }
        Ok(output.object(&admin.reset().await?)?)
    }
}

/// Asks the person at the terminal; a script has to say it beforehand.
fn confirmed() -> Result<bool, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(
            Failure::usage("everything that the directory holds would be lost").hint("--yes, to do it")
        );
    }
    eprint!("Everything that the directory holds makes place for its seed. Type yes to go on: ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

impl Show for ResetDone {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("organizations", self.organizations.to_string()),
            ("clients", self.clients.to_string()),
            ("service providers", self.service_providers.to_string()),
            ("profiles", self.profiles.to_string()),
            ("associations", self.associations.to_string()),
            ("last change", self.last_change.to_string()),
        ]
    }
}
