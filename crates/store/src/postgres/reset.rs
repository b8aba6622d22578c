//! A reset: other content in place of all there was, in one transaction.

use std::collections::HashMap;

use jackfield_model::wire::Association;
use jackfield_model::{AmazonId, OrganizationId, ServiceProviderId};
use uuid::Uuid;

use super::error::Failure;
use super::{Shared, change, profile_rows, registry, resource_rows};
use crate::StoreError;
use crate::change::{Operation, Origin, Subject};
use crate::content::Content;
use crate::resource::all_rows;

/// Rows of one statement.
const ROWS_MAX: usize = 10_000;

pub(super) async fn reset(shared: &Shared, content: &Content, origin: &Origin) -> Result<(), StoreError> {
    let mut turn = registry::turn(shared).await;
    let mut client = shared.client().await?;
    let run = async {
        let transaction = client.transaction().await?;
        let known = turn.lock(&transaction).await?;
        // Whoever writes at this moment is waited for; whoever comes later finds what is there since.
        transaction.batch_execute("TRUNCATE association, tenant, resource; DELETE FROM profile").await?;
        turn.clear(&transaction).await?;
        for new in &content.profiles {
            profile_rows::insert(&transaction, new).await?;
        }
        let resources = all_rows(&content.resources).into_iter().map(|(key, value)| (key, Some(value)));
        resource_rows::store(&transaction, resources.collect()).await?;
        let owners: HashMap<&AmazonId, &OrganizationId> =
            content.profiles.iter().map(|profile| (&profile.id, &profile.organization)).collect();
        for provider in content.registry.providers.values() {
            registry::add_tenant(&transaction, provider.id, &provider.organization).await?;
            let associations = content.associations.get(&provider.id).map_or(&[][..], Vec::as_slice);
            let counted = |association: &Association| {
                owners.get(&association.amazon_id).copied() == Some(&provider.organization)
            };
            for rows in associations.chunks(ROWS_MAX) {
                insert(&transaction, provider.id, rows, counted).await?;
            }
        }
        let changes: Vec<(Origin, Operation, Subject)> = content.changes(origin).collect();
        change::record(&transaction, &changes).await?;
        let mut registry = content.registry.with_keys_of(&known);
        registry.take_what_is_operators(&known);
        turn.replace(transaction, &registry).await
    };
    match super::in_time(run).await {
        Ok(()) => Ok(()),
        Err(failure) => {
            super::discard(client, &failure);
            Err(failure.into())
        }
    }
}

async fn insert(
    transaction: &deadpool_postgres::Transaction<'_>,
    provider: ServiceProviderId,
    rows: &[Association],
    counted: impl Fn(&Association) -> bool,
) -> Result<(), Failure> {
    let provider: &Uuid = provider.as_uuid();
    let ids: Vec<&str> = rows.iter().map(|row| row.external_user_id.as_str()).collect();
    let targets: Vec<&str> = rows.iter().map(|row| row.amazon_id.as_str()).collect();
    let counted: Vec<bool> = rows.iter().map(counted).collect();
    transaction
        .execute(
            "INSERT INTO association (service_provider_id, external_user_id, amazon_id, counted) \
             SELECT $1::uuid, * FROM unnest($2::text[], $3::text[], $4::boolean[])",
            &[provider, &ids, &targets, &counted],
        )
        .await?;
    let statement =
        "UPDATE tenant SET associations = associations + $2 WHERE service_provider_id = $1 AND slot = 0";
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    transaction.execute(statement, &[provider, &count]).await?;
    Ok(())
}
