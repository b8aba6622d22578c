//! The registry of accounts, as a store keeps it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::change::Origin;
use crate::error::StoreError;
use crate::key::RootKey;
use crate::registry::{Registry, RegistryCommand, RegistryOutcome};

/// The registry of accounts, and the key of the directory.
#[async_trait]
pub trait RegistryStore: Send + Sync {
    /// The registry of accounts as of now. Cheap: no I/O, no lock that a commit holds.
    fn registry(&self) -> Arc<Registry>;

    /// Whether [`RegistryStore::registry`] is at most a few seconds behind what other nodes have committed. A node that cannot
    /// know any more who was revoked should serve nobody.
    fn is_current(&self) -> bool {
        true
    }

    /// Whether other processes may have the same store open.
    fn is_shared(&self) -> bool {
        false
    }

    /// Brings [`RegistryStore::registry`] up to what every node committed before the call. Answers whether it may say
    /// something new since.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn refresh(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// The key from which hashes of this directory derive, and its tokens until a rotation gives them another, see
    /// [`Keyring`](crate::registry::Keyring). Made once, the same on every node.
    fn root_key(&self) -> &RootKey;

    /// Applies a change to the registry of accounts. [`RegistryStore::registry`] shows it when this answers.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed.
    async fn change_registry(
        &self,
        command: RegistryCommand,
        origin: Origin,
    ) -> Result<RegistryOutcome, StoreError>;
}
