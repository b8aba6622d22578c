//! `jackfield keys`: the keys that sign tokens.

use clap::{Args, Subcommand};
use jackfield_model::admin::SigningKey;

use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `keys`.
#[derive(Args)]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Give tokens a new key
    ///
    /// Tokens of older keys are good until they expire, at most a day. Client
    /// secrets and refresh tokens stay as they are.
    Rotate {
        /// Make all that older keys signed worthless at once, as after a key
        /// was lost
        #[arg(long)]
        revoke: bool,
    },
    /// List the keys: numbers and times, never the keys
    List,
}

impl KeysArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let keys = match self.command {
            KeysCommand::Rotate { revoke } => admin.rotate_keys(revoke).await?,
            KeysCommand::List => admin.keys().await?,
        };
        let mut list = output.list();
        for key in &keys.items {
            list.push(key)?;
        }
        Ok(list.finish()?)
    }
}

impl Show for SigningKey {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let state = if self.current { "signs" } else { "verifies" };
        vec![
            ("id", self.id.to_string()),
            ("state", state.to_owned()),
            ("since", optional(self.since.as_ref())),
            ("age in seconds", optional(self.age_seconds.as_ref())),
            ("verifies until", optional(self.verifies_until.as_ref())),
        ]
    }
}
