//! Skills: who carries the calls of service providers, and whether they answer.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jackfield_model::admin::{self, List, Role, SkillAnswer, SkillProblem, TimeSpan};
use jackfield_model::wire::Skill;
use jackfield_model::{OrganizationId, SkillId, limit};
use jackfield_store::Origin;
use jackfield_store::list_resources;
use jackfield_store::resource::ResourceChange;

use super::describe::{ITEM_ERRORS, PageQuery, TOP_ERRORS, WRITE_ERRORS, describe};
use super::{AdminOperation, Query, no_content, not_found, ok, organization, page, parse, resource};
use crate::calling;
use crate::description::NO_CONTENT;
use crate::error::ApiError;
use crate::response::Reply;
use crate::skill::Sent;
use crate::state::State;
use crate::traces;
use crate::validate;

const KIND: &str = "skill";

pub(crate) static SET: AdminOperation = AdminOperation::new(
    "adminSetSkill",
    Role::Admin,
    describe("Make a skill, or say how it is reached")
        .text("A skill that has a client is granted the account of its organization at once, if it answers.")
        .request::<admin::Skill>()
        .response::<admin::Skill>()
        .errors(WRITE_ERRORS),
    |context| Box::pin(set(context.state, context.origin, context.id, context.body)),
);

async fn set(state: &Arc<State>, origin: Origin, id: &str, body: &[u8]) -> Result<Reply, ApiError> {
    let skill_id: SkillId = id
        .parse()
        .map_err(|error| ApiError::BadRequest(format!("The id of the skill in the path {error}.")))?;
    let new: admin::Skill = parse(body)?;
    if new.skill_id.as_ref().is_some_and(|named| *named != skill_id) {
        return Err(ApiError::BadRequest("skillId is not the one of the path; leave it out.".to_owned()));
    }
    let organization = organization(state, new.organization_id.as_str())?;
    let timeout_ms = new.timeout.as_ref().map(milliseconds).transpose()?;
    let skill = Skill { skill_id, endpoint: new.endpoint, client_id: new.client_id, timeout_ms, ca: new.ca };
    validate::skill(&skill)?;
    let change = ResourceChange::Put(skill.clone().into());
    resource::change(state, &organization.id, change, origin, KIND).await?;
    if skill.client_id.is_some() {
        let (state, organization, skill) = (Arc::clone(state), organization.id.clone(), skill.clone());
        let granting = async move {
            if let Ok(Sent { failure: Some((_, message)), .. }) =
                calling::grant(&state, &organization, &skill).await
            {
                tracing::info!(skill = %skill.skill_id, message, "the skill did not take the grant of its account");
            }
        };
        tokio::spawn(traces::carried(granting));
    }
    ok(&to_wire(organization.id.clone(), skill))
}

/// The time that a skill has, in milliseconds.
fn milliseconds(span: &TimeSpan) -> Result<u64, ApiError> {
    let rule = || {
        let most = limit::SKILL_TIMEOUT_MAX;
        ApiError::BadRequest(format!(
            "timeout must be a span of time from 1ms to {most:?}, for example \"5s\", or seconds."
        ))
    };
    let span = match span {
        TimeSpan::Seconds(seconds) => Duration::from_secs((*seconds).into()),
        TimeSpan::Text(text) => humantime::parse_duration(text).map_err(|_| rule())?,
    };
    let in_range = (Duration::from_millis(1)..=limit::SKILL_TIMEOUT_MAX).contains(&span);
    u64::try_from(span.as_millis()).ok().filter(|_| in_range).ok_or_else(rule)
}

fn to_wire(organization_id: OrganizationId, skill: Skill) -> admin::Skill {
    let span = |millis| humantime::format_duration(Duration::from_millis(millis)).to_string();
    admin::Skill {
        skill_id: Some(skill.skill_id),
        organization_id,
        endpoint: skill.endpoint,
        client_id: skill.client_id,
        timeout: skill.timeout_ms.map(|millis| TimeSpan::Text(span(millis))),
        ca: skill.ca,
    }
}

pub(crate) static GET: AdminOperation = AdminOperation::new(
    "adminGetSkill",
    Role::Viewer,
    describe("Get a skill").response::<admin::Skill>().errors(ITEM_ERRORS),
    |context| Box::pin(get(context.state, context.id)),
);

async fn get(state: &State, id: &str) -> Result<Reply, ApiError> {
    let (organization, skill) = find(state, id).await?;
    ok(&to_wire(organization, skill))
}

pub(crate) static LIST: AdminOperation = AdminOperation::new(
    "adminListSkills",
    Role::Viewer,
    describe("List the skills")
        .text("Those of all organizations, sorted by id.")
        .query::<PageQuery>()
        .response::<List<admin::Skill>>()
        .errors(TOP_ERRORS),
    |context| Box::pin(list(context.state, context.query)),
);

async fn list(state: &State, query: &Query) -> Result<Reply, ApiError> {
    let most = query.limit()? + 1;
    let after = query.get("after").and_then(|after| after.strip_prefix(SkillId::PREFIX)).unwrap_or_default();
    let registry = state.store.registry();
    let mut items = Vec::new();
    for organization in registry.organizations.values() {
        let of_organization: Vec<Skill> =
            list_resources(&*state.store, &organization.id, "", after, most).await?;
        let named = |skill: Skill| (skill.skill_id.to_string(), to_wire(organization.id.clone(), skill));
        items.extend(of_organization.into_iter().map(named));
    }
    ok(&page(items, query)?)
}

pub(crate) static DELETE: AdminOperation = AdminOperation::new(
    "adminDeleteSkill",
    Role::Admin,
    describe("Delete a skill")
        .text("Network mappings that name it stay, and lead nowhere.")
        .successes(NO_CONTENT)
        .errors(ITEM_ERRORS),
    |context| Box::pin(delete(context.state, context.origin, context.id)),
);

async fn delete(state: &State, origin: Origin, id: &str) -> Result<Reply, ApiError> {
    let (organization, skill) = find(state, id).await?;
    resource::change(state, &organization, ResourceChange::Delete(skill.into()), origin, KIND).await?;
    no_content()
}

pub(crate) static PING: AdminOperation = AdminOperation::new(
    "adminPingSkill",
    Role::Admin,
    describe("Ask a skill for an answer")
        .text("It gets an acknowledgement of a call that is none, signed as every request. What goes wrong is explained.")
        .response::<SkillAnswer>()
        .errors(ITEM_ERRORS),
    |context| Box::pin(ping(context.state, context.id)),
);

async fn ping(state: &State, id: &str) -> Result<Reply, ApiError> {
    let (organization, skill) = find(state, id).await?;
    let mut sent = calling::ping(state, &organization, &skill).await;
    if sent.failure.is_none() && sent.body.get("version").and_then(|version| version.as_str()) != Some("1.0")
    {
        let message =
            "The skill's answer has no \"version\": \"1.0\"; a response envelope is expected. Calls do not \
                       need it."
                .to_owned();
        sent.failure = Some((SkillProblem::Version, message));
    }
    ok(&answer(sent, "The skill answered as it should."))
}

pub(crate) static GRANT: AdminOperation = AdminOperation::new(
    "adminGrantSkill",
    Role::Admin,
    describe("Grant a skill the account of its organization")
        .text(
            "The skill gets `Alexa.Authorization.Grant` with a code, which its client redeems once for tokens that are \
             good for signaling.",
        )
        .response::<SkillAnswer>()
        .errors(WRITE_ERRORS),
    |context| Box::pin(grant(context.state, context.id)),
);

async fn grant(state: &State, id: &str) -> Result<Reply, ApiError> {
    let (organization, skill) = find(state, id).await?;
    let sent = calling::grant(state, &organization, &skill).await;
    let sent = sent.map_err(|why| ApiError::Conflict(why.to_owned()))?;
    ok(&answer(sent, "The skill took the code. The journal shows whether its client redeemed it."))
}

fn answer(sent: Sent, good: &str) -> SkillAnswer {
    let (problem, message) = match sent.failure {
        Some((problem, message)) => (Some(problem), message),
        None => (None, good.to_owned()),
    };
    SkillAnswer {
        ok: problem.is_none(),
        status: sent.status.map(|status: StatusCode| status.as_u16()),
        latency_ms: u64::try_from(sent.latency.as_millis()).unwrap_or(u64::MAX),
        problem,
        message,
    }
}

/// The skill with this id, and whose it is.
async fn find(state: &State, id: &str) -> Result<(OrganizationId, Skill), ApiError> {
    let id: SkillId = id.parse().map_err(|_| not_found(KIND))?;
    resource::find(state, id.suffix(), KIND).await
}
