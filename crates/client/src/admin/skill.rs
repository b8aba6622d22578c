//! Skills.

use http::Method;
use jackfield_model::SkillId;
use jackfield_model::admin::{List, Skill, SkillAnswer};

use super::{AdminClient, NO_BODY, Page};
use crate::error::Error;
use crate::transport::Repeat;

impl AdminClient {
    /// A page of the skills of all organizations.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn skills(&self, page: &Page) -> Result<List<Skill>, Error> {
        self.get(&page.path("/admin/v1/skills")).await
    }

    /// One skill.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn skill(&self, id: &SkillId) -> Result<Skill, Error> {
        self.get(&format!("/admin/v1/skills/{id}")).await
    }

    /// Makes a skill, or says how it is reached.
    ///
    /// # Errors
    /// [`Error`]; a 409 when it is another organization's.
    pub async fn set_skill(&self, id: &SkillId, skill: &Skill) -> Result<Skill, Error> {
        let path = format!("/admin/v1/skills/{id}");
        self.api.json(Method::PUT, &path, Some(skill), Repeat::Read).await
    }

    /// Removes a skill.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn delete_skill(&self, id: &SkillId) -> Result<(), Error> {
        self.remove(&format!("/admin/v1/skills/{id}")).await
    }

    /// Asks a skill for an answer. What the skill does wrong is in the answer, and no error.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn ping_skill(&self, id: &SkillId) -> Result<SkillAnswer, Error> {
        self.act(&format!("/admin/v1/skills/{id}/ping"), NO_BODY).await
    }

    /// Grants a skill the account of its organization. What the skill does wrong is in the answer, and no error.
    ///
    /// # Errors
    /// [`Error`]; a 409 when it has no client that may signal.
    pub async fn grant_skill(&self, id: &SkillId) -> Result<SkillAnswer, Error> {
        self.act(&format!("/admin/v1/skills/{id}/grant"), NO_BODY).await
    }
}
