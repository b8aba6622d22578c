//! The journal of a run: the list and how it is applied. From it an interrupted run goes on without the list.
//!
//! What is done is not in it: the server is asked for that. The file is on stable storage before the first change is made,
//! and locked until the run ends. No credentials are in it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use jackfield_model::ServiceProviderId;
use serde::{Deserialize, Serialize};

use super::PropertyOptions;
use crate::sync::input::PropertyRow;
use crate::sync::journal::{JournalError, create, line, lock, open};

/// The first is that of [`crate::sync::Journal`], which holds changes.
const VERSION: u32 = 2;

/// The journal of a property, locked until it is dropped.
#[derive(Debug)]
pub struct PropertyJournal {
    path: PathBuf,
    _file: File,
}

/// What the journal says of the run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    journal: u32,
    provider: ServiceProviderId,
    endpoint: String,
    property: PropertyOptions,
    rows: usize,
}

/// The last line, without which the journal is not whole.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct End {
    planned: usize,
}

/// A run that did not come to its end.
#[derive(Debug)]
pub struct UnfinishedProperty {
    /// Whose associations it changes.
    pub provider: ServiceProviderId,
    /// Where.
    pub endpoint: String,
    /// How the list becomes a property.
    pub options: PropertyOptions,
    /// The list.
    pub rows: Vec<PropertyRow>,
}

impl PropertyJournal {
    /// Begins the journal of a run, in the place of an earlier one.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be written, or another run holds it.
    pub fn create(path: &Path, unfinished: &UnfinishedProperty) -> Result<Self, JournalError> {
        let file = create(path)?;
        let written = write(&file, unfinished);
        written.map_err(|error| JournalError::Io { path: path.display().to_string(), error })?;
        Ok(Self { path: path.to_owned(), _file: file })
    }

    /// Whether the file is the journal of a property. A file that cannot be read is none.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        let head = File::open(path).map(|file| BufReader::new(file).lines().next());
        matches!(head, Ok(Some(Ok(line))) if serde_json::from_str::<Head>(&line).is_ok())
    }

    /// Opens the journal of a run that did not come to its end, to go on with it.
    ///
    /// # Errors
    /// [`JournalError`] when it is none, or another run holds it.
    pub fn resume(path: &Path) -> Result<(Self, UnfinishedProperty), JournalError> {
        let file = open(path)?;
        lock(&file, path)?;
        let unfinished = read(&file, path)?;
        Ok((Self { path: path.to_owned(), _file: file }, unfinished))
    }

    /// Removes it: the run came to its end.
    ///
    /// # Errors
    /// [`JournalError`] when it cannot be removed.
    pub fn remove(self) -> Result<(), JournalError> {
        let failed = |error| JournalError::Io { path: self.path.display().to_string(), error };
        std::fs::remove_file(&self.path).map_err(failed)
    }
}

fn write(file: &File, unfinished: &UnfinishedProperty) -> io::Result<()> {
    let UnfinishedProperty { provider, endpoint, options, rows } = unfinished;
    let mut out = BufWriter::new(file);
    let head = Head {
        journal: VERSION,
        provider: *provider,
        endpoint: endpoint.clone(),
        property: options.clone(),
        rows: rows.len(),
    };
    line(&mut out, &head)?;
    for row in rows {
        line(&mut out, row)?;
    }
    line(&mut out, &End { planned: rows.len() })?;
    out.flush()?;
    file.sync_all()
}

fn read(file: &File, path: &Path) -> Result<UnfinishedProperty, JournalError> {
    let shown = || path.display().to_string();
    let mut lines = BufReader::new(file).lines();
    let mut next = || lines.next().transpose().map_err(|error| JournalError::Io { path: shown(), error });
    let foreign = |line| JournalError::Foreign { path: shown(), line };
    let partial = || JournalError::Partial { path: shown() };
    let head: Head = serde_json::from_str(&next()?.ok_or_else(partial)?).map_err(|_| foreign(1))?;
    if head.journal != VERSION {
        return Err(foreign(1));
    }
    let mut rows = Vec::new();
    for at in 0..head.rows {
        let row = next()?.ok_or_else(partial)?;
        rows.push(serde_json::from_str(&row).map_err(|_| foreign(at + 2))?);
    }
    // A crash may have left a part of it.
    let end = next()?.and_then(|end| serde_json::from_str::<End>(&end).ok());
    if end.is_none_or(|end| end.planned != rows.len()) {
        return Err(partial());
    }
    let Head { provider, endpoint, property: options, .. } = head;
    Ok(UnfinishedProperty { provider, endpoint, options, rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::input::Parts;

    fn unfinished() -> UnfinishedProperty {
        let row = |id: &str, unit: &str, line| PropertyRow {
            external_user_id: id.parse().unwrap(),
            amazon_id: None,
            unit: Some(unit.into()),
            profile_name: None,
            contact_name: Some("Room 7201".into()),
            line,
        };
        UnfinishedProperty {
            provider: "amzn1.comms.csp.id.6f1b9a52-6c5e-4d0c-9a5b-2f3f0a8f6f10".parse().unwrap(),
            endpoint: "http://127.0.0.1:8080".to_owned(),
            options: PropertyOptions {
                parts: Parts { units: true, profiles: true, contacts: true },
                delete_missing: true,
                max_delete: Some("5%".parse().unwrap()),
                ..PropertyOptions::default()
            },
            rows: vec![row("7201", "201", 2), row("7202", "202", 3)],
        }
    }

    #[test]
    fn a_run_goes_on_with_the_list_that_it_began_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let before = unfinished();
        let journal = PropertyJournal::create(&path, &before).unwrap();
        assert!(PropertyJournal::is_at(&path));
        assert!(matches!(PropertyJournal::resume(&path), Err(JournalError::InUse { .. })));
        drop(journal);
        let (journal, after) = PropertyJournal::resume(&path).unwrap();
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
        journal.remove().unwrap();
        assert!(matches!(PropertyJournal::resume(&path), Err(JournalError::NoSuch { .. })));
    }

    #[test]
    fn what_was_cut_off_is_refused_at_every_byte() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        drop(PropertyJournal::create(&path, &unfinished()).unwrap());
        let whole = std::fs::read(&path).unwrap();
        // Without the end of the last line it is whole all the same.
        for end in 0..whole.len() - 1 {
            std::fs::write(&path, &whole[..end]).unwrap();
            let refused = PropertyJournal::resume(&path).unwrap_err();
            assert!(
                matches!(refused, JournalError::Partial { .. } | JournalError::Foreign { .. }),
                "{end}: {refused}"
            );
        }
    }
}
