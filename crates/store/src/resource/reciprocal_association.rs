//! Associations of a communication profile with a contact. They go with either.

use jackfield_model::OrganizationId;
use jackfield_model::wire::ReciprocalAssociation;

use super::change::{Pending, ReadRows, References};
use super::{Bound, Kind, ListKey, Reference, Refusal, ResourceOutcome, RowKey, Table};
use crate::registry::Quotas;

impl Kind for ReciprocalAssociation {
    const TABLE: Table = Table::ReciprocalAssociation;
    const NAME: &'static str = "reciprocal_association";
    const LISTED_BY: Option<&'static str> = Some("communication profile");

    fn scope(&self) -> &str {
        self.profile_id.suffix()
    }

    fn id(&self) -> String {
        self.contact_id.suffix().to_owned()
    }

    fn label(&self) -> String {
        format!("{} {}", self.profile_id, self.contact_id)
    }
}

impl References for ReciprocalAssociation {
    fn derived(&self, organization: &OrganizationId) -> Vec<(RowKey, String)> {
        let of_contact = ListKey::new(organization, Table::ProfileOfContact, self.contact_id.suffix());
        vec![(of_contact.row(self.profile_id.suffix()), String::new())]
    }

    fn references(&self, organization: &OrganizationId) -> Vec<Reference> {
        let contact = Reference::contact(organization, &self.contact_id);
        vec![Reference::profile(organization, &self.profile_id), contact]
    }

    fn bounds(&self, _: &OrganizationId, _: &Quotas) -> Vec<Bound> {
        Vec::new()
    }

    async fn admit<R: ReadRows>(
        &mut self,
        _: Option<&Self>,
        pending: &mut Pending<'_, R>,
    ) -> Result<ResourceOutcome, R::Error> {
        if !pending.has_profile(&self.profile_id).await? {
            return Ok(Err(Refusal::Missing("communication profile")));
        }
        let book = ListKey::new(pending.organization, Table::BookOfContact, "");
        if pending.get(&book.row(self.contact_id.suffix())).await?.is_none() {
            return Ok(Err(Refusal::Missing("contact")));
        }
        Ok(Ok(()))
    }

    async fn of_profile<R: ReadRows>(
        pending: &Pending<'_, R>,
        profile: &str,
        most: usize,
    ) -> Result<Vec<(String, String)>, R::Error> {
        let contacts = pending.list(Table::ReciprocalAssociation, profile, most).await?;
        Ok(contacts.into_iter().map(|(contact, _)| (profile.to_owned(), contact)).collect())
    }

    async fn of_contact<R: ReadRows>(
        pending: &Pending<'_, R>,
        contact: &str,
    ) -> Result<Vec<(String, String)>, R::Error> {
        let profiles = pending.list(Table::ProfileOfContact, contact, usize::MAX).await?;
        Ok(profiles.into_iter().map(|(profile, _)| (profile, contact.to_owned())).collect())
    }
}
