//! `jackfield diff`: what a list and a provider do not have in common. It changes nothing.

use std::path::PathBuf;

use clap::Args;
use jackfield_client::sync::{Change, Desired, Options, Session};
use jackfield_model::AmazonId;

use super::sync::input::InputArgs;
use super::sync::{read, show};
use crate::connection::PublicArgs;
use crate::failure::Failure;
use crate::output::{Format, Output};

/// The flags of `diff`.
#[derive(Args)]
#[command(
    after_help = "+ is only in the list, - only at the provider, ~ stands for another profile there.\n\
                  Exit codes: 0 no difference, 1 failed, 2 wrong usage or invalid rows, 3 differences."
)]
pub(crate) struct DiffArgs {
    /// The list: CSV, TSV, JSON Lines or a workbook (.xlsx, .xlsm, .xlsb, .xls,
    /// .ods), compressed by gzip or not; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    /// The service provider whose associations these are
    /// [env: JACKFIELD_PROVIDER]
    #[arg(long, value_name = "PROVIDER_ID", help_heading = "Connection")]
    provider: Option<String>,
    #[command(flatten)]
    public: PublicArgs,
}

impl DiffArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let (client, provider) = self.public.connect(self.provider)?;
        let desired = Desired::from_rows(self.input.read_all(&self.file)?);
        let options = Options { delete_missing: true, ..Options::default() };
        let session = Session::new(&client, provider, options);
        let plan = read(&session, &desired, "reading").await?;
        // In the order of the ids, as both sides are.
        let mut changes: Vec<&Change> = plan.changes.iter().collect();
        changes.sort_by_key(|change| &change.external_user_id);
        if output.format() == Format::Json {
            output.json(&changes.iter().copied().map(show::ChangeDocument::of).collect::<Vec<_>>())?;
        } else {
            for change in &changes {
                output.line(&line(change))?;
            }
        }
        output.flush()?;
        if changes.is_empty() { Ok(()) } else { Err(Failure::Told(3)) }
    }
}

fn line(change: &Change) -> String {
    let profiles: Vec<&str> = change.before.iter().chain(&change.after).map(AmazonId::as_str).collect();
    format!("{} {}  {}", show::sign(change.kind()), change.external_user_id, profiles.join(" -> "))
}
