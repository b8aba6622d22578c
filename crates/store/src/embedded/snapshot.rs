//! A view that is held for as long as somebody reads everything.
//!
//! The engine can only be opened again when no view is left, and that must not wait for a backup: the view is taken
//! out of the hands of who reads, whose next page is an error.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use jackfield_model::{AmazonId, ExternalUserId, ServiceProviderId};

use super::codec::{self, json};
use super::layout::{self, Space};
use super::resource;
use super::unavailable;
use super::view::View;
use crate::change::Change;
use crate::contract::{Findings, Head, Row, Seen, Snapshot};
use crate::error::StoreError;
use crate::registry::Profile;
use crate::resource::{Referred, RowKey};

/// A view that can be taken away.
type HeldView = Mutex<Option<Arc<View>>>;

/// The views that are held for long.
#[derive(Debug, Default)]
pub(super) struct HeldSnapshots(Mutex<Vec<Weak<HeldView>>>);

impl HeldSnapshots {
    pub(super) fn hold(&self, view: Arc<View>) -> Arc<HeldView> {
        let held = Arc::new(Mutex::new(Some(view)));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|held| held.strong_count() > 0);
        all.push(Arc::downgrade(&held));
        held
    }

    /// Takes the views away. Waits for pages that are being read.
    pub(super) fn let_go(&self) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for held in all.iter().filter_map(Weak::upgrade) {
            held.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

/// Everything as of the commit of a view.
#[derive(Debug)]
pub(super) struct EmbeddedSnapshot {
    held: Arc<HeldView>,
    head: Head,
}

impl EmbeddedSnapshot {
    pub(super) const fn new(held: Arc<HeldView>, head: Head) -> Self {
        Self { held, head }
    }

    /// A snapshot that nothing takes the view away from.
    pub(super) fn of(view: View, head: Head) -> Self {
        Self::new(Arc::new(Mutex::new(Some(Arc::new(view)))), head)
    }

    /// Reads from the view, off the threads that serve requests: a page has thousands of rows.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&View) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let held = Arc::clone(&self.held);
        let reading = tokio::task::spawn_blocking(move || {
            let view = held.lock().unwrap_or_else(PoisonError::into_inner);
            view.as_ref().map_or_else(
                || {
                    Err(unavailable(
                        "the store was opened again, and what it held before cannot be read any more",
                    ))
                },
                |view| read(view),
            )
        });
        reading.await.unwrap_or_else(|_| Err(unavailable("the runtime is shutting down")))
    }
}

#[async_trait]
impl Snapshot for EmbeddedSnapshot {
    fn head(&self) -> &Head {
        &self.head
    }

    async fn count(&mut self, provider: ServiceProviderId) -> Result<u64, StoreError> {
        self.read(move |view| Ok(view.counts.associations(provider))).await
    }

    async fn profiles(&mut self, after: Option<&AmazonId>, limit: usize) -> Result<Vec<Profile>, StoreError> {
        let after = after.map(layout::profile);
        self.read(move |view| {
            let rows = view.rows(Space::Profile, layout::PROFILE, after).take(limit);
            rows.map(|row| json(&row?.1, "profile")).collect()
        })
        .await
    }

    async fn resources(
        &mut self,
        after: Option<&RowKey>,
        limit: usize,
    ) -> Result<Vec<(RowKey, String)>, StoreError> {
        let after = after.cloned();
        self.read(move |view| resource::all(view, after.as_ref(), limit)).await
    }

    async fn are_there(&mut self, targets: &[Referred]) -> Result<Vec<bool>, StoreError> {
        let targets = targets.to_vec();
        self.read(move |view| targets.iter().map(|target| resource::is_there(view, target)).collect()).await
    }

    async fn associations(
        &mut self,
        provider: ServiceProviderId,
        after: Option<&ExternalUserId>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let after = after.cloned();
        self.read(move |view| {
            let Some(counts) = view.counts.provider(provider) else { return Ok(Vec::new()) };
            let prefix = layout::association_prefix(counts.number, "");
            let after = after.map(|id| layout::association(counts.number, &id));
            let row = |row: Result<(fjall::Slice, fjall::Slice), StoreError>| {
                let (key, value) = row?;
                let external_user_id = codec::decode_external_user_id(&key[layout::PROVIDER_BYTES..])?;
                let codec::Target { amazon_id, counted } = codec::decode_target(&value)?;
                Ok(Row { external_user_id, amazon_id, counted })
            };
            view.rows(Space::Association, &prefix, after).take(limit).map(row).collect()
        })
        .await
    }

    async fn changes(&mut self, after: u64, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.read(move |view| match after.checked_add(1) {
            Some(start) => view.changes(start).take(limit).collect(),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn verify(&mut self, seen: &Seen, findings: &mut Findings<'_>) -> Result<(), StoreError> {
        self.check(seen, findings).await
    }
}
