//! `jackfield dev`.

use std::process::ExitCode;

use clap::Args;

use crate::failure::{Failure, Service};

/// The flags of `dev`.
#[derive(Args)]
pub(crate) struct DevArgs {}

/// Serves demo data until it is told to stop.
pub(crate) fn run(_args: DevArgs) -> ExitCode {
    Failure::failed("this build has no server").report(Service::Admin)
}
