//! A list that is being uploaded.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use jackfield_model::admin::{ImportJob, ImportState};
use jackfield_model::{ServiceProviderId, limit};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use super::{Imports, Refusal, blocking, now};

/// Pieces of an upload that wait to be written.
const AHEAD: usize = 4;

/// A list that is being uploaded. When it is dropped it is gone.
pub(crate) struct Upload {
    imports: Arc<Imports>,
    import: Option<ImportJob>,
    pieces: Option<mpsc::Sender<Bytes>>,
    writing: JoinHandle<io::Result<()>>,
    _place: OwnedSemaphorePermit,
}

impl Imports {
    /// Begins an upload; the oldest import that rests makes room for it, once it is there.
    pub(crate) async fn upload(
        self: &Arc<Self>,
        provider: ServiceProviderId,
        name: String,
        actor: String,
    ) -> Result<Upload, Refusal> {
        self.runner()?;
        let place = Arc::clone(&self.uploads).try_acquire_owned().map_err(|_| {
            self.limited(format!("{} lists are being uploaded, which is the most.", limit::IMPORT_UPLOADS))
        })?;
        let import = ImportJob {
            id: Uuid::new_v4().to_string(),
            service_provider_id: provider,
            name,
            bytes: 0,
            state: ImportState::Uploaded,
            created: now(),
            changed: now(),
            actor,
            wanted: None,
            plan: None,
            progress: None,
            report: None,
            problem: None,
        };
        let (files, id) = (Arc::clone(&self.files), import.id.clone());
        let file = blocking(move || files.create(&id)).await?;
        let (pieces, queue) = mpsc::channel(AHEAD);
        let writing = spawn_blocking(move || write(file, queue));
        Ok(Upload {
            imports: Arc::clone(self),
            import: Some(import),
            pieces: Some(pieces),
            writing,
            _place: place,
        })
    }
}

impl Upload {
    /// Takes a piece of the list.
    pub(crate) async fn push(&mut self, piece: Bytes) -> Result<(), Refusal> {
        let Some(import) = &mut self.import else { return Ok(()) };
        import.bytes += piece.len() as u64;
        if import.bytes > limit::IMPORT_BYTES {
            return Err(too_large());
        }
        let sent = match &self.pieces {
            Some(pieces) => pieces.send(piece).await.is_ok(),
            None => false,
        };
        if sent { Ok(()) } else { Err(Refusal::Io("the list cannot be written".to_owned())) }
    }

    /// Takes the list in.
    pub(crate) async fn finish(mut self) -> Result<ImportJob, Refusal> {
        drop(self.pieces.take());
        let written = (&mut self.writing).await.map_err(|error| Refusal::Io(error.to_string()))?;
        written.map_err(|error| Refusal::Io(error.to_string()))?;
        let import = self.import.clone().ok_or(Refusal::NoSuchImport)?;
        if import.bytes == 0 {
            return Err(Refusal::Wrong("The list is empty.".to_owned()));
        }
        self.imports.save(import.clone()).await?;
        self.import = None;
        for gone in self.imports.push(import.clone()) {
            let files = Arc::clone(&self.imports.files);
            blocking(move || files.remove(&gone)).await?;
        }
        Ok(import)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(import) = &self.import {
            let (files, id) = (Arc::clone(&self.imports.files), import.id.clone());
            drop(self.pieces.take());
            // The file is removed while it may still be written: nothing of it stays.
            spawn_blocking(move || files.remove(&id));
        }
    }
}

/// A list that is too large, also where that is known before it is read.
pub(crate) fn too_large() -> Refusal {
    Refusal::Wrong(format!(
        "The list is larger than {} bytes, which is the most; `jackfield sync` takes larger ones.",
        limit::IMPORT_BYTES
    ))
}

fn write(mut file: File, mut queue: mpsc::Receiver<Bytes>) -> io::Result<()> {
    while let Some(piece) = queue.blocking_recv() {
        file.write_all(&piece)?;
    }
    file.sync_all()
}
