//! From the bytes of an export to a store that was empty.
//!
//! Reading and storing go on side by side. Nothing of the export can be seen before all of it was read, compared with
//! its checksums, and stored.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::format::FormatError;
use super::lines::Event;
use super::reader::Reader;
use super::{MoveError, Moved};
use crate::contract::{Load, Part, Position};
use crate::{Store, StoreError};

/// Parts that wait to be stored.
const QUEUE_PARTS: usize = 1;

/// An import that is under way. One that is dropped leaves the store unfinished, so that it can go on.
pub struct Import {
    store: Arc<dyn Store>,
    reader: Reader,
    storing: Option<Storing>,
    moved: Moved,
}

/// The load, with what ended it early.
type Stored = Result<Box<dyn Load>, (StoreError, Box<dyn Load>)>;

struct Storing {
    parts: mpsc::Sender<Part>,
    task: JoinHandle<Stored>,
    /// Rows up to here are stored since an earlier run.
    stored: Position,
}

impl std::fmt::Debug for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Import").field("moved", &self.moved).finish_non_exhaustive()
    }
}

impl Import {
    /// An import into this store.
    ///
    /// # Panics
    /// When there is no memory for the decompression.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        let reader = Reader::new().expect("there is memory for the decompression");
        Self { store, reader, storing: None, moved: Moved::default() }
    }

    /// What was read so far.
    #[must_use]
    pub const fn moved(&self) -> &Moved {
        &self.moved
    }

    /// Takes the next bytes of the export.
    ///
    /// # Errors
    /// [`MoveError`]; the import must be abandoned, or may be tried again from the beginning.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), MoveError> {
        self.reader.push(bytes)?;
        while let Some(event) = self.reader.next() {
            match event {
                Event::Start(start, associations) => {
                    self.moved.expected = associations;
                    self.moved.accounts = start.registry.records().len() as u64;
                    let load = self.store.load(*start).await?.ready()?;
                    self.storing = Some(Storing::start(load));
                }
                Event::Part(part) => self.store_part(part).await?,
            }
        }
        Ok(())
    }

    /// Says that there are no more bytes: shows what was imported, when it is whole.
    ///
    /// # Errors
    /// [`MoveError`]; nothing of the export is seen.
    pub async fn finish(mut self) -> Result<Moved, MoveError> {
        let reader = std::mem::replace(&mut self.reader, Reader::new().map_err(|_| no_memory())?);
        if let Err(error) = reader.finish() {
            self.abandon().await?;
            return Err(error.into());
        }
        if let Some(storing) = self.storing.take() {
            let load = storing.end().await.map_err(|(error, _)| error)?;
            load.finish().await?;
        }
        Ok(self.moved)
    }

    /// Gives up: the store is empty again.
    ///
    /// # Errors
    /// [`MoveError`]; the store is unfinished.
    pub async fn abandon(mut self) -> Result<(), MoveError> {
        if let Some(storing) = self.storing.take() {
            let load = storing.end().await.unwrap_or_else(|(_, load)| load);
            load.abandon().await?;
        }
        Ok(())
    }

    async fn store_part(&mut self, part: Part) -> Result<(), MoveError> {
        let Some(storing) = &mut self.storing else { return Ok(()) };
        let before = part.len() as u64;
        let part = part.after(&storing.stored);
        self.moved.skipped += before - part.len() as u64;
        self.moved.count(&part);
        if part.is_empty() || storing.parts.send(part).await.is_ok() {
            return Ok(());
        }
        // The task ends early for one reason only.
        match (&mut storing.task).await {
            Ok(Err((error, load))) => {
                *storing = Storing::start(load);
                Err(error.into())
            }
            _ => Err(StoreError::Unavailable { cause: "storing was broken off".to_owned() }.into()),
        }
    }
}

impl Storing {
    fn start(mut load: Box<dyn Load>) -> Self {
        let stored = load.position().clone();
        let (parts, mut queue) = mpsc::channel(QUEUE_PARTS);
        let task = tokio::spawn(async move {
            while let Some(part) = queue.recv().await {
                if let Err(error) = load.add(part).await {
                    return Err((error, load));
                }
            }
            Ok(load)
        });
        Self { parts, task, stored }
    }

    /// Waits until everything is stored.
    async fn end(self) -> Stored {
        drop(self.parts);
        self.task.await.expect("storing does not panic and is not aborted")
    }
}

impl Part {
    /// The rows after a position.
    fn after(self, position: &Position) -> Self {
        if self.end().is_none_or(|end| end <= *position) {
            return Self::Changes(Vec::new());
        }
        match self {
            Self::Profiles(mut profiles) => {
                profiles.retain(|profile| Position::Profile(profile.id.clone()) > *position);
                Self::Profiles(profiles)
            }
            Self::Resources(mut rows) => {
                rows.retain(|(key, _)| Position::Resource(key.clone()) > *position);
                Self::Resources(rows)
            }
            Self::Associations(mut groups) => {
                let Position::Association(provider, id) = position else { return Self::Associations(groups) };
                groups.retain(|(group, _)| group >= provider);
                for (_, rows) in groups.iter_mut().filter(|(group, _)| group == provider) {
                    rows.retain(|row| row.external_user_id > *id);
                }
                Self::Associations(groups)
            }
            Self::Changes(mut changes) => {
                changes.retain(|change| Position::Change(change.sequence) > *position);
                Self::Changes(changes)
            }
        }
    }
}

fn no_memory() -> FormatError {
    FormatError { line: 0, reason: "there is no memory for the decompression".to_owned() }
}
