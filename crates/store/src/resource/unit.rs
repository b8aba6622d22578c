//! Units: a tree below the organization.

use jackfield_model::wire::Unit;
use jackfield_model::{OrganizationId, limit};

use super::change::{Pending, ReadRows, References};
use super::{Bound, Kind, ListKey, Reference, Refusal, ResourceOutcome, RowKey, Table};
use crate::registry::Quotas;

impl Kind for Unit {
    const TABLE: Table = Table::Unit;
    const NAME: &'static str = "unit";

    fn scope(&self) -> &'static str {
        ""
    }

    fn id(&self) -> String {
        self.id.suffix().to_owned()
    }

    fn label(&self) -> String {
        self.id.to_string()
    }
}

impl References for Unit {
    fn derived(&self, organization: &OrganizationId) -> Vec<(RowKey, String)> {
        let id = self.id.suffix();
        let child = ListKey::new(organization, Table::ChildUnit, self.parent_id.suffix()).row(id);
        vec![(child, String::new()), (RowKey::owner(Table::Unit, id), organization.suffix().to_owned())]
    }

    fn references(&self, organization: &OrganizationId) -> Vec<Reference> {
        Reference::unit(organization, &self.parent_id).into_iter().collect()
    }

    fn bounds(&self, organization: &OrganizationId, quotas: &Quotas) -> Vec<Bound> {
        vec![Bound {
            list: ListKey::new(organization, Table::Unit, ""),
            of: "units of an organization",
            most: quotas.units(),
        }]
    }

    async fn admit<R: ReadRows>(
        &mut self,
        before: Option<&Self>,
        pending: &mut Pending<'_, R>,
    ) -> Result<ResourceOutcome, R::Error> {
        if let Some(before) = before {
            // A unit stays where it is.
            self.parent_id.clone_from(&before.parent_id);
            self.level = before.level;
            return Ok(Ok(()));
        }
        let profile = pending.rows.profile_of_unit(&self.id).await?;
        let taken = profile.is_some_and(|profile| profile.organization != *pending.organization)
            || pending.registry.organizations.contains_key(self.id.as_str())
            || pending.get(&RowKey::owner(Table::Unit, self.id.suffix())).await?.is_some();
        if taken {
            return Ok(Err(Refusal::IdTaken));
        }
        let above = if self.parent_id.as_str() == pending.organization.as_str() {
            0
        } else {
            match pending.find::<Self>("", self.parent_id.suffix()).await? {
                Some(parent) => parent.level,
                None => return Ok(Err(Refusal::Missing("unit"))),
            }
        };
        if above >= limit::UNIT_LEVELS {
            return Ok(Err(Refusal::TooDeep(limit::UNIT_LEVELS)));
        }
        self.level = above + 1;
        Ok(Ok(()))
    }

    async fn release<R: ReadRows>(&self, pending: &mut Pending<'_, R>) -> Result<ResourceOutcome, R::Error> {
        let id = self.id.suffix();
        if pending.has_rows(Table::ChildUnit, id).await? {
            return Ok(Err(Refusal::HasUnits));
        }
        if pending.has_rows(Table::BookOfUnit, id).await? {
            return Ok(Err(Refusal::HasAddressBooks));
        }
        if pending.rows.profile_of_unit(&self.id).await?.is_some() {
            return Ok(Err(Refusal::HasProfile));
        }
        Ok(Ok(()))
    }
}
