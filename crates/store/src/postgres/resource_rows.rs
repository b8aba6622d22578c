//! The rows of resources: one table, keyed by organization.

use deadpool_postgres::{GenericClient, Transaction};
use jackfield_model::{AmazonId, OrganizationId, UnitId};

use super::error::Failure;
use super::profile_rows as profile;
use crate::change::{Operation, Origin, Subject};
use crate::registry::Profile;
use crate::resource::{ListKey, ReadRows, RowKey, Table};

const GET: &str = "SELECT value FROM resource \
    WHERE organization_id = $1 AND kind = $2 AND scope = $3 AND id = $4";
/// Of one organization, so that an engine that distributes looks in one place.
pub(super) const GET_ALL: &str = "SELECT w.place, r.value \
    FROM unnest($2::smallint[], $3::text[], $4::text[]) WITH ORDINALITY AS w (kind, scope, id, place) \
    JOIN resource r ON r.organization_id = $1 AND r.kind = w.kind AND r.scope = w.scope AND r.id = w.id";
pub(super) const SCAN: &str = "SELECT id, value FROM resource \
    WHERE organization_id = $1 AND kind = $2 AND scope = $3 AND id > $4 ORDER BY id LIMIT $5";
const PUT_ALL: &str = "INSERT INTO resource (organization_id, kind, scope, id, value) \
    SELECT $1::text, * FROM unnest($2::smallint[], $3::text[], $4::text[], $5::text[]) \
    ON CONFLICT (organization_id, kind, scope, id) DO UPDATE SET value = excluded.value";
const DELETE_ALL: &str = "DELETE FROM resource r \
    USING unnest($2::smallint[], $3::text[], $4::text[]) AS w (kind, scope, id) \
    WHERE r.organization_id = $1 AND r.kind = w.kind AND r.scope = w.scope AND r.id = w.id";

/// The statements by name, for tests of how an engine plans them.
#[cfg(feature = "testing")]
pub(super) const STATEMENTS: [(&str, &str); 5] = [
    ("get a resource", GET),
    ("get resources", GET_ALL),
    ("list resources", SCAN),
    ("put resources", PUT_ALL),
    ("delete resources", DELETE_ALL),
];

pub(super) fn kind(table: Table) -> i16 {
    i16::from(table.number())
}

pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Keys of one organization as columns.
#[derive(Default)]
pub(super) struct Columns<'k> {
    pub(super) kinds: Vec<i16>,
    pub(super) scopes: Vec<&'k str>,
    pub(super) ids: Vec<&'k str>,
}

impl<'k> Columns<'k> {
    pub(super) fn push(&mut self, key: &'k RowKey) {
        self.kinds.push(kind(key.list.table));
        self.scopes.push(&key.list.scope);
        self.ids.push(&key.id);
    }
}

/// Keys with their places, those of one organization together.
pub(super) fn by_organization(keys: &[RowKey]) -> Vec<(&str, Vec<usize>)> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    for (place, key) in keys.iter().enumerate() {
        let organization = key.list.organization.as_str();
        match groups.iter_mut().find(|(found, _)| *found == organization) {
            Some((_, places)) => places.push(place),
            None => groups.push((organization, vec![place])),
        }
    }
    groups
}

/// Puts the values that were found in the places of their keys.
pub(super) fn place(
    rows: &[tokio_postgres::Row],
    places: &[usize],
    found: &mut [Option<String>],
) -> Result<(), Failure> {
    for row in rows {
        let at = usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or_default();
        if let Some(place) = at.checked_sub(1).and_then(|at| places.get(at)) {
            found[*place] = Some(row.try_get(1)?);
        }
    }
    Ok(())
}

pub(super) fn pairs(rows: &[tokio_postgres::Row]) -> Result<Vec<(String, String)>, Failure> {
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// The value of a row, in a transaction.
pub(super) async fn row(transaction: &impl GenericClient, key: &RowKey) -> Result<Option<String>, Failure> {
    let RowKey { list: ListKey { organization, table, scope }, id } = key;
    let statement = transaction.prepare_cached(GET).await?;
    let row = transaction.query_opt(&statement, &[organization, &kind(*table), scope, id]).await?;
    row.map(|row| row.try_get(0)).transpose().map_err(Failure::from)
}

/// Stores or removes rows, in a transaction: two statements an organization.
pub(super) async fn store(
    transaction: &impl GenericClient,
    rows: Vec<(RowKey, Option<String>)>,
) -> Result<(), Failure> {
    let keys: Vec<RowKey> = rows.iter().map(|(key, _)| key.clone()).collect();
    for (organization, places) in by_organization(&keys) {
        let (mut put, mut gone) = (Columns::default(), Columns::default());
        let mut values: Vec<&str> = Vec::new();
        for at in places {
            match &rows[at].1 {
                Some(value) => {
                    put.push(&keys[at]);
                    values.push(value);
                }
                None => gone.push(&keys[at]),
            }
        }
        if !gone.ids.is_empty() {
            let statement = transaction.prepare_cached(DELETE_ALL).await?;
            transaction.execute(&statement, &[&organization, &gone.kinds, &gone.scopes, &gone.ids]).await?;
        }
        if !put.ids.is_empty() {
            let statement = transaction.prepare_cached(PUT_ALL).await?;
            let columns: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                [&organization, &put.kinds, &put.scopes, &put.ids, &values];
            transaction.execute(&statement, &columns).await?;
        }
    }
    Ok(())
}

/// Whether the organization has units, address books or skills.
pub(super) async fn has_any(
    transaction: &impl GenericClient,
    organization: &OrganizationId,
) -> Result<bool, Failure> {
    for table in Table::OF_ORGANIZATION {
        if row(transaction, &ListKey::new(organization, table, "").count()).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What goes into the change record.
pub(super) fn recorded(
    subjects: Vec<(Operation, Subject)>,
    origin: &Origin,
) -> Vec<(Origin, Operation, Subject)> {
    subjects.into_iter().map(|(operation, subject)| (origin.clone(), operation, subject)).collect()
}

/// The rows as a transaction sees them that has the lock of the registry.
pub(super) struct TransactionRows<'t>(pub(super) &'t Transaction<'t>);

impl ReadRows for TransactionRows<'_> {
    type Error = Failure;

    async fn get(&self, key: &RowKey) -> Result<Option<String>, Failure> {
        row(self.0, key).await
    }

    async fn get_all(&self, keys: Vec<RowKey>) -> Result<Vec<(RowKey, Option<String>)>, Failure> {
        let mut found = vec![None; keys.len()];
        for (organization, places) in by_organization(&keys) {
            let mut columns = Columns::default();
            places.iter().for_each(|at| columns.push(&keys[*at]));
            let statement = self.0.prepare_cached(GET_ALL).await?;
            let Columns { kinds, scopes, ids } = columns;
            let rows = self.0.query(&statement, &[&organization, &kinds, &scopes, &ids]).await?;
            place(&rows, &places, &mut found)?;
        }
        Ok(keys.into_iter().zip(found).collect())
    }

    async fn scan(&self, list: &ListKey, after: &str, most: usize) -> Result<Vec<(String, String)>, Failure> {
        let ListKey { organization, table, scope } = list;
        let statement = self.0.prepare_cached(SCAN).await?;
        let columns: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
            [organization, &kind(*table), scope, &after, &limit(most)];
        pairs(&self.0.query(&statement, &columns).await?)
    }

    async fn profile(&self, id: &AmazonId) -> Result<Option<Profile>, Failure> {
        profile::one(self.0, profile::BY_ID, id.as_str()).await
    }

    async fn profile_of_unit(&self, unit: &UnitId) -> Result<Option<Profile>, Failure> {
        profile::one(self.0, profile::BY_UNIT, unit.as_str()).await
    }

    fn corrupt(cause: String) -> Failure {
        Failure::Corrupt(cause)
    }
}
