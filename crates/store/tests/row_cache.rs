//! Readers beside writers, of stores that hold all associations in memory and of those that hold few: whatever a reader
//! is shown was there between the last answer before his question and the last write that began before his answer.

#![allow(clippy::unwrap_used, reason = "a panic in a test is the report")]
#![allow(clippy::print_stdout, reason = "how a run can be repeated")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jackfield_model::ServiceProviderId;
use jackfield_store::conformance::Embedded;
use jackfield_store::conformance::world::{World, external, origin, write};
use jackfield_store::embedded::EmbeddedStore;
use jackfield_store::{
    AssociationStore as _, CacheStats, CreateOutcome, DeleteOutcome, Store as _, StoreOptions, UpdateOutcome,
};

const IDS: usize = 400;
const WRITERS: usize = 4;
const READERS: usize = 4;
const WRITES: usize = 500;
/// The rows of all ids take several times the least that a cache can have.
const PADDING: usize = 200;

/// What each id pointed at, one write after the other: the first of these is the state at the beginning.
#[derive(Default)]
struct History {
    states: Vec<Option<String>>,
    /// How many of them were answered.
    answered: usize,
}

type Histories = Arc<Vec<Mutex<History>>>;

fn target(id: usize, version: usize) -> String {
    format!("{id}-{version}-{}", "t".repeat(PADDING))
}

async fn write_some(
    store: Arc<EmbeddedStore>,
    provider: ServiceProviderId,
    histories: Histories,
    writer: usize,
    seed: u64,
) {
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..WRITES {
        let id = random.usize(0..IDS / WRITERS) * WRITERS + writer;
        let (before, next) = {
            let mut history = histories[id].lock().unwrap();
            let before = history.states.last().unwrap().clone();
            let next = (before.is_none() || random.bool()).then(|| target(id, history.states.len()));
            history.states.push(next.clone());
            (before, next)
        };
        let name = id.to_string();
        match (before, next) {
            (None, Some(next)) => {
                let created = store.create_association(write(provider, &name, &next)).await.unwrap();
                assert_eq!(created, CreateOutcome::Created);
            }
            (Some(_), Some(next)) => {
                let updated = store.update_association(write(provider, &name, &next)).await.unwrap();
                assert_eq!(updated, UpdateOutcome::Updated);
            }
            (_, None) => {
                let deleted = store.delete_association(provider, external(&name), origin()).await.unwrap();
                assert_eq!(deleted, DeleteOutcome::Deleted);
            }
        }
        let mut history = histories[id].lock().unwrap();
        history.answered = history.states.len();
    }
}

async fn read_until(
    end: Arc<AtomicBool>,
    store: Arc<EmbeddedStore>,
    provider: ServiceProviderId,
    histories: Histories,
    seed: u64,
) {
    let mut random = fastrand::Rng::with_seed(seed);
    while !end.load(Ordering::Relaxed) {
        // Some are read more than others.
        let ids: Vec<usize> =
            (0..random.usize(1..6)).map(|_| random.usize(0..IDS).min(random.usize(0..IDS))).collect();
        let answered: Vec<usize> = ids.iter().map(|id| histories[*id].lock().unwrap().answered).collect();
        let names: Vec<_> = ids.iter().map(|id| external(&id.to_string())).collect();
        let found = store.find_associations(provider, &names).await.unwrap();
        for ((id, name), answered) in ids.iter().zip(&names).zip(answered) {
            let shown = found.iter().find(|association| association.external_user_id == *name);
            let shown = shown.map(|association| association.amazon_id.suffix().to_owned());
            let history = histories[*id].lock().unwrap();
            let possible = &history.states[answered - 1..];
            assert!(possible.contains(&shown), "{id}: {shown:?} is none of {possible:?}");
        }
        tokio::task::yield_now().await;
    }
}

async fn cache(store: &EmbeddedStore) -> CacheStats {
    store.stats().await.unwrap().cache.unwrap()
}

async fn readers_beside_writers(cache_bytes: u64, seed: u64) {
    println!("seed {seed}, {cache_bytes} bytes");
    let adapter = Embedded::in_memory();
    let world = World::new(&adapter).await;
    let provider = world.providers[0];
    let mut histories = Vec::new();
    for id in 0..IDS {
        let state = (id % 3 > 0).then(|| target(id, 0));
        if let Some(state) = &state {
            world.store.create_association(write(provider, &id.to_string(), state)).await.unwrap();
        }
        histories.push(Mutex::new(History { states: vec![state], answered: 1 }));
    }
    world.store.close().await;
    // The walk through the files runs beside them.
    let options = StoreOptions { cache_bytes, ..StoreOptions::default() };
    let store = Arc::new(EmbeddedStore::open(adapter.dir(), options).await.unwrap());
    let (histories, end) = (Arc::new(histories), Arc::new(AtomicBool::new(false)));
    let readers: Vec<_> = (0..READERS)
        .map(|reader| {
            let (end, store, histories) = (end.clone(), store.clone(), histories.clone());
            tokio::spawn(read_until(end, store, provider, histories, seed + 100 + reader as u64))
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            tokio::spawn(write_some(store.clone(), provider, histories.clone(), writer, seed + writer as u64))
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    end.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    for (id, history) in histories.iter().enumerate() {
        let found = store.find_associations(provider, &[external(&id.to_string())]).await.unwrap();
        let shown = found.first().map(|association| association.amazon_id.suffix().to_owned());
        assert_eq!(shown, *history.lock().unwrap().states.last().unwrap(), "{id}");
    }
    let there = |history: &&Mutex<History>| history.lock().unwrap().states.last().unwrap().is_some();
    let all = histories.iter().filter(there).count() as u64;
    if cache_bytes > 0 {
        // The walk goes on when the writer is idle.
        for _ in 0..1_000 {
            if cache(&store).await.associations == all {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(cache(&store).await.associations, all);
    } else {
        let cache = cache(&store).await;
        assert!(cache.associations > 0 && cache.associations < all && cache.misses > 0, "{cache:?} of {all}");
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_in_memory() {
    readers_beside_writers(StoreOptions::CACHE_BYTES, fastrand::u64(..1 << 40)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn few_in_memory() {
    readers_beside_writers(0, fastrand::u64(..1 << 40)).await;
}
