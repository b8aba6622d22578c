//! Resources. Like profiles they are changed under the lock of the registry, a transaction of a few statements for a whole
//! batch.

use async_trait::async_trait;
use jackfield_model::OrganizationId;
use tokio_postgres::types::ToSql;

use super::resource_rows::{
    Columns, GET_ALL, SCAN, TransactionRows, by_organization, kind, limit, pairs, place, recorded, store,
};
use super::{PostgresStore, change, locked};
use crate::change::Origin;
use crate::contract::ResourceStore;
use crate::error::StoreError;
use crate::resource::{ListKey, ResourceChange, ResourceOutcome, RowKey, decide};

#[async_trait]
impl ResourceStore for PostgresStore {
    async fn change_resources(
        &self,
        organization: &OrganizationId,
        changes: Vec<ResourceChange>,
        origin: Origin,
    ) -> Result<Vec<ResourceOutcome>, StoreError> {
        // A single change that is recorded was made.
        let done = (changes.len() == 1).then(|| vec![Ok(())]);
        locked::change(&self.shared, &origin, done, async |transaction, registry| {
            let rows = TransactionRows(transaction);
            let decided = decide(&rows, registry, organization, changes).await?;
            store(transaction, decided.rows).await?;
            change::record(transaction, &recorded(decided.subjects, &origin)).await?;
            Ok(decided.outcomes)
        })
        .await
    }

    async fn find_rows(&self, keys: &[RowKey]) -> Result<Vec<Option<String>>, StoreError> {
        let mut found = vec![None; keys.len()];
        for (organization, places) in by_organization(keys) {
            let mut columns = Columns::default();
            places.iter().for_each(|at| columns.push(&keys[*at]));
            let Columns { kinds, scopes, ids } = columns;
            let rows = self.shared.read(GET_ALL, &[&organization, &kinds, &scopes, &ids]).await?;
            place(&rows, &places, &mut found)?;
        }
        Ok(found)
    }

    async fn list_rows(
        &self,
        list: &ListKey,
        after: &str,
        most: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let ListKey { organization, table, scope } = list;
        let columns: [&(dyn ToSql + Sync); 5] = [organization, &kind(*table), scope, &after, &limit(most)];
        Ok(pairs(&self.shared.read(SCAN, &columns).await?)?)
    }
}
