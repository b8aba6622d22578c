//! `jackfield store verify`: is a store, or an export, what it should be?

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use jackfield_model::inspect::{Finding, Verified, VerifyLine};
use jackfield_store::transfer::{Check, Moved};
use jackfield_store::verify::{Findings, Pace, verify};
use jackfield_store::{OpenError, Store, StoreUrl};

use super::{IdentityArgs, PIECE_BYTES, ReadableArgs, open_backup};
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Format, Output, Show};
use crate::progress::Progress;

/// Exit code when something is wrong.
const DAMAGED: u8 = 1;

#[derive(Args)]
pub(super) struct VerifyArgs {
    /// The store: embedded:DIR or postgres://…, or the file of an export or a
    /// backup. A store that a running server has, and the server of the
    /// connection when nothing is named, is read by the server
    #[arg(value_name = "URL")]
    subject: Option<String>,
    #[command(flatten)]
    identities: IdentityArgs,
    #[command(flatten)]
    readable: ReadableArgs,
    #[command(flatten)]
    admin: AdminArgs,
}

/// What is to be verified.
enum Subject {
    Server,
    Store(StoreUrl),
    Export(PathBuf),
}

/// What is wrong is told as it is found, or with everything else in one document.
struct Told<'a> {
    output: &'a mut Output,
    findings: Vec<Finding>,
    progress: Progress,
}

impl VerifyArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let Self { subject, identities, readable, admin } = self;
        let mut told = Told { output, findings: Vec::new(), progress: Progress::new("verifying") };
        let done = match Subject::of(subject)? {
            Subject::Server => by_server(admin, &mut told).await?,
            Subject::Export(path) => export(&path, &identities, &mut told)?,
            Subject::Store(url) => match url.open_existing(readable.options()).await {
                Ok(store) => {
                    let done = read(&*store, &mut told).await;
                    store.close().await;
                    done?
                }
                Err(OpenError::InUse(directory)) => {
                    by_server(admin.with_data_dir(&directory), &mut told).await?
                }
                Err(OpenError::Damaged { dir, cause }) => {
                    told.add(Finding { place: dir.display().to_string(), problem: cause })?;
                    Verified { findings: 1, ..Verified::default() }
                }
                Err(error) => return Err(Failure::usage(error.to_string())),
            },
        };
        told.end(&done)
    }
}

impl Subject {
    fn of(text: Option<String>) -> Result<Self, Failure> {
        let Some(text) = text else { return Ok(Self::Server) };
        match text.parse() {
            Ok(StoreUrl::Memory) => Ok(Self::Server),
            Ok(url) => Ok(Self::Store(url)),
            // Of a URL nothing is repeated: a password may stand in it.
            Err(error) if text.contains("://") || text.contains('@') => {
                Err(Failure::usage(format!("this is no store: {error}")))
            }
            Err(_) if Path::new(&text).is_file() || text == "-" => Ok(Self::Export(text.into())),
            Err(error) => Err(Failure::usage(format!("there is no file {text}, and {error}"))),
        }
    }
}

async fn read(store: &dyn Store, told: &mut Told<'_>) -> Result<Verified, Failure> {
    let unreadable = |error: jackfield_store::StoreError| Failure::failed(error.to_string());
    let mut snapshot = store.snapshot().await.map_err(unreadable)?;
    let expected = snapshot.totals().associations + snapshot.totals().last_change;
    let mut found = Vec::new();
    let mut tell = |finding| found.push(finding);
    let mut findings = Findings::new(&mut tell);
    let progress = &mut told.progress;
    let mut set = |done: &Verified| progress.set(rows(done), expected);
    let done = verify(&mut *snapshot, Pace::Full, &mut findings, &mut set).await;
    for finding in found {
        told.add(finding)?;
    }
    done.map_err(unreadable)
}

async fn by_server(admin: AdminArgs, told: &mut Told<'_>) -> Result<Verified, Failure> {
    let mut answer = admin.connect()?.verify().await?;
    while let Some(line) = answer.next().await? {
        match line {
            VerifyLine::Finding(finding) => told.add(finding)?,
            VerifyLine::Progress(done) => told.progress.set(rows(&done), 0),
            VerifyLine::Done(done) => return Ok(done),
        }
    }
    Err(Failure::failed("the server broke the verification off; its log says why"))
}

fn export(path: &Path, identities: &IdentityArgs, told: &mut Told<'_>) -> Result<Verified, Failure> {
    let mut source = open_backup(path, identities).map_err(Failure::into_usage)?;
    let mut check = Check::default();
    let mut piece = vec![0; PIECE_BYTES];
    let outcome = loop {
        let length = match source.read(&mut piece) {
            Ok(length) => length,
            // Of an encrypted file.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => {
                told.add(Finding { place: path.display().to_string(), problem: error.to_string() })?;
                return Ok(Verified { findings: 1, ..Verified::default() });
            }
            Err(error) => {
                return Err(Failure::failed(format!("{} cannot be read: {error}", path.display())));
            }
        };
        if length == 0 {
            break check.finish();
        }
        if let Err(error) = check.push(&piece[..length]) {
            break Err(error);
        }
        told.progress.set(check.moved().rows(), check.moved().expected);
    };
    match outcome {
        Ok(Moved { accounts, profiles, resources, associations, changes, .. }) => {
            Ok(Verified { accounts, profiles, resources, associations, changes, findings: 0 })
        }
        Err(error) => {
            let place = format!("{}, line {}", path.display(), error.line);
            told.add(Finding { place, problem: error.reason })?;
            Ok(Verified { findings: 1, ..Verified::default() })
        }
    }
}

const fn rows(done: &Verified) -> u64 {
    done.profiles + done.resources + done.associations + done.changes
}

impl Told<'_> {
    fn add(&mut self, finding: Finding) -> Result<(), Failure> {
        match self.output.format() {
            Format::Table => Ok(self.output.line(&format!("{}: {}", finding.place, finding.problem))?),
            Format::Json => {
                self.findings.push(finding);
                Ok(())
            }
        }
    }

    fn end(self, done: &Verified) -> Result<(), Failure> {
        let Self { output, findings, progress } = self;
        progress.end();
        match output.format() {
            Format::Table => output.object(done)?,
            Format::Json => output.json(&serde_json::json!({ "findings": findings, "verified": done }))?,
        }
        output.flush()?;
        if done.findings == 0 { Ok(()) } else { Err(Failure::Told(DAMAGED)) }
    }
}

impl Show for Verified {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("accounts", self.accounts.to_string()),
            ("profiles", self.profiles.to_string()),
            ("resources", self.resources.to_string()),
            ("associations", self.associations.to_string()),
            ("changes", self.changes.to_string()),
            ("findings", self.findings.to_string()),
        ]
    }
}
