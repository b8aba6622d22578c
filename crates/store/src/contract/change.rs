//! The change record, as a store keeps it. It is written with each change.

use async_trait::async_trait;

use crate::change::{Backlog, ChangeFilter, ChangePage, ChangeSpan};
use crate::error::StoreError;

/// The change record.
#[async_trait]
pub trait ChangeStore: Send + Sync {
    /// A page of the change record, oldest first. A call looks at a bounded number of records, so that a page
    /// under a filter may be short, even empty, although more follow: [`ChangePage::more`] says.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn list_changes(&self, filter: &ChangeFilter) -> Result<ChangePage, StoreError>;

    /// Where the record begins and ends. Cheap: for those who wait for changes, several times a second.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn change_span(&self) -> Result<ChangeSpan, StoreError>;

    /// What follows the sequence number `after`.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn backlog(&self, after: u64) -> Result<Backlog, StoreError>;

    /// Forgets changes up to the sequence number `through`, at most `limit` of them, oldest first. Answers how many went.
    /// [`Retention`](crate::Retention) decides how far.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was forgotten.
    async fn trim_changes(&self, through: u64, limit: usize) -> Result<usize, StoreError>;
}
