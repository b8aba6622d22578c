//! What tokens, secrets and passwords are made and checked with.

use std::fmt;
use std::sync::OnceLock;

use jackfield_store::registry::SecretHash;
use jackfield_store::{Registry, Store};

use crate::credential::keys::Keys;
use crate::credential::password::Hashing;
use crate::credential::signing::Signing;
use crate::issuer::Issuers;

/// What tokens, secrets and passwords are made and checked with.
#[derive(Debug)]
pub(crate) struct Credentials {
    keys: Keys,
    /// The keys of a store that was filled from a backup. A store is filled once at most.
    restored: OnceLock<Keys>,
    pub(crate) signing: Signing,
    pub(crate) hashing: Hashing,
    pub(crate) issuers: Issuers,
    /// The admin token that the server was started with.
    pub(crate) bootstrap: Bootstrap,
}

impl Credentials {
    pub(crate) fn new(store: &dyn Store, issuers: Issuers, admin_token: &str) -> Self {
        Self {
            keys: Keys::derive(store.root_key()),
            restored: OnceLock::new(),
            signing: Signing::new(store),
            hashing: Hashing::default(),
            issuers,
            bootstrap: Bootstrap(admin_token.to_owned()),
        }
    }

    /// The keys of hashes and names, which derive from that of the store.
    pub(crate) fn keys(&self) -> &Keys {
        self.restored.get().unwrap_or(&self.keys)
    }

    /// Takes the keys of a store that was just filled from a backup.
    pub(crate) fn restored(&self, store: &dyn Store) {
        // This process had the keys of an empty store until now, and a store is filled once.
        let _ = self.restored.set(Keys::derive(store.root_key()));
        self.signing.replace(store);
    }
}

/// The token that the server was started with: from a flag, the environment, or the file of the data directory.
pub(crate) struct Bootstrap(String);

impl fmt::Debug for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bootstrap(…)")
    }
}

impl Bootstrap {
    /// Its hash. The key changes with a restore.
    pub(crate) fn hash(&self, keys: &Keys) -> SecretHash {
        keys.hash_admin_token(&self.0)
    }

    /// Whether an operator revoked it.
    pub(crate) fn is_revoked(&self, keys: &Keys, registry: &Registry) -> bool {
        registry.admin_token(&self.hash(keys)).is_some_and(|token| token.revoked)
    }
}
