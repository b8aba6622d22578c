//! The rows of resources as a whole: read in the order of their keys, looked up by the page, copied in and counted.

use std::pin::pin;

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row, Transaction};

use super::error::{Failure, corrupt, failed};
use super::resource_rows::{Columns, GET_ALL, by_organization, kind, limit, place};
use crate::StoreError;
use crate::contract::{DerivedRows, Findings, PAGE_ROWS, Seen};
use crate::resource::{ListKey, Referred, RowKey, Table};

const PAGE: &str = "SELECT organization_id, kind, scope, id, value FROM resource \
    WHERE (organization_id, kind, scope, id) > ($1, $2, $3, $4) AND (kind < $5 OR NOT $6) \
    ORDER BY organization_id, kind, scope, id LIMIT $7";
const OWNED: &str = "SELECT w.place FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (id, owner, place) \
    JOIN profile p ON p.id = w.id AND p.organization_id = w.owner";

/// Whether derived rows are read too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Derived {
    With,
    Without,
}

/// A page of the rows of all organizations, by key.
pub(super) async fn page(
    client: &Client,
    after: Option<&RowKey>,
    rows: usize,
    derived: Derived,
) -> Result<Vec<(RowKey, String)>, StoreError> {
    let (organization, scope, id) = after.map_or(("", "", ""), |RowKey { list, id }| {
        (list.organization.as_str(), list.scope.as_str(), id.as_str())
    });
    let table = after.map_or(0, |key| kind(key.list.table));
    let (first_derived, without) = (kind(Table::ChildUnit), derived == Derived::Without);
    let page = client
        .query(PAGE, &[&organization, &table, &scope, &id, &first_derived, &without, &limit(rows)])
        .await;
    page.map_err(failed)?.iter().map(row).collect()
}

fn row(row: &Row) -> Result<(RowKey, String), StoreError> {
    let text = |column: usize| row.try_get::<_, String>(column).map_err(Failure::from);
    let number: i16 = row.try_get(1).map_err(failed)?;
    let table = u8::try_from(number).ok().and_then(Table::from_number);
    let table = table.ok_or_else(|| corrupt("a resource", &format_args!("there is no kind {number}")))?;
    let list = ListKey { organization: text(0)?, table, scope: text(2)? };
    Ok((RowKey { list, id: text(3)? }, text(4)?))
}

/// Whether each of these is there.
pub(super) async fn are_there(client: &Client, targets: &[Referred]) -> Result<Vec<bool>, StoreError> {
    let mut there = vec![false; targets.len()];
    let (mut keys, mut keys_at) = (Vec::new(), Vec::new());
    let (mut ids, mut owners, mut profiles_at) = (Vec::new(), Vec::new(), Vec::new());
    for (at, target) in targets.iter().enumerate() {
        match target {
            Referred::Row(key) => {
                keys.push(key.clone());
                keys_at.push(at);
            }
            Referred::Profile(owner, id) => {
                ids.push(id.as_str());
                owners.push(owner.as_str());
                profiles_at.push(at);
            }
        }
    }
    let mut found = vec![None; keys.len()];
    for (organization, places) in by_organization(&keys) {
        let mut columns = Columns::default();
        places.iter().for_each(|at| columns.push(&keys[*at]));
        let Columns { kinds, scopes, ids } = columns;
        let rows = client.query(GET_ALL, &[&organization, &kinds, &scopes, &ids]).await.map_err(failed)?;
        place(&rows, &places, &mut found)?;
    }
    for (at, found) in keys_at.into_iter().zip(found) {
        there[at] = found.is_some();
    }
    for row in client.query(OWNED, &[&ids, &owners]).await.map_err(failed)? {
        let at: i64 = row.try_get(0).map_err(failed)?;
        let at = usize::try_from(at - 1).ok().and_then(|at| profiles_at.get(at));
        if let Some(at) = at {
            there[*at] = true;
        }
    }
    Ok(there)
}

/// Stores rows that are not there.
pub(super) async fn copy_in(
    transaction: &Transaction<'_>,
    rows: &[(RowKey, String)],
) -> Result<(), tokio_postgres::Error> {
    let copy = "COPY resource (organization_id, kind, scope, id, value) FROM STDIN BINARY";
    let types = [Type::TEXT, Type::INT2, Type::TEXT, Type::TEXT, Type::TEXT];
    let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(copy).await?, &types));
    for (RowKey { list, id }, text) in rows {
        let table = kind(list.table);
        writer.as_mut().write(&[&list.organization, &table, &list.scope, id, text]).await?;
    }
    writer.finish().await?;
    Ok(())
}

/// Stores how long the lists are whose rows are counted. No such row is there before.
pub(super) async fn count(transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
    let statement = "INSERT INTO resource (organization_id, kind, scope, id, value) \
        SELECT organization_id, $1::smallint, kind::text, scope, count(*)::text FROM resource \
        WHERE kind = ANY ($2) GROUP BY organization_id, kind, scope";
    let counted = Table::ALL.into_iter().filter(|table| table.is_counted());
    let counted: Vec<i16> = counted.map(kind).collect();
    transaction.execute(statement, &[&kind(Table::Count), &counted]).await?;
    Ok(())
}

/// Compares the rows that are derived from resources with those that follow from them.
pub(super) async fn check(
    client: &Client,
    seen: &Seen,
    findings: &mut Findings<'_>,
) -> Result<(), StoreError> {
    let mut derived = DerivedRows::new(seen);
    let mut after: Option<RowKey> = None;
    loop {
        let page = page(client, after.as_ref(), PAGE_ROWS, Derived::With).await;
        let Some(page) = findings.readable("resources", page)? else { return Ok(()) };
        page.iter().for_each(|(key, text)| derived.add(key, text));
        if page.len() < PAGE_ROWS {
            derived.compare(findings);
            return Ok(());
        }
        after = page.into_iter().next_back().map(|(key, _)| key);
    }
}
