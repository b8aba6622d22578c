//! The commands: one file a group.

mod address_book;
mod admin_token;
mod association;
mod attempt;
mod backup;
mod call;
mod changes;
mod client;
mod clock;
mod console;
mod contact;
mod dev;
mod diff;
mod fault;
mod import_job;
mod interrupt;
mod journal;
mod keys;
mod list;
mod maintenance;
mod migrate;
mod org;
mod password;
mod profile;
mod provider;
mod pull;
mod reset;
mod resource;
mod serve;
mod shell;
mod skill;
mod status;
mod store;
mod sync;
mod token;
mod unit;
mod value;
mod webhook;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::fs::Mode;

use crate::failure::{Failure, Service};
use crate::output::{Format, Output};
use crate::trace::traced;

/// Account association for WebRTC calling in smart properties.
///
/// Serves the account association API from a machine of your own, and speaks it as a client.
#[derive(Parser)]
#[command(
    name = "jackfield",
    version,
    disable_help_subcommand = true,
    after_help = "A client command takes its connection from flags, then the environment, then a\n\
                  profile ([NAME] in the configuration file, with keys named like the flags).\n\n\
                  Exit codes: 0 done, 1 failed, 2 wrong usage, 3 differences (sync, diff)."
)]
pub(crate) struct Cli {
    /// How results are written: a table for people, one JSON document for
    /// programs
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Table, display_order = 900)]
    output: Format,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve with demo data, to try things out
    Dev(dev::DevArgs),
    /// Serve the API
    Serve(serve::ServeArgs),
    /// Create, get, update, delete, list and query associations (public API)
    Association(association::AssociationArgs),
    /// Bring a provider to the state of a list: plan, apply, verify (public API)
    Sync(Box<sync::SyncArgs>),
    /// Show what a list and a provider do not have in common (public API)
    Diff(Box<diff::DiffArgs>),
    /// Read a provider of another service into a seed file (public API)
    Pull(Box<pull::PullArgs>),
    /// Issue and get access tokens
    Token(token::TokenArgs),
    /// Manage admin tokens, which open the admin API
    AdminToken(admin_token::AdminTokenArgs),
    /// Manage organizations
    Org(org::OrgArgs),
    /// Manage clients, which hold the credentials
    Client(client::ClientArgs),
    /// Manage service providers
    Provider(provider::ProviderArgs),
    /// Manage communication profiles
    Profile(profile::ProfileArgs),
    /// Manage units, the tree of buildings, floors and rooms
    Unit(unit::UnitArgs),
    /// List the resources of a kind: every one of the calling family
    Resource(resource::ResourceArgs),
    /// Manage address books, and which units have them
    AddressBook(address_book::AddressBookArgs),
    /// Manage the contacts of address books
    Contact(contact::ContactArgs),
    /// Show a link to the console that signs in
    Console(console::ConsoleArgs),
    /// Send a request to the public API in the name of a client
    Try(attempt::TryArgs),
    /// Manage the skills that carry calls
    Skill(skill::SkillArgs),
    /// Have virtual devices call and be called
    Call(call::CallArgs),
    /// Import a list in a job of the server, as the console does
    ImportJob(Box<import_job::ImportJobArgs>),
    /// Read the record of changes
    Changes(changes::ChangesArgs),
    /// Manage webhooks, which are sent the changes
    Webhook(webhook::WebhookArgs),
    /// Switch maintenance mode
    Maintenance(maintenance::MaintenanceArgs),
    /// Read the journal of requests, with the reason of each refusal
    Journal(journal::JournalArgs),
    /// Spoil answers of the public API on purpose, for tests
    Fault(fault::FaultArgs),
    /// Move the clock that tokens live by, for tests
    Clock(clock::ClockArgs),
    /// Rotate and list the keys that sign tokens
    Keys(keys::KeysArgs),
    /// Put the seed in place of everything there is
    Reset(reset::ResetArgs),
    /// Bring the schema of a database to what this version knows
    Migrate(migrate::MigrateArgs),
    /// Copy, export, import and verify stores
    Store(store::StoreArgs),
    /// Write everything that a server holds into a file, while it serves
    Backup(backup::BackupArgs),
    /// Fill the new store of a server from a backup
    Restore(backup::RestoreArgs),
    /// Show how the server is
    Status(status::StatusArgs),
    /// Write a completion script for a shell
    Completions(shell::CompletionsArgs),
    /// Write the man pages
    Man(shell::ManArgs),
}

impl Cli {
    /// Runs the command.
    pub(crate) fn run(self) -> ExitCode {
        if self.command.may_hold_secrets() {
            rustix::process::umask(Mode::RWXG | Mode::RWXO);
        }
        let command = match self.command {
            Command::Serve(args) => return serve::run(args),
            Command::Dev(args) => return dev::run(args),
            command => command,
        };
        let service = command.service();
        let mut output = Output::stdout(self.output);
        match command.run(&mut output).and_then(|()| output.flush().map_err(Failure::from)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => failure.report(service),
        }
    }
}

impl Command {
    /// Which of the server's two APIs the command speaks, for the advice beside an error.
    const fn service(&self) -> Service {
        match self {
            Self::Association(_) | Self::Sync(_) | Self::Diff(_) | Self::Pull(_) => Service::Public,
            Self::Token(args) => args.service(),
            _ => Service::Admin,
        }
    }

    /// Whether what it writes may hold a secret, so that its files are for their owner alone.
    const fn may_hold_secrets(&self) -> bool {
        !matches!(self, Self::Completions(_) | Self::Man(_))
    }

    fn run(self, output: &mut Output) -> Result<(), Failure> {
        let future = async {
            match self {
                Self::Association(args) => traced("association", args.run(output)).await,
                Self::Sync(args) => traced("sync", Box::pin(args.run(output))).await,
                Self::Diff(args) => traced("diff", args.run(output)).await,
                Self::Pull(args) => traced("pull", args.run(output)).await,
                Self::Token(args) => args.run(output).await,
                Self::AdminToken(args) => args.run(output).await,
                Self::Org(args) => args.run(output).await,
                Self::Client(args) => args.run(output).await,
                Self::Provider(args) => args.run(output).await,
                Self::Profile(args) => args.run(output).await,
                Self::Unit(args) => args.run(output).await,
                Self::Resource(args) => args.run(output).await,
                Self::AddressBook(args) => args.run(output).await,
                Self::Contact(args) => args.run(output).await,
                Self::Console(args) => args.run(output).await,
                Self::Try(args) => args.run(output).await,
                Self::Skill(args) => args.run(output).await,
                Self::Call(args) => args.run(output).await,
                Self::ImportJob(args) => args.run(output).await,
                Self::Changes(args) => args.run(output).await,
                Self::Webhook(args) => args.run(output).await,
                Self::Maintenance(args) => args.run(output).await,
                Self::Journal(args) => args.run(output).await,
                Self::Fault(args) => args.run(output).await,
                Self::Clock(args) => args.run(output).await,
                Self::Keys(args) => args.run(output).await,
                Self::Reset(args) => args.run(output).await,
                Self::Migrate(args) => args.run(output).await,
                Self::Store(args) => args.run(output).await,
                Self::Backup(args) => args.run(output).await,
                Self::Restore(args) => args.run(output).await,
                Self::Status(args) => args.run(output).await,
                Self::Completions(args) => args.run(output),
                Self::Man(args) => args.run(output),
                Self::Serve(_) | Self::Dev(_) => Ok(()),
            }
        };
        // Requests are waited for, not computed: one thread is enough and starts at once.
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::from)?
            .block_on(Box::pin(future))
    }
}

#[cfg(test)]
mod tests;
