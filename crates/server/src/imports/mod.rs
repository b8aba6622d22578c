//! Imports: a list is uploaded and becomes associations, in a job that outlives the page that began it.
//!
//! The server keeps the jobs: their files, their state, their bounds. What reads a list and brings a service provider to it
//! is handed in by the program that starts the server, as an [`ImportRunner`]: that is the library of clients, which the
//! server does not know. A runner reaches the public API of this process through [`ImportApi`], as a client does.

mod files;
mod jobs;
mod work;

pub(crate) use jobs::{Imports, Refusal, Upload, too_large};
pub use work::{Applied, ImportApi, ImportFuture, ImportRunner, ImportWatch, ImportWork};
