//! The keys that sign: access tokens, page tokens, authorization codes and the forms of the consent page.
//!
//! They follow the registry: after a rotation the next request derives the new ones. The newest signs; an older one
//! verifies what it signed before it was retired, for as long as that may be valid. The holder of a retired key can
//! therefore forge nothing with a later time, and nothing at all once the longest lifetime of a token has passed.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use jackfield_model::limit;
use jackfield_store::registry::{FIRST_KEY, KeyInUse, Keyring};
use jackfield_store::{Registry, RootKey, Store};
use ring::hmac;

use super::claims::{Claims, Known};
use super::code::CodeKeys;
use super::keys::{derive, derived};

/// The signing keys as of the registry that was seen last.
#[derive(Debug)]
pub(crate) struct Signing(ArcSwap<SigningKeys>);

/// The signing keys as of one state of the registry.
pub(crate) struct SigningKeys {
    source: Arc<Keyring>,
    /// Oldest first; never empty.
    keys: Vec<SigningKey>,
    pub(super) known: Known,
}

/// One key a purpose. `ring`'s debug form shows the algorithm only.
#[derive(Debug)]
pub(crate) struct SigningKey {
    /// Its number.
    pub(crate) id: u32,
    /// When the next one took over, by the token clock, in seconds since 1970; `None` for the one that signs.
    retired: Option<u64>,
    pub(super) access_token: hmac::Key,
    pub(crate) page_token: hmac::Key,
    pub(crate) code: CodeKeys,
    pub(crate) consent: hmac::Key,
}

/// Why an access token is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// Not of this service, changed, or of a key that is no longer valid.
    Foreign,
    /// It names a key that this node does not know yet, if there is one.
    UnknownKey,
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeys").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Signing {
    /// The keys of a store as of now.
    pub(crate) fn new(store: &dyn Store) -> Self {
        Self(ArcSwap::from_pointee(SigningKeys::of(store, &store.registry())))
    }

    /// The keys as of this registry. Compares a pointer, unless there was a rotation.
    pub(crate) fn of(&self, store: &dyn Store, registry: &Registry) -> Guard<Arc<SigningKeys>> {
        let keys = self.0.load();
        if Arc::ptr_eq(&keys.source, &registry.keyring) { keys } else { self.follow(store, registry) }
    }

    /// The keys as of now.
    pub(crate) fn now(&self, store: &dyn Store) -> Guard<Arc<SigningKeys>> {
        self.of(store, &store.registry())
    }

    /// Derives all keys again, after the root key of the store changed.
    pub(crate) fn replace(&self, store: &dyn Store) {
        self.0.store(Arc::new(SigningKeys::of(store, &store.registry())));
    }

    #[cold]
    fn follow(&self, store: &dyn Store, registry: &Registry) -> Guard<Arc<SigningKeys>> {
        let keys = Arc::new(SigningKeys::of(store, registry));
        // A request that began before a rotation has an older registry; it does not turn the others back.
        if keys.source.current() >= self.0.load().source.current() {
            self.0.store(Arc::clone(&keys));
        }
        Guard::from_inner(keys)
    }
}

impl SigningKeys {
    fn of(store: &dyn Store, registry: &Registry) -> Self {
        Self::derive(store.root_key(), Arc::clone(&registry.keyring))
    }

    pub(crate) fn derive(root: &RootKey, source: Arc<Keyring>) -> Self {
        let keys = source.keys(root).iter().map(SigningKey::derive).collect();
        Self { source, keys, known: super::claims::known() }
    }

    /// The key that signs.
    pub(crate) fn current(&self) -> &SigningKey {
        self.keys.last().expect("there is always a key that signs")
    }

    /// The key with this number.
    pub(super) fn for_id(&self, id: u32) -> Result<&SigningKey, NotOpened> {
        let found = self.keys.iter().find(|key| key.id == id);
        found.ok_or(if id > self.current().id { NotOpened::UnknownKey } else { NotOpened::Foreign })
    }

    /// The keys that may have signed what is valid now and for so many seconds in all, newest first.
    pub(crate) fn alive(&self, now: u64, life: u64) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().rev().filter(move |key| now < key.end(life))
    }
}

impl SigningKey {
    fn derive(in_use: &KeyInUse) -> Self {
        let key = |purpose: &str| derive(&in_use.key, purpose);
        let hide = derived(&in_use.key, "jackfield authorization code encryption v1");
        let hide = hide.as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes");
        Self {
            id: in_use.id,
            retired: in_use.retired,
            access_token: key("jackfield access token v1"),
            page_token: key("jackfield page token v1"),
            code: CodeKeys::new(key("jackfield authorization code v1"), hide),
            consent: key("jackfield consent form v1"),
        }
    }

    /// Whether it could sign at this time: not after it was retired. Another node may have learned about that a little
    /// later, and have another clock.
    pub(crate) fn could_sign_at(&self, issued: u64) -> bool {
        self.retired.is_none_or(|retired| issued <= retired.saturating_add(limit::KEY_GRACE_SECONDS))
    }

    /// When everything that it signed with this lifetime in seconds has expired.
    fn end(&self, life: u64) -> u64 {
        self.retired
            .map_or(u64::MAX, |retired| retired.saturating_add(limit::KEY_GRACE_SECONDS).saturating_add(life))
    }

    /// The number, where a token says it: tokens of the root key do not, as those of versions without rotation.
    pub(super) fn named(&self) -> Option<u32> {
        (self.id != FIRST_KEY).then_some(self.id)
    }

    /// The claims of a token of this key, when the key could have signed it. It ends at the latest when the key is no
    /// longer valid.
    pub(super) fn judge(&self, claims: Claims) -> Result<Claims, NotOpened> {
        if !self.could_sign_at(claims.issued) {
            return Err(NotOpened::Foreign);
        }
        let expires = claims.expires.min(self.end(limit::ACCESS_TOKEN_MAX_SECONDS));
        Ok(Claims { expires, ..claims })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jackfield_store::registry::Rotation;
    use jackfield_store::{MemoryStore, RegistryCommand, RegistryStore as _};

    use super::*;

    /// The keys of a store whose root key is these bytes, after rotations at these times.
    pub(crate) async fn signing_keys(byte: u8, rotations: &[u64]) -> SigningKeys {
        let store = MemoryStore::default();
        for (number, now) in (1..).zip(rotations) {
            let key = RootKey::new([byte.wrapping_add(100 * number); 32]);
            let rotation = RegistryCommand::RotateKeys(Rotation { key, now: *now, revoke: false });
            let origin = jackfield_store::Origin {
                actor: jackfield_store::Actor::Admin,
                request_id: jackfield_model::RequestId::random(),
                time: jackfield_store::Timestamp::default(),
            };
            store.change_registry(rotation, origin).await.unwrap();
        }
        SigningKeys::derive(&RootKey::new([byte; 32]), Arc::clone(&store.registry().keyring))
    }

    #[tokio::test]
    async fn a_retired_key_signs_nothing_later_and_ends() {
        let keys = signing_keys(7, &[1_000]).await;
        let (old, new) = (keys.for_id(1).unwrap(), keys.current());
        assert_eq!((old.named(), new.named()), (None, Some(2)));
        let last = 1_000 + limit::KEY_GRACE_SECONDS;
        assert!(old.could_sign_at(last) && !old.could_sign_at(last + 1) && new.could_sign_at(u64::MAX));
        let alive = |now| keys.alive(now, 300).map(|key| key.id).collect::<Vec<_>>();
        assert_eq!(alive(last + 299), [2, 1]);
        assert_eq!(alive(last + 300), [2]);
        assert_eq!(keys.for_id(0).unwrap_err(), NotOpened::Foreign);
        assert_eq!(keys.for_id(3).unwrap_err(), NotOpened::UnknownKey);
    }

    #[tokio::test]
    async fn keys_follow_the_registry_and_are_not_turned_back() {
        let store = MemoryStore::default();
        let signing = Signing::new(&store);
        let before = store.registry();
        let first = Arc::clone(&signing.now(&store));
        assert!(Arc::ptr_eq(&first, &signing.now(&store)), "derived once");
        let rotation = Rotation { key: RootKey::random(), now: 5, revoke: true };
        let origin = jackfield_store::Origin {
            actor: jackfield_store::Actor::Admin,
            request_id: jackfield_model::RequestId::random(),
            time: jackfield_store::Timestamp::default(),
        };
        store.change_registry(RegistryCommand::RotateKeys(rotation), origin).await.unwrap();
        let second = Arc::clone(&signing.now(&store));
        assert_eq!((first.current().id, second.current().id), (1, 2));
        assert_eq!(signing.of(&store, &before).current().id, 1);
        assert!(Arc::ptr_eq(&second, &signing.now(&store)));
    }
}
