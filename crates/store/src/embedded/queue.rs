//! What the queue to the writer carries: writes with where their answers go, and what else is asked of it.

use tokio::sync::oneshot;

use super::filling::Begun;
use super::group::Group;
use crate::contract::LoadStart;
use crate::{RootKey, StoreError};

/// Where the answer to a write goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the queue carries.
pub(super) enum Message {
    Write(Box<dyn PendingWrite>),
    /// Begin to fill the store, or go on.
    Load(Box<LoadStart>, Reply<Begun>),
    /// The store is filled, with the key that came with it, or empty again.
    Loaded(Option<RootKey>, Reply<()>),
    /// Finish, and say when the directory is free.
    Close(oneshot::Sender<()>),
}

/// A write on its way. It is decided with its group, and answered when the group is stored.
pub(super) trait PendingWrite: Send {
    /// Decides it. The outcome is held back: it may rest on another write of the group.
    fn decide(&mut self, group: &mut Group<'_>);

    /// Answers with the outcome, or with the reason why there is none.
    fn answer(self: Box<Self>, error: Option<StoreError>);
}

/// A write: how it is decided, or its outcome.
pub(super) struct Write<T, D> {
    decide: Option<D>,
    outcome: Option<Result<T, StoreError>>,
    reply: Reply<T>,
}

impl<T, D: FnOnce(&mut Group<'_>) -> Result<T, StoreError>> Write<T, D> {
    pub(super) const fn new(decide: D, reply: Reply<T>) -> Self {
        Self { decide: Some(decide), outcome: None, reply }
    }
}

impl<T: Send, D: FnOnce(&mut Group<'_>) -> Result<T, StoreError> + Send> PendingWrite for Write<T, D> {
    fn decide(&mut self, group: &mut Group<'_>) {
        self.outcome = self.decide.take().map(|decide| decide(group));
    }

    fn answer(self: Box<Self>, error: Option<StoreError>) {
        let Self { outcome, reply, .. } = *self;
        if let Some(answer) = error.map(Err).or(outcome) {
            // The receiver may have been dropped.
            let _ = reply.send(answer);
        }
    }
}
