//! `jackfield serve`.

use std::process::ExitCode;

use clap::Args;

use crate::failure::{Failure, Service};

/// The flags of `serve`.
#[derive(Args)]
pub(crate) struct ServeArgs {}

/// Serves until it is told to stop.
pub(crate) fn run(_args: ServeArgs) -> ExitCode {
    Failure::failed("this build has no server").report(Service::Admin)
}
