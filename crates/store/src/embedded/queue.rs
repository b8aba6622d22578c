//! What the queue to the writer carries: writes with where their answers go, and what else is asked of it.

use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId};
use tokio::sync::oneshot;

use super::filling::Begun;
use super::group::Group;
use super::layout::Key;
use crate::change::Origin;
use crate::registry::{Profile, RegistryCommand, RegistryOutcome};
use crate::{
    Content, CreateOutcome, CreateProfileOutcome, DeleteOutcome, DeleteProfileOutcome, LoadStart,
    PutProfileOutcome, RootKey, StoreError, UpdateOutcome, WriteAssociation,
};

/// Associations that one commit removes after a reset, so that clients' writes get their turn between.
const SWEEP_MAX: usize = 1_024;

/// Where the answer to a write goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A write, with where its answer goes.
pub(super) enum Write {
    Create(WriteAssociation, Reply<CreateOutcome>),
    Update(WriteAssociation, Reply<UpdateOutcome>),
    Delete(ServiceProviderId, ExternalUserId, Origin, Reply<DeleteOutcome>),
    // Boxed: it is rare, and would make every message as large as itself.
    Registry(Box<RegistryCommand>, Origin, Reply<RegistryOutcome>),
    CreateProfile(Profile, Origin, Reply<CreateProfileOutcome>),
    RenameProfile(OrganizationId, AmazonId, Option<String>, Origin, Reply<UpdateOutcome>),
    PutProfiles(Vec<Profile>, Origin, Reply<Vec<PutProfileOutcome>>),
    DeleteProfile(OrganizationId, AmazonId, Origin, Reply<DeleteProfileOutcome>),
    Trim(u64, usize, Reply<usize>),
    Reset(Box<Content>, Origin, Reply<()>),
    /// Removes a part of what a reset left, from this key on; the answer is where to go on.
    Sweep(Key, Reply<Option<Key>>),
    /// A bug.
    #[cfg(test)]
    Panic(Reply<()>),
}

/// What the queue carries.
pub(super) enum Message {
    Write(Write),
    /// Begin to fill the store, or go on.
    Load(Box<LoadStart>, Reply<Begun>),
    /// The store is filled, with the key that came with it, or empty again.
    Loaded(Option<RootKey>, Reply<()>),
    /// Finish, and say when the directory is free.
    Close(oneshot::Sender<()>),
}

/// An answer that is held back until the group is stored: given nothing, the outcome; given an error, that.
pub(super) type Answer = Box<dyn FnOnce(Option<StoreError>) + Send>;

impl Write {
    /// Decides the write; the answer holds the outcome.
    pub(super) fn decide(self, group: &mut Group<'_>) -> Answer {
        match self {
            Self::Create(write, reply) => answer(group.create(write), reply),
            Self::Update(write, reply) => answer(group.update(write), reply),
            Self::Delete(provider, id, origin, reply) => answer(group.delete(provider, id, origin), reply),
            Self::Registry(command, origin, reply) => answer(group.change_registry(*command, &origin), reply),
            Self::CreateProfile(profile, origin, reply) => {
                answer(group.create_profile(&profile, origin), reply)
            }
            Self::RenameProfile(organization, id, name, origin, reply) => {
                answer(group.rename_profile(&organization, &id, name, origin), reply)
            }
            Self::PutProfiles(profiles, origin, reply) => {
                answer(group.put_profiles(profiles, &origin), reply)
            }
            Self::DeleteProfile(organization, id, origin, reply) => {
                answer(group.delete_profile(&organization, &id, origin), reply)
            }
            Self::Trim(through, limit, reply) => answer(group.trim_changes(through, limit), reply),
            Self::Reset(content, origin, reply) => answer(group.reset(&content, &origin), reply),
            Self::Sweep(from, reply) => answer(group.sweep(&from, SWEEP_MAX), reply),
            #[cfg(test)]
            Self::Panic(_) => panic!("a bug"),
        }
    }

    pub(super) fn refuse(self, cause: String) {
        fn send<T>(reply: Reply<T>, cause: String) {
            // Who asked may have gone.
            let _ = reply.send(Err(StoreError::Unavailable { cause }));
        }
        match self {
            Self::Create(_, reply) => send(reply, cause),
            Self::Update(_, reply) | Self::RenameProfile(_, _, _, _, reply) => send(reply, cause),
            Self::Delete(_, _, _, reply) => send(reply, cause),
            Self::DeleteProfile(_, _, _, reply) => send(reply, cause),
            Self::PutProfiles(_, _, reply) => send(reply, cause),
            Self::Registry(_, _, reply) => send(reply, cause),
            Self::CreateProfile(_, _, reply) => send(reply, cause),
            Self::Trim(_, _, reply) => send(reply, cause),
            Self::Reset(_, _, reply) => send(reply, cause),
            Self::Sweep(_, reply) => send(reply, cause),
            #[cfg(test)]
            Self::Panic(reply) => send(reply, cause),
        }
    }
}

fn answer<T: Send + 'static>(outcome: Result<T, StoreError>, reply: Reply<T>) -> Answer {
    Box::new(move |error| {
        // Who asked may have gone.
        let _ = reply.send(error.map_or(outcome, Err));
    })
}
