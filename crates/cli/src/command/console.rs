//! `jackfield console`: a link to the console that signs in.

use clap::Args;
use serde::Serialize;

use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show};

/// The flags of `console`.
#[derive(Args)]
#[command(after_help = "The link works once, within 10 minutes. The session that it begins may do what\n\
                  the admin token may, for 12 hours or until one signs out.")]
pub(crate) struct ConsoleArgs {
    /// Open the link in a browser instead of showing it
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    admin: AdminArgs,
}

/// Where the console is, with what signs in.
#[derive(Serialize)]
struct Link {
    url: String,
    expires: String,
}

impl ConsoleArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let (admin, endpoint) = self.admin.connect_to()?;
        let link = admin.create_session_link().await?;
        let url = format!("{endpoint}/console/#token={}", link.token.0);
        if !self.open {
            return Ok(output.object(&Link { url, expires: link.expires })?);
        }
        open(&url)?;
        Ok(output.line("The console is opened in a browser.")?)
    }
}

/// Hands a link to what opens links on this system.
fn open(url: &str) -> Result<(), Failure> {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = std::process::Command::new(program);
    let status =
        command.arg(url).stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Failure::failed(format!("{program} does not open a browser here"))
            .hint("without --open the link is shown, to be pasted")),
    }
}

impl Show for Link {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("url", self.url.clone()), ("expires", self.expires.clone())]
    }
}
