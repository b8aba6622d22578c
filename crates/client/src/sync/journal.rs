//! The journal of a run: the plan, and which of its changes are done. From it an interrupted run goes on.
//!
//! A text of JSON lines that is only ever appended to: a head, the changes, a line that says that all changes are there,
//! and a line for each change that is done or failed. The plan is on stable storage before the first change is made.
//! What is done may be missing at the end, after a crash: it is not believed to be undone, a query settles it. So the
//! lines about it are not forced to the disk one by one. No credentials are in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jackfield_model::ServiceProviderId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::plan::{Change, Desired, Only, Plan};
use super::session::Session;

const VERSION: u32 = 1;

/// A journal that is being written. It is locked until it is dropped.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    out: Arc<Mutex<BufWriter<File>>>,
}

/// A run that did not come to its end.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// Whose associations it changes.
    pub provider: ServiceProviderId,
    /// Where.
    pub endpoint: String,
    /// Which kinds of change it may make.
    pub only: Only,
    changes: Vec<Change>,
    done: Vec<bool>,
}

/// Why a journal cannot be written or gone on from.
#[derive(Debug, Error)]
pub enum JournalError {
    /// It is not there: no run was interrupted, or it came to its end since.
    #[error("there is no journal {path}, so there is no run to go on with")]
    NoSuch {
        /// Its path.
        path: String,
    },
    /// It cannot be read or written.
    #[error("the journal {path} cannot be used: {error}")]
    Io {
        /// Its path.
        path: String,
        /// Why not.
        error: io::Error,
    },
    /// Another run is at work with it.
    #[error("the journal {path} is in use by another run")]
    InUse {
        /// Its path.
        path: String,
    },
    /// It holds something else.
    #[error("{path}:{line}: this is no journal of this program, or of a newer version")]
    Foreign {
        /// Its path.
        path: String,
        /// The line that says so.
        line: usize,
    },
    /// The run ended before its plan was written: nothing was applied.
    #[error("the journal {path} ends before its plan is whole; nothing of it was applied")]
    Partial {
        /// Its path.
        path: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    journal: u32,
    provider: ServiceProviderId,
    endpoint: String,
    only: Only,
    changes: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    Planned(usize),
    Done(usize),
    Failed(usize),
}

impl Journal {
    /// Begins the journal of a plan, in the place of an earlier one.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be written, or another run holds it.
    pub fn create(path: &Path, session: &Session, plan: &Plan) -> Result<Self, JournalError> {
        let failed = |error| JournalError::Io { path: path.display().to_string(), error };
        let mut out = BufWriter::new(create(path)?);
        write_plan(&mut out, session, plan).map_err(failed)?;
        Ok(Self::new(path, out))
    }

    /// Opens the journal of a run that did not come to its end, to go on with it.
    ///
    /// # Errors
    /// [`JournalError`] when it is none, or another run holds it.
    pub fn resume(path: &Path) -> Result<(Self, Unfinished), JournalError> {
        let failed = |error| JournalError::Io { path: path.display().to_string(), error };
        let file = open(path)?;
        lock(&file, path)?;
        let (unfinished, whole) = Unfinished::read(BufReader::new(&file), path)?;
        // A crash may have left a part of a line.
        file.set_len(whole).map_err(failed)?;
        let mut out = BufWriter::new(file);
        out.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok((Self::new(path, out), unfinished))
    }

    fn new(path: &Path, out: BufWriter<File>) -> Self {
        Self { path: path.to_owned(), out: Arc::new(Mutex::new(out)) }
    }

    /// The same journal, for who notes what is done.
    pub(super) fn share(&self) -> Self {
        Self { path: self.path.clone(), out: Arc::clone(&self.out) }
    }

    /// Removes it: the run came to its end.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be removed.
    pub fn remove(self) -> Result<(), JournalError> {
        std::fs::remove_file(&self.path).map_err(|error| self.failed(error))
    }

    pub(super) fn done(&self, number: usize) -> Result<(), JournalError> {
        self.note(|out| line(out, &Line::Done(number)))
    }

    pub(super) fn failed_change(&self, number: usize) -> Result<(), JournalError> {
        self.note(|out| line(out, &Line::Failed(number)))
    }

    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.note(|out| out.flush().and_then(|()| out.get_ref().sync_data()))
    }

    fn note(&self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), JournalError> {
        write(&mut self.out.lock().unwrap_or_else(PoisonError::into_inner))
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> JournalError {
        JournalError::Io { path: self.path.display().to_string(), error }
    }
}

fn write_plan(out: &mut BufWriter<File>, session: &Session, plan: &Plan) -> io::Result<()> {
    let head = Head {
        journal: VERSION,
        provider: session.provider,
        endpoint: session.client.endpoint().to_string(),
        only: session.options.only,
        changes: plan.changes.len(),
    };
    line(out, &head)?;
    for change in &*plan.changes {
        line(out, change)?;
    }
    line(out, &Line::Planned(plan.changes.len()))?;
    out.flush()?;
    out.get_ref().sync_all()
}

/// An empty file in the place of an earlier one, locked; only its owner may read it.
pub(super) fn create(path: &Path) -> Result<File, JournalError> {
    let failed = |error| JournalError::Io { path: path.display().to_string(), error };
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(failed)?;
    lock(&file, path)?;
    file.set_len(0).map_err(failed)?;
    Ok(file)
}

/// The file of an earlier run, not locked yet.
pub(super) fn open(path: &Path) -> Result<File, JournalError> {
    let path_text = || path.display().to_string();
    OpenOptions::new().read(true).write(true).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => JournalError::NoSuch { path: path_text() },
        _ => JournalError::Io { path: path_text(), error },
    })
}

pub(super) fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

impl Unfinished {
    /// What the whole run leads to.
    #[must_use]
    pub fn desired(&self) -> Desired {
        Desired::after(&self.changes)
    }

    /// What is not known to be done.
    #[must_use]
    pub fn pending(&self) -> Desired {
        let pending = self.changes.iter().zip(&self.done).filter(|(_, done)| !**done);
        Desired::after(pending.map(|(change, _)| change))
    }

    /// Changes in the plan, and how many of them are known to be done.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.changes.len(), self.done.iter().filter(|&&done| done).count())
    }

    /// Reads a journal; answers also how many bytes of it are whole lines.
    fn read(mut input: impl BufRead, path: &Path) -> Result<(Self, u64), JournalError> {
        let path_text = || path.display().to_string();
        let mut text = Vec::new();
        let mut number = 0;
        let mut whole = 0;
        let mut next = || -> Result<Option<(usize, Vec<u8>)>, JournalError> {
            text.clear();
            let read = input.read_until(b'\n', &mut text);
            read.map_err(|error| JournalError::Io { path: path_text(), error })?;
            if !text.ends_with(b"\n") {
                return Ok(None);
            }
            number += 1;
            whole += text.len() as u64;
            Ok(Some((number, text.clone())))
        };
        let foreign = |line| JournalError::Foreign { path: path_text(), line };
        let partial = || JournalError::Partial { path: path_text() };
        let (_, head) = next()?.ok_or_else(partial)?;
        let head: Head = serde_json::from_slice(&head).map_err(|_| foreign(1))?;
        if head.journal != VERSION {
            return Err(foreign(1));
        }
        let mut changes = Vec::new();
        for number in 0..head.changes {
            let (line, text) = next()?.ok_or_else(partial)?;
            let change: Change = serde_json::from_slice(&text).map_err(|_| foreign(line))?;
            changes.push(Change { number, ..change });
        }
        let mut done = vec![false; changes.len()];
        let mut planned = false;
        while let Some((line, text)) = next()? {
            match serde_json::from_slice(&text).map_err(|_| foreign(line))? {
                Line::Planned(count) if count == changes.len() && !planned => planned = true,
                Line::Done(at) if planned && at < done.len() => done[at] = true,
                Line::Failed(at) if planned && at < done.len() => {}
                Line::Planned(_) | Line::Done(_) | Line::Failed(_) => return Err(foreign(line)),
            }
        }
        if !planned {
            return Err(partial());
        }
        let Head { provider, endpoint, only, .. } = head;
        Ok((Self { provider, endpoint, only, changes, done }, whole))
    }
}

/// Where the file system knows no locks there is none.
pub(super) fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse { path: path.display().to_string() }),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
