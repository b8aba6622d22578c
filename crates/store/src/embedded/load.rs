//! The filling of an empty store, as callers have it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::filling::{Begun, Filling};
use super::queue::Message;
use super::{CLOSED, unavailable};
use crate::contract::{Load, LoadOutcome, Part, Position, Section, Snapshot};
use crate::{RootKey, StoreError};

/// A load, as callers have it: its work is done off the threads that serve requests.
pub(super) struct EmbeddedLoad {
    filling: Arc<Mutex<Filling>>,
    position: Position,
    queue: mpsc::Sender<Message>,
}

impl std::fmt::Debug for EmbeddedLoad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedLoad").field("position", &self.position).finish_non_exhaustive()
    }
}

impl EmbeddedLoad {
    pub(super) fn outcome(begun: Begun, queue: mpsc::Sender<Message>) -> LoadOutcome {
        match begun {
            Begun::NotEmpty => LoadOutcome::NotEmpty,
            Begun::Another(source) => LoadOutcome::Another(source),
            Begun::Filling(filling) => {
                let position = filling.position().clone();
                LoadOutcome::Ready(Box::new(Self {
                    filling: Arc::new(Mutex::new(*filling)),
                    position,
                    queue,
                }))
            }
        }
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Filling) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let filling = Arc::clone(&self.filling);
        let working = tokio::task::spawn_blocking(move || {
            work(&mut filling.lock().unwrap_or_else(PoisonError::into_inner))
        });
        working.await.unwrap_or_else(|_| Err(unavailable("the filling of the store was broken off")))
    }

    async fn end(&self, root_key: Option<RootKey>) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Message::Loaded(root_key, reply)).await.map_err(|_| unavailable(CLOSED))?;
        answer.await.unwrap_or_else(|_| Err(unavailable("the writer of the store ended")))
    }
}

#[async_trait]
impl Load for EmbeddedLoad {
    fn position(&self) -> &Position {
        &self.position
    }

    async fn add(&mut self, part: Part) -> Result<(), StoreError> {
        self.position = self.work(|filling| filling.add(part)).await?;
        Ok(())
    }

    async fn clear(&mut self, section: Section) -> Result<(), StoreError> {
        self.work(move |filling| filling.clear(section)).await
    }

    async fn snapshot(&mut self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(self.work(|filling| filling.snapshot()).await?))
    }

    async fn finish(self: Box<Self>) -> Result<(), StoreError> {
        self.work(Filling::finish).await?;
        let root_key = self.work(|filling| Ok(filling.root_key().clone())).await?;
        self.end(Some(root_key)).await
    }

    async fn abandon(self: Box<Self>) -> Result<(), StoreError> {
        self.work(Filling::abandon).await?;
        self.end(None).await
    }
}
