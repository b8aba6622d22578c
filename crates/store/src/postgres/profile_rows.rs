//! The rows of communication profiles.

use deadpool_postgres::GenericClient;
use jackfield_model::{AmazonId, OrganizationId, UnitId};
use tokio_postgres::Row;

use super::error::{Failure, corrupt};
use crate::error::StoreError;
use crate::registry::Profile;

pub(super) const BY_ID: &str = "SELECT id, organization_id, unit_id, name FROM profile WHERE id = $1";
pub(super) const BY_UNIT: &str = "SELECT id, organization_id, unit_id, name FROM profile WHERE unit_id = $1";

pub(super) async fn one(
    transaction: &impl GenericClient,
    statement: &str,
    parameter: &str,
) -> Result<Option<Profile>, Failure> {
    let statement = transaction.prepare_cached(statement).await?;
    let row = transaction.query_opt(&statement, &[&parameter]).await?;
    row.as_ref().map(profile).transpose().map_err(|error| Failure::Corrupt(error.to_string()))
}

pub(super) async fn insert(transaction: &impl GenericClient, profile: &Profile) -> Result<(), Failure> {
    let statement = "INSERT INTO profile (id, organization_id, unit_id, name) VALUES ($1, $2, $3, $4)";
    let statement = transaction.prepare_cached(statement).await?;
    let (id, organization) = (profile.id.as_str(), profile.organization.as_str());
    transaction.execute(&statement, &[&id, &organization, &profile.unit.as_str(), &profile.name]).await?;
    Ok(())
}

pub(super) fn profile(row: &Row) -> Result<Profile, StoreError> {
    let text = |column: usize| row.try_get::<_, &str>(column).map_err(Failure::from);
    Ok(Profile {
        id: AmazonId::new(text(0)?).map_err(|error| corrupt("amazonId", &error))?,
        organization: OrganizationId::new(text(1)?).map_err(|error| corrupt("organization", &error))?,
        unit: UnitId::new(text(2)?).map_err(|error| corrupt("unit", &error))?,
        name: row.try_get(3).map_err(Failure::from)?,
    })
}
