//! `jackfield skill`.

mod run;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jackfield_model::admin::{Skill, SkillAnswer, TimeSpan};
use jackfield_model::{ClientId, OrganizationId, SkillId};

use super::list::ListArgs;
use crate::connection::AdminArgs;
use crate::failure::Failure;
use crate::output::{Output, Show, optional};

/// The flags of `skill`.
#[derive(Args)]
pub(crate) struct SkillArgs {
    #[command(flatten)]
    admin: AdminArgs,
    #[command(subcommand)]
    command: SkillCommand,
}

#[derive(Subcommand)]
enum SkillCommand {
    /// Make a skill, or say how it is reached
    #[command(override_usage = "jackfield skill set [OPTIONS] --organization <ORG_ID>\n       \
                                --endpoint <ENDPOINT> <SKILL_ID>")]
    Set {
        #[command(flatten)]
        skill: Named,
        /// The organization that it belongs to
        #[arg(long, value_name = "ORG_ID")]
        organization: OrganizationId,
        /// The URL that takes its requests
        #[arg(long, value_name = "ENDPOINT")]
        endpoint: String,
        /// Its own client, which redeems grants and signals
        #[arg(long, value_name = "CLIENT_ID")]
        client: Option<ClientId>,
        /// How long it may take to answer, for example 5s
        #[arg(long, value_name = "TIME")]
        timeout: Option<String>,
        /// Certificates (PEM) that its endpoint is trusted by
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
    },
    /// Show a skill
    Get(Named),
    /// List the skills
    List {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Remove a skill
    Delete(Named),
    /// Serve a skill that is written for AWS Lambda, and set its endpoint to it
    ///
    /// A child process of node or python3 calls the module's handler. It ends with
    /// this command.
    Run(run::RunArgs),
    /// Send a skill a harmless request, and explain what is wrong
    Ping(Named),
    /// Send a skill a code that its client redeems for tokens
    Grant(Named),
}

#[derive(Args)]
struct Named {
    /// Its id
    #[arg(value_name = "SKILL_ID")]
    id: SkillId,
}

impl SkillArgs {
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let admin = self.admin.connect()?;
        let answer = match self.command {
            SkillCommand::Set { skill, organization, endpoint, client, timeout, ca } => {
                let ca = ca.map(|file| read(&file)).transpose()?;
                let settings = Skill {
                    skill_id: None,
                    organization_id: organization,
                    endpoint,
                    client_id: client,
                    timeout: timeout.map(TimeSpan::Text),
                    ca,
                };
                return Ok(output.object(&admin.set_skill(&skill.id, &settings).await?)?);
            }
            SkillCommand::Get(skill) => return Ok(output.object(&admin.skill(&skill.id).await?)?),
            SkillCommand::List { list } => {
                return list.show(output, async |page| admin.skills(page).await).await;
            }
            SkillCommand::Delete(skill) => {
                admin.delete_skill(&skill.id).await?;
                return Ok(output.done("deleted", "id", skill.id.as_str())?);
            }
            SkillCommand::Run(arguments) => return arguments.run(&admin, output).await,
            SkillCommand::Ping(skill) => admin.ping_skill(&skill.id).await?,
            SkillCommand::Grant(skill) => admin.grant_skill(&skill.id).await?,
        };
        output.object(&answer)?;
        if answer.ok { Ok(()) } else { Err(Failure::failed("the skill did not take the request")) }
    }
}

fn read(file: &std::path::Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::failed(format!("{}: {error}", file.display())))
}

impl Show for Skill {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let timeout = self.timeout.as_ref().map(|span| match span {
            TimeSpan::Seconds(seconds) => format!("{seconds}s"),
            TimeSpan::Text(text) => text.clone(),
        });
        vec![
            ("id", optional(self.skill_id.as_ref())),
            ("organization", self.organization_id.to_string()),
            ("endpoint", self.endpoint.clone()),
            ("client", optional(self.client_id.as_ref())),
            ("timeout", optional(timeout.as_ref())),
        ]
    }
}

impl Show for SkillAnswer {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("ok", self.ok.to_string()),
            ("status", optional(self.status.as_ref())),
            ("latency", format!("{} ms", self.latency_ms)),
            ("problem", optional(self.problem.map(|problem| problem.as_str()).as_ref())),
            ("message", self.message.clone()),
        ]
    }
}
