//! Skills. The client that one names may go before it; nothing else refers to one by its row.

use jackfield_model::wire::Skill;
use jackfield_model::{OrganizationId, limit};

use super::change::{Pending, ReadRows, References};
use super::{Bound, Kind, ListKey, Reference, Refusal, ResourceOutcome, RowKey, Table};
use crate::registry::Quotas;

impl Kind for Skill {
    const TABLE: Table = Table::Skill;
    const NAME: &'static str = "skill";

    fn scope(&self) -> &'static str {
        ""
    }

    fn id(&self) -> String {
        self.skill_id.suffix().to_owned()
    }

    fn label(&self) -> String {
        self.skill_id.to_string()
    }
}

impl References for Skill {
    fn derived(&self, organization: &OrganizationId) -> Vec<(RowKey, String)> {
        let owner = RowKey::owner(Table::Skill, self.skill_id.suffix());
        vec![(owner, organization.suffix().to_owned())]
    }

    fn references(&self, _: &OrganizationId) -> Vec<Reference> {
        Vec::new()
    }

    fn bounds(&self, organization: &OrganizationId, _: &Quotas) -> Vec<Bound> {
        vec![Bound {
            list: ListKey::new(organization, Table::Skill, ""),
            of: "skills of an organization",
            most: limit::SKILLS,
        }]
    }

    async fn admit<R: ReadRows>(
        &mut self,
        before: Option<&Self>,
        pending: &mut Pending<'_, R>,
    ) -> Result<ResourceOutcome, R::Error> {
        let owner = RowKey::owner(Table::Skill, self.skill_id.suffix());
        if before.is_none() && pending.get(&owner).await?.is_some() {
            return Ok(Err(Refusal::IdTaken));
        }
        let named = self
            .client_id
            .as_ref()
            .filter(|id| before.is_none_or(|known| known.client_id.as_ref() != Some(id)));
        let client = named.map(|id| pending.registry.clients.get(id));
        if client.is_some_and(|found| found.is_none_or(|client| client.organization != *pending.organization))
        {
            return Ok(Err(Refusal::Missing("client")));
        }
        Ok(Ok(()))
    }
}
