//! `jackfield provider network`.

use clap::Subcommand;
use jackfield_client::admin::AdminClient;
use jackfield_model::SkillId;
use jackfield_model::wire::Network;

use super::Named;
use crate::failure::Failure;
use crate::output::{Output, Show};

#[derive(Subcommand)]
pub(super) enum NetworkCommand {
    /// Say which skill carries the calls to the network
    Set {
        #[command(flatten)]
        provider: Named,
        /// The skill
        #[arg(value_name = "SKILL_ID")]
        skill: SkillId,
    },
    /// Show the network mapping
    Show(Named),
    /// Forget the network mapping
    Delete(Named),
}

impl NetworkCommand {
    pub(super) async fn run(self, admin: &AdminClient, output: &mut Output) -> Result<(), Failure> {
        let network = match self {
            Self::Set { provider, skill } => admin.set_network(provider.id, &Network::skill(skill)).await?,
            Self::Show(provider) => admin.network(provider.id).await?,
            Self::Delete(provider) => {
                admin.delete_network(provider.id).await?;
                return Ok(output.done("deleted", "id", &provider.id.to_string())?);
            }
        };
        Ok(output.object(&network)?)
    }
}

impl Show for Network {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("type", "SKILL".to_owned()), ("skill", self.skill_configuration.skill_id.to_string())]
    }
}
