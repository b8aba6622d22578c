//! A store that fails and delays on purpose, around one that does not: for tests of what is built on stores.
//!
//! Faults come from a seeded sequence, so a test meets the same ones again as long as its calls come in the same
//! order. An operation that fails did not reach the store inside, except writes in doubt.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, ExternalUserId, OrganizationId, ServiceProviderId, UnitId};

use crate::change::{Backlog, ChangeFilter, ChangePage, ChangeSpan, Origin};
use crate::contract::{
    AssociationPage, AssociationRange, AssociationStore, ChangeStore, CreateOutcome, CreateProfileOutcome,
    DeleteOutcome, DeleteProfileOutcome, LoadOutcome, LoadStart, ProfileStore, PutProfileOutcome,
    RegistryStore, ResourceStore, Snapshot, Store, StoreStats, UpdateOutcome, WriteAssociation,
};
use crate::registry::{Profile, Registry, RegistryCommand, RegistryOutcome};
use crate::resource::{ListKey, ResourceChange, ResourceOutcome, RowKey};
use crate::{Content, RootKey, StoreError};

/// How often and how an operation fails. The default is never.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Of 1000 reads, how many fail as unavailable. 1000 is all, also [`Store::check`].
    pub reads_per_mille: u32,
    /// Of 1000 writes, how many fail as unavailable. 1000 is all, and [`Store::check`] fails then, too.
    pub writes_per_mille: u32,
    /// Whether a write that fails is in doubt instead: it is carried out, and its answer is lost.
    pub in_doubt: bool,
    /// The longest that an operation is held back; each is by a random part of it.
    pub delay: Duration,
}

/// The cause in the errors of a [`FaultyStore`]. A client must never see it.
pub const FAULT: &str = "a fault that a test asked for";

/// A [`Store`] with [`Faults`].
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    faults: Mutex<Faults>,
    random: AtomicU64,
}

impl FaultyStore {
    /// A store without faults so far. `seed` decides which operations they meet.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, seed: u64) -> Self {
        Self { inner, faults: Mutex::default(), random: AtomicU64::new(seed) }
    }

    /// From now on these faults.
    pub fn set(&self, faults: Faults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    fn faults(&self) -> Faults {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next number of the sequence (SplitMix64).
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut number = self.random.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    async fn meet(&self, per_mille: impl Fn(&Faults) -> u32 + Send) -> Result<(), StoreError> {
        let faults = self.faults();
        let (chance, part) = (self.next() % 1_000, self.next() % 1_000);
        if !faults.delay.is_zero() {
            let part = u32::try_from(part).expect("below 1000");
            tokio::time::sleep(faults.delay * part / 1_000).await;
        }
        if chance < u64::from(per_mille(&faults)) {
            return Err(StoreError::Unavailable { cause: FAULT.to_owned() });
        }
        Ok(())
    }

    async fn read(&self) -> Result<(), StoreError> {
        self.meet(|faults| faults.reads_per_mille).await
    }

    /// Carries out a write, unless it meets a fault.
    async fn write<T>(
        &self,
        write: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.meet(|faults| faults.writes_per_mille).await {
            Err(StoreError::Unavailable { cause }) if self.faults().in_doubt => {
                write.await?;
                Err(StoreError::InDoubt { cause })
            }
            met => {
                met?;
                write.await
            }
        }
    }
}

/// A trait of the store, whose methods hand on to the store inside: reads and writes by way of the faults, and the rest as
/// it is written out.
macro_rules! hand_on {
    (
        $trait:ident { $($rest:tt)* }
        $(read $read:ident($($read_name:ident: $read_type:ty),*) -> $found:ty;)*
        $(write $write:ident($($write_name:ident: $write_type:ty),*) -> $outcome:ty;)*
    ) => {
        #[async_trait]
        impl $trait for FaultyStore {
            $(async fn $read(&self, $($read_name: $read_type),*) -> Result<$found, StoreError> {
                self.read().await?;
                self.inner.$read($($read_name),*).await
            })*

            $(async fn $write(&self, $($write_name: $write_type),*) -> Result<$outcome, StoreError> {
                self.write(self.inner.$write($($write_name),*)).await
            })*

            $($rest)*
        }
    };
}

hand_on! {
    RegistryStore {
        fn registry(&self) -> Arc<Registry> {
            self.inner.registry()
        }

        fn is_current(&self) -> bool {
            self.inner.is_current()
        }

        fn is_shared(&self) -> bool {
            self.inner.is_shared()
        }

        async fn refresh(&self) -> Result<bool, StoreError> {
            self.inner.refresh().await
        }

        fn root_key(&self) -> &RootKey {
            self.inner.root_key()
        }
    }
    write change_registry(command: RegistryCommand, origin: Origin) -> RegistryOutcome;
}

hand_on! {
    AssociationStore {}
    read find_associations(provider: ServiceProviderId, ids: &[ExternalUserId]) -> Vec<Association>;
    read list_associations(provider: ServiceProviderId, range: &AssociationRange) -> AssociationPage;
    read count_associations(provider: ServiceProviderId) -> u64;
    write create_association(write: WriteAssociation) -> CreateOutcome;
    write update_association(write: WriteAssociation) -> UpdateOutcome;
    write delete_association(provider: ServiceProviderId, id: ExternalUserId, origin: Origin) -> DeleteOutcome;
}

hand_on! {
    ProfileStore {}
    read find_profile(id: &AmazonId) -> Option<Profile>;
    read find_profile_of_unit(unit: &UnitId) -> Option<Profile>;
    read list_profiles(owner: &OrganizationId, after: Option<&AmazonId>, limit: usize) -> Vec<Profile>;
    write create_profile(profile: Profile, origin: Origin) -> CreateProfileOutcome;
    write put_profiles(profiles: Vec<Profile>, origin: Origin) -> Vec<PutProfileOutcome>;
    write rename_profile(owner: &OrganizationId, id: &AmazonId, name: Option<String>, origin: Origin) -> UpdateOutcome;
    write delete_profile(owner: &OrganizationId, id: &AmazonId, origin: Origin) -> DeleteProfileOutcome;
}

hand_on! {
    ResourceStore {}
    read find_rows(keys: &[RowKey]) -> Vec<Option<String>>;
    read list_rows(list: &ListKey, after: &str, limit: usize) -> Vec<(String, String)>;
    write change_resources(owner: &OrganizationId, changes: Vec<ResourceChange>, origin: Origin) -> Vec<ResourceOutcome>;
}

hand_on! {
    ChangeStore {}
    read list_changes(filter: &ChangeFilter) -> ChangePage;
    read change_span() -> ChangeSpan;
    read backlog(after: u64) -> Backlog;
    write trim_changes(through: u64, limit: usize) -> usize;
}

hand_on! {
    Store {
        fn kind(&self) -> &'static str {
            self.inner.kind()
        }

        async fn check(&self) -> Result<(), StoreError> {
            let faults = self.faults();
            if faults.reads_per_mille >= 1_000 || faults.writes_per_mille >= 1_000 {
                return Err(StoreError::Unavailable { cause: FAULT.to_owned() });
            }
            self.inner.check().await
        }

        async fn close(&self) {
            self.inner.close().await;
        }
    }
    read snapshot() -> Box<dyn Snapshot>;
    read stats() -> StoreStats;
    write reset(content: Content, origin: Origin) -> ();
    write load(start: LoadStart) -> LoadOutcome;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;
    use crate::conformance::world::{external, provider_id, write};

    async fn outcomes(seed: u64) -> Vec<bool> {
        let store = FaultyStore::new(Arc::new(MemoryStore::default()), seed);
        store.set(Faults { writes_per_mille: 300, ..Faults::default() });
        let mut outcomes = Vec::new();
        for _ in 0..1_000 {
            outcomes.push(store.create_association(write(provider_id(1), "7201", "one")).await.is_ok());
        }
        outcomes
    }

    #[tokio::test]
    async fn the_seed_decides_which_operations_fail() {
        let first = outcomes(1).await;
        assert_eq!(first, outcomes(1).await);
        assert_ne!(first, outcomes(2).await);
        let failed = first.iter().filter(|ok| !**ok).count();
        assert!((200..400).contains(&failed), "{failed}");
    }

    #[tokio::test]
    async fn faults_come_and_go() {
        let store = FaultyStore::new(Arc::new(MemoryStore::default()), 1);
        let read = || store.find_associations(provider_id(1), &[]);
        let write = || {
            store.delete_association(provider_id(1), external("7201"), crate::conformance::world::origin())
        };
        let all = Faults { reads_per_mille: 1_000, writes_per_mille: 1_000, ..Faults::default() };
        for (faults, reads, writes) in [
            (Faults::default(), true, true),
            (Faults { writes_per_mille: 0, ..all }, false, true),
            (Faults { reads_per_mille: 0, ..all }, true, false),
            (all, false, false),
            (Faults { delay: Duration::from_millis(1), ..Faults::default() }, true, true),
        ] {
            store.set(faults);
            for _ in 0..50 {
                assert_eq!((read().await.is_ok(), write().await.is_ok()), (reads, writes), "{faults:?}");
            }
            assert_eq!(store.check().await.is_ok(), reads && writes, "{faults:?}");
        }
    }

    #[tokio::test]
    async fn a_write_in_doubt_was_carried_out() {
        use crate::conformance::world::{World, external, write};
        let world = World::new(&crate::conformance::Memory).await;
        let store = FaultyStore::new(Arc::clone(&world.store), 1);
        store.set(Faults { writes_per_mille: 1_000, in_doubt: true, ..Faults::default() });
        let provider = world.providers[0];
        let created = store.create_association(write(provider, "7201", "one")).await;
        assert!(matches!(created, Err(StoreError::InDoubt { .. })), "{created:?}");
        assert_eq!(world.store.find_associations(provider, &[external("7201")]).await.unwrap().len(), 1);
    }
}
