//! What a communication profile decided of another: whether it may drop in, whether its calls are blocked. A setting that
//! is off is not stored. Settings go with either profile.

use jackfield_model::OrganizationId;
use jackfield_model::wire::ContactSetting;

use super::change::{Pending, ReadRows, References};
use super::setting_id::{parts_of_about, setting_id};
use super::{Bound, Kind, ListKey, Reference, Refusal, ResourceOutcome, RowKey, Table};
use crate::registry::Quotas;

impl Kind for ContactSetting {
    const TABLE: Table = Table::ContactSetting;
    const NAME: &'static str = "contact_setting";
    const LISTED_BY: Option<&'static str> = Some("communication profile");

    fn scope(&self) -> &str {
        self.profile_id.suffix()
    }

    fn id(&self) -> String {
        setting_id(self.setting, self.alexa_communication_profile_id.suffix())
    }

    fn label(&self) -> String {
        let Self { profile_id, alexa_communication_profile_id, setting, .. } = self;
        format!("{profile_id} {} {alexa_communication_profile_id}", setting.as_str())
    }
}

impl References for ContactSetting {
    fn derived(&self, organization: &OrganizationId) -> Vec<(RowKey, String)> {
        let about =
            ListKey::new(organization, Table::SettingAbout, self.alexa_communication_profile_id.suffix());
        vec![(about.row(&setting_id(self.setting, self.profile_id.suffix())), String::new())]
    }

    fn references(&self, organization: &OrganizationId) -> Vec<Reference> {
        let profiles = [&self.profile_id, &self.alexa_communication_profile_id];
        profiles.map(|profile| Reference::profile(organization, profile)).into()
    }

    fn bounds(&self, _: &OrganizationId, _: &Quotas) -> Vec<Bound> {
        Vec::new()
    }

    async fn admit<R: ReadRows>(
        &mut self,
        _: Option<&Self>,
        pending: &mut Pending<'_, R>,
    ) -> Result<ResourceOutcome, R::Error> {
        for profile in [&self.profile_id, &self.alexa_communication_profile_id] {
            if !pending.has_profile(profile).await? {
                return Ok(Err(Refusal::Missing("communication profile")));
            }
        }
        Ok(Ok(()))
    }

    async fn of_profile<R: ReadRows>(
        pending: &Pending<'_, R>,
        profile: &str,
        most: usize,
    ) -> Result<Vec<(String, String)>, R::Error> {
        let made = pending.list(Table::ContactSetting, profile, most).await?;
        let about = pending.list(Table::SettingAbout, profile, most).await?;
        let made = made.into_iter().map(|(setting, _)| (profile.to_owned(), setting));
        let about = about.into_iter().map(|(about, _)| parts_of_about(&about, profile));
        Ok(made.chain(about).collect())
    }
}
