//! The node's copy of the registry, and the watch that keeps it up to date.
//!
//! Each record carries the version of the registry that wrote it, so that a node reads what is newer than its copy. Other
//! nodes are notified of a change, and look once a second in case a notification was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio_postgres::Row;

use super::error::Failure;
use super::registry_rows::{ALL, key};
use super::{Shared, change};
use crate::StoreError;
use crate::registry::{Record, Registry};

/// Between two looks for changes of other nodes.
const POLL: Duration = Duration::from_secs(1);
/// A node that could not look for so long does not know any more who was revoked.
const STALE_AFTER: Duration = Duration::from_secs(4);
/// The channel of notifications.
pub(super) const CHANNEL: &str = "jackfield_registry";

/// The node's copy of the registry.
#[derive(Debug)]
pub(super) struct Cache {
    /// What [`crate::Store::registry`] answers.
    shown: ArcSwap<Registry>,
    /// The same with its version. Held over a look or a change, so that copies replace each other in order.
    pub(super) known: tokio::sync::Mutex<Known>,
    /// When the last look began that succeeded.
    looked: ArcSwap<Instant>,
    stale: AtomicBool,
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) version: i64,
    pub(super) registry: Arc<Registry>,
}

impl Default for Cache {
    fn default() -> Self {
        let registry = Arc::new(Registry::default());
        Self {
            shown: ArcSwap::new(Arc::clone(&registry)),
            known: tokio::sync::Mutex::new(Known { version: -1, registry }),
            looked: ArcSwap::from_pointee(Instant::now()),
            stale: AtomicBool::new(false),
        }
    }
}

impl Cache {
    pub(super) fn registry(&self) -> Arc<Registry> {
        self.shown.load_full()
    }

    /// Whether the copy is at most as old as a revocation may take.
    pub(super) fn is_current(&self) -> bool {
        !self.stale.load(Ordering::Relaxed)
    }

    pub(super) fn publish(&self, known: &Known) {
        self.shown.store(Arc::clone(&known.registry));
    }
}

/// The records that are newer than a version.
pub(super) fn newer() -> String {
    format!(
        "SELECT d.registry_version, r.kind, r.id, r.record FROM directory d LEFT JOIN ({ALL}) r \
         ON r.version > $1 ORDER BY r.kind, r.id"
    )
}

/// Brings the copy up to what was committed before the call; answers whether it may say something new since.
pub(super) async fn refresh(shared: &Shared) -> Result<bool, StoreError> {
    let asked = Instant::now();
    let mut known = shared.registry.known.lock().await;
    if **shared.registry.looked.load() > asked {
        return Ok(true);
    }
    let began = Instant::now();
    let rows = shared.read(&newer(), &[&known.version]).await?;
    if known.take_in(&rows)? {
        shared.registry.publish(&known);
    }
    shared.registry.looked.store(Arc::new(began));
    shared.registry.stale.store(false, Ordering::Relaxed);
    drop(known);
    // Nothing newer may mean that the watch took it in after the caller had judged by the copy before.
    Ok(true)
}

impl Known {
    /// Takes in what is newer; answers whether there was something.
    pub(super) fn take_in(&mut self, rows: &[Row]) -> Result<bool, Failure> {
        let Some(first) = rows.first() else {
            return Err(Failure::Corrupt("the row of the directory is missing".to_owned()));
        };
        let version: i64 = first.try_get(0)?;
        if version == self.version {
            return Ok(false);
        }
        let mut registry = Registry::clone(&self.registry);
        for row in rows {
            let Some(kind) = row.try_get::<_, Option<&str>>(1)? else { continue };
            let key = key(kind, row.try_get(2)?)?;
            let record: Option<&str> = row.try_get(3)?;
            let record: Option<Record> = record
                .map(serde_json::from_str)
                .transpose()
                .map_err(|error| Failure::Corrupt(format!("a record of the registry: {error}")))?;
            registry.set(&key, record);
        }
        self.version = version;
        self.registry = Arc::new(registry);
        Ok(true)
    }
}

/// Keeps the copy up to date, and finds out when the database is away and when it is back. Ends with the store.
pub(super) async fn watch(shared: Arc<Shared>) {
    let notified = Arc::new(Notify::new());
    let mut listening = None;
    let mut pause = POLL;
    loop {
        tokio::select! {
            () = notified.notified() => {}
            () = shared.nudge.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = shared.closing.notified() => return,
        }
        let looked = super::in_time(async { look(&shared, &notified, &mut listening).await }).await;
        match looked {
            Ok(()) => {
                pause = POLL;
                shared.up();
            }
            Err(failure) => {
                listening = None;
                pause = Duration::from_millis(250);
                if shared.registry.looked.load().elapsed() > STALE_AFTER {
                    shared.registry.stale.store(true, Ordering::Relaxed);
                }
                shared.down(failure.cause());
            }
        }
    }
}

type Listening = (tokio_postgres::Client, tokio::task::JoinHandle<()>);

async fn look(
    shared: &Shared,
    notified: &Arc<Notify>,
    listening: &mut Option<Listening>,
) -> Result<(), Failure> {
    if listening.as_ref().is_none_or(|(client, _)| client.is_closed()) {
        let (client, task) = shared.connector.listen(Arc::clone(notified)).await?;
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        *listening = Some((client, task));
    }
    let (client, _) = listening.as_ref().expect("set above");
    let mut known = shared.registry.known.lock().await;
    let began = Instant::now();
    let rows = client.query(&newer(), &[&known.version]).await?;
    if known.take_in(&rows)? {
        shared.registry.publish(&known);
    }
    drop(known);
    shared.registry.looked.store(Arc::new(began));
    shared.registry.stale.store(false, Ordering::Relaxed);
    let statement = format!("SELECT {} FROM change_batch", change::LAST_SEQUENCE);
    let last: i64 = client.query_one(&statement, &[]).await?.try_get(0)?;
    shared.feed.raise_floor(last);
    Ok(())
}
