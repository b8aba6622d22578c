//! Changes of rows under the lock of the registry, which keeps their organization there meanwhile.

use deadpool_postgres::Transaction;

use super::error::Failure;
use super::{Shared, in_doubt, registry};
use crate::change::Origin;
use crate::error::StoreError;
use crate::registry::Registry;
use crate::step;

/// Runs a change in one transaction under the lock of the registry. When its answer is lost, `done` is what
/// became of it if it is in the change record.
pub(super) async fn change<T>(
    shared: &Shared,
    origin: &Origin,
    done: Option<T>,
    run: impl AsyncFnOnce(&Transaction<'_>, &Registry) -> Result<T, Failure>,
) -> Result<T, StoreError> {
    let floor = shared.feed.floor();
    let mut client = shared.client().await?;
    let changing = async {
        let transaction = client.transaction().await?;
        let known = registry::turn(shared).await.lock(&transaction).await?;
        let outcome = run(&transaction, &known).await?;
        let _step = step::begin("commit");
        transaction.commit().await?;
        Ok(outcome)
    };
    let result = super::in_time(changing).await;
    if let Err(failure) = &result {
        super::discard(client, failure);
    }
    in_doubt::end(shared, result, origin.request_id, floor, done).await
}
